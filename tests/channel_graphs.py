"""Graphs with dead channels: layers added one by one, or drawn at random."""

import numpy as np

from mcuq.graph import Graph, Node
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.pad import Pad
from mcuq.ops.reshape import Reshape
from mcuq.ops.softmax import Softmax
from mcuq.ops.window import same_padding
from mcuq.tensor import QConstant, QTensor


class Builder:
    """Adds layers to a graph, one value after the other; dead channels are planted by ``kill``."""

    def __init__(self, rng: np.random.Generator, shape=(1, 7, 6, 3), zero_point=-5) -> None:
        self.rng = rng
        self.values = {"x": QTensor(shape, 0.05, zero_point)}
        self.constants: dict[str, QConstant] = {}
        self.nodes: list[Node] = []

    def add(self, op, *inputs: str, scale=0.05, zero_point=-5) -> str:
        """Add a layer whose output has this quantization; return the value's name."""
        name = f"{op.name}_{len(self.nodes)}"
        shape = op.infer_shape(*((self.values | self.constants)[n].shape for n in inputs))
        self.values[name] = QTensor(shape, scale, zero_point)
        self.nodes.append(Node(name, op, inputs, (name,)))
        return name

    def linear(self, op, x: str, shape, channels: int, axis: int, bias=True, **quantization) -> str:
        weights, biases = f"w_{len(self.nodes)}", f"b_{len(self.nodes)}"
        values = self.rng.integers(-127, 128, shape).astype(np.int8)
        self.constants[weights] = QConstant(values, self.rng.uniform(0.002, 0.008, channels), axis=axis)
        self.constants[biases] = QConstant(self.rng.integers(-900, 900, channels).astype(np.int32), np.ones(1))
        return self.add(op, x, weights, *([biases] if bias else []), **quantization)

    def conv(self, x: str, channels: int, size=1, padded=False, stride=1, activation="none", **quantization) -> str:
        _, h, w, c = self.values[x].shape
        padding = same_padding((h, w), (size, size), (stride, stride)) if padded else (0, 0, 0, 0)
        op = Conv2d((stride, stride), padding=padding, activation=activation)
        return self.linear(op, x, (channels, size, size, c), channels, 0, **quantization)

    def depthwise(self, x: str, size=3, padded=False, stride=1, times=1, **quantization) -> str:
        _, h, w, c = self.values[x].shape
        padding = same_padding((h, w), (size, size), (stride, stride)) if padded else (0, 0, 0, 0)
        op = DepthwiseConv2d((stride, stride), padding=padding)
        return self.linear(op, x, (1, size, size, c * times), c * times, 3, **quantization)

    def dense(self, x: str, channels: int, bias=True) -> str:
        inputs = self.values[x].shape[-1]
        return self.linear(FullyConnected(), x, (channels, inputs), channels, 0, bias)

    def kill(self, value: str, channel: int, constant: int) -> None:
        """Make an output channel this constant, whatever the input."""
        node = next(n for n in self.nodes if n.outputs == (value,))
        output, x = self.values[value], self.values[node.inputs[0]]
        weights = self.constants[node.inputs[1]]
        weights.values[(..., channel) if weights.axis == 3 else channel] = 0
        if len(node.inputs) > 2:
            step = x.scale * weights.scale[channel] / output.scale
            self.constants[node.inputs[2]].values[channel] = round((constant - output.zero_point) / step)

    def ignore(self, value: str, channel: int) -> None:
        """Let the convolution that makes a value ignore an input channel."""
        node = next(n for n in self.nodes if n.outputs == (value,))
        self.constants[node.inputs[1]].values[..., channel] = 0

    def graph(self, *outputs: str) -> Graph:
        return Graph("model", ("x",), outputs, tuple(self.nodes), self.values, self.constants).verify()


def inputs(rng: np.random.Generator, graph: Graph) -> dict[str, np.ndarray]:
    """Random samples, extremes, the zero point, and images with one extreme pixel at a corner or in the middle."""
    tensor = graph.values["x"]
    x = rng.integers(-128, 128, (14, *tensor.shape)).astype(np.int8)
    x[0], x[1], x[2] = -128, 127, tensor.zero_point
    x[3].reshape(-1)[::2] = -128
    x[3].reshape(-1)[1::2] = 127
    x[4:8] = tensor.zero_point
    for sample, row, value in ((4, 0, 127), (5, -1, -128), (6, 0, -128), (7, tensor.shape[1] // 2, 127)):
        x[sample, :, row, row] = value
    return {"x": x}


def random_graph(rng: np.random.Generator) -> Graph:
    """A few layers of random kinds, many of their channels dead or ignored, constants at and off the zero point."""
    b = Builder(rng, (1, int(rng.integers(5, 9)), int(rng.integers(5, 9)), int(rng.integers(1, 4))))
    value, outputs = "x", []
    for _ in range(rng.integers(2, 7)):
        value = _random_layer(b, rng, value)
        if rng.random() < 0.1:
            outputs.append(value)
    if rng.random() < 0.5:
        flat = Reshape((1, b.values[value].elements))
        value = b.dense(b.add(flat, value, zero_point=b.values[value].zero_point), 3)
        if rng.random() < 0.5:
            value = b.add(Softmax(), value, scale=1 / 256, zero_point=-128)
    return b.graph(*dict.fromkeys([*outputs, value]))


def _random_layer(b: Builder, rng: np.random.Generator, x: str) -> str:
    quantization = {"zero_point": int(rng.choice([-128, -5, 40]))}
    size = int(rng.choice([1, 2, 3]))
    small = min(b.values[x].shape[1:3]) < 4
    window = {"size": size, "padded": small or rng.random() < 0.5, "stride": int(rng.integers(1, 3))}
    kind = rng.choice(["conv", "conv", "depthwise", "depthwise", "shortcut", "pool", "hard_swish", "pad"])
    if kind == "conv":
        y = b.conv(x, int(rng.integers(1, 9)), activation=rng.choice(["none", "relu"]), **window, **quantization)
        _kill_some(b, rng, y)
    elif kind == "depthwise":
        y = b.depthwise(x, times=int(rng.integers(1, 3)), **window, **quantization)
        _kill_some(b, rng, y)
    elif kind == "shortcut":
        side = b.conv(x, b.values[x].shape[-1], **quantization)
        _kill_some(b, rng, side)
        y = b.add(Add(), x, side)
    elif kind == "pool":
        op = (MaxPool if rng.random() < 0.5 else AveragePool)((2, 2), (1, 1), (0, 1, 0, 1))
        y = b.add(op, x, zero_point=b.values[x].zero_point)
    elif kind == "pad":
        y = b.add(Pad((0, 1, 0, 0), (0, 0, 2, 0)), x, zero_point=b.values[x].zero_point)
    else:
        y = b.add(HardSwish(), x, **quantization)
    return y


def _kill_some(b: Builder, rng: np.random.Generator, value: str) -> None:
    output = b.values[value]
    share = rng.choice([0.0, 0.3, 0.6, 1.0])
    for channel in range(output.shape[-1]):
        if rng.random() < share:
            b.kill(value, channel, int(rng.choice([output.zero_point, output.zero_point + 9, -400, 400])))
    node = b.nodes[-1]
    if isinstance(node.op, Conv2d):
        for channel in range(b.values[node.inputs[0]].shape[-1]):
            if rng.random() < share:
                b.ignore(value, channel)
