"""Small float models built without any file format."""

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph, Node
from mcuq.ops.base import Op
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.mean import Mean
from mcuq.ops.reshape import Reshape
from mcuq.ops.softmax import Softmax
from mcuq.quantization.layers import run_integers


class Builder:
    """A chain of nodes, each reading the one before."""

    def __init__(self, shape: tuple[int, ...], seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.shapes: dict[str, tuple[int, ...]] = {"x": shape}
        self.constants: dict[str, np.ndarray] = {}
        self.nodes: list[Node] = []
        self.last = "x"

    def add(self, op: Op, *weights: np.ndarray, source: str = "") -> "Builder":
        name = f"{op.name}_{len(self.nodes)}"
        names = tuple(f"{name}_c{i}" for i in range(len(weights)))
        self.constants |= {n: np.asarray(w, np.float32) for n, w in zip(names, weights, strict=True)}
        inputs = (source or self.last, *names)
        shapes = [self.shapes[n] if n in self.shapes else self.constants[n].shape for n in inputs]
        self.shapes[f"{name}_y"] = op.infer_shape(*shapes)
        self.nodes.append(Node(name, op, inputs, (f"{name}_y",)))
        self.last = f"{name}_y"
        return self

    def conv(self, filters: int, size: int, activation: str = "relu", **options) -> "Builder":
        depth, pad = self.shapes[self.last][-1] // options.get("groups", 1), size // 2
        weights = self.rng.normal(size=(filters, size, size, depth)) / (size * np.sqrt(depth))
        op = Conv2d(padding=(pad,) * 4, activation=activation, **options)
        return self.add(op, weights, self.rng.normal(size=filters) / 4)

    def depthwise(self, activation: str = "relu", multiplier: int = 1) -> "Builder":
        filters = self.shapes[self.last][-1] * multiplier
        op = DepthwiseConv2d(padding=(1, 1, 1, 1), activation=activation)
        return self.add(op, self.rng.normal(size=(1, 3, 3, filters)) / 3, self.rng.normal(size=filters) / 4)

    def dense(self, outputs: int, activation: str = "none") -> "Builder":
        inputs = int(np.prod(self.shapes[self.last]))
        weights = self.rng.normal(size=(outputs, inputs)) / np.sqrt(inputs)
        return self.add(FullyConnected(activation=activation), weights, self.rng.normal(size=outputs) / 4)

    def graph(self, **options) -> FloatGraph:
        nodes = tuple(self.nodes)
        return FloatGraph("net", ("x",), (self.last,), nodes, self.shapes, self.constants, **options).verify()


def separable_net(seed: int = 0, softmax: bool = True) -> FloatGraph:
    """[1, 6, 5, 3] through a convolution, a depthwise and a pointwise one, a mean, a dense layer."""
    b = Builder((1, 6, 5, 3), seed).conv(8, 3).depthwise().conv(6, 1).add(Mean((1, 2))).dense(4)
    return (b.add(Softmax()) if softmax else b).graph()


def flat_net(seed: int = 0) -> FloatGraph:
    """[1, 4, 4, 2] through a convolution, flattened into a dense layer."""
    return Builder((1, 4, 4, 2), seed).conv(4, 3).add(Reshape((1, 64))).dense(3).graph()


def samples(graph: FloatGraph, count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, *graph.shapes["x"])).astype(np.float32)


def integer_outputs(graph: FloatGraph, quantized: Graph, x: np.ndarray) -> np.ndarray:
    """What the integers of the one output stand for."""
    return run_integers(graph, quantized, {"x": x})[graph.outputs[0]]
