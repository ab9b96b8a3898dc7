"""Random causal networks: frames along one axis of an image, layer by layer."""

import numpy as np
from channel_graphs import Builder

from mcuq.graph import Graph
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.pad import Pad
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice


class Causal:
    """Adds layers whose windows reach back along ``axis``, 1 or 2; ``padded``: with padding in front of the frames."""

    def __init__(self, rng: np.random.Generator, frames: int, axis: int = 1, width: int = 1, channels: int = 4) -> None:
        self.rng, self.axis = rng, axis
        shape = (1, *self.pair(frames, width), channels)
        self.b = Builder(rng, shape, int(rng.integers(-20, 20)))
        self.zero_point = self.b.values["x"].zero_point

    def pair(self, along: int, across: int) -> tuple[int, int]:
        """Put what belongs to the frames' axis, and to the other one, in their order."""
        return (along, across) if self.axis == 1 else (across, along)

    def padding(self, front: int) -> tuple[int, int, int, int]:
        return (front, 0, 0, 0) if self.axis == 1 else (0, 0, front, 0)

    def shape(self, x: str) -> tuple[int, ...]:
        return self.b.values[x].shape

    def add(self, op, *inputs: str) -> str:
        return self.b.add(op, *inputs, zero_point=self.zero_point)

    def conv(self, x: str, channels=0, taps=1, stride=1, dilation=1, front=0, kind="conv") -> str:
        """A convolution, depthwise or not; 0 channels: as many as x has."""
        depth = self.shape(x)[3]
        channels = channels or depth
        across = min(2, self.shape(x)[3 - self.axis]) if kind == "wide" else 1
        window, padding = self.pair(taps, across), self.padding(front)
        fields = {"stride": self.pair(stride, 1), "dilation": self.pair(dilation, 1), "padding": padding}
        if kind == "depthwise":
            op, shape, axis = DepthwiseConv2d(**fields), (1, *window, depth), 3
            return self.b.linear(op, x, shape, depth, axis, zero_point=self.zero_point)
        op = Conv2d(**fields, activation=str(self.rng.choice(["none", "relu"])))
        return self.b.linear(op, x, (channels, *window, depth), channels, 0, zero_point=self.zero_point)

    def transposed(self, x: str, taps: int, padded: bool) -> str:
        """A transposed convolution: rows that it adds behind are cropped, those in front too if nothing is padded."""
        depth, step = self.shape(x)[3], int(self.rng.integers(1, 3))
        front, behind = 0 if padded else taps - 1, taps - 1
        padding = (front, behind, 0, 0) if self.axis == 1 else (0, 0, front, behind)
        op = ConvTranspose2d(self.pair(1, step), padding)
        shape = (depth, *self.pair(taps, int(self.rng.integers(1, 4))), depth)
        return self.b.linear(op, x, shape, depth, 0, zero_point=self.zero_point)

    def crop(self, x: str, begin: int) -> str:
        """Leave out the first rows."""
        shape = list(self.shape(x))
        shape[self.axis] -= begin
        starts = [begin if a == self.axis else 0 for a in range(4)]
        return self.add(Slice(tuple(starts), tuple(shape)), x)

    def graph(self, *outputs: str) -> Graph:
        b = self.b
        return Graph("causal", ("x",), outputs, tuple(b.nodes), b.values, b.constants).verify()


def random_causal(rng: np.random.Generator) -> tuple[Graph, int]:
    """Return a network of a few blocks and the axis of its frames; about half of them are padded in front."""
    frames, axis, padded = int(rng.integers(20, 50)), int(rng.integers(1, 3)), bool(rng.integers(2))
    net = Causal(rng, frames, axis, int(rng.integers(1, 4)), int(rng.integers(1, 6)))
    x = "x"
    for _ in range(int(rng.integers(1, 5))):
        x = _block(net, rng, x, padded)
        if net.shape(x)[axis] < 8:
            break
    return net.graph(*_end(net, rng, x, axis)), axis


def _block(net: Causal, rng: np.random.Generator, x: str, padded: bool) -> str:  # noqa: PLR0911 - one per kind
    taps, dilation, stride = (int(n) for n in rng.integers(1, 4, 3))
    reach = (taps - 1) * dilation + 1
    front = reach - 1 if padded else 0
    kind = str(rng.choice(["conv", "depthwise", "wide"]))
    match rng.integers(9):
        case 0 | 1:
            return net.conv(x, int(rng.integers(1, 7)), taps, stride, dilation, front, kind)
        case 2:  # a shortcut around a layer
            y = net.conv(x, 0, taps, 1, dilation, front, "depthwise")
            return net.add(Add(), x if padded else net.crop(x, reach - 1), y)
        case 3:  # branches side by side
            y = net.conv(x, int(rng.integers(1, 4)), taps, 1, dilation, front)
            z = net.conv(x if padded else net.crop(x, reach - 1), int(rng.integers(1, 4)))
            return net.add(Concatenation(3), y, z)
        case 4:
            op = MaxPool(net.pair(taps, 1), net.pair(stride, 1), net.padding(taps - 1 if padded else 0))
            return net.add(op, x)
        case 5 if not padded:
            return net.add(AveragePool(net.pair(taps, 1), net.pair(stride, 1)), x)
        case 6 if padded and reach > 1:
            before = [reach - 1 if a == net.axis else 0 for a in range(4)]
            return net.conv(net.add(Pad(tuple(before), (0,) * 4), x), 0, taps, stride, dilation)
        case 7:
            return net.transposed(x, taps, padded)
        case _:
            return net.add(HardSwish(), x)


def _end(net: Causal, rng: np.random.Generator, x: str, axis: int) -> tuple[str, ...]:
    rows = net.shape(x)[axis]
    match rng.integers(5):
        case 0:
            y = net.add(Mean((axis,), keep_dims=bool(rng.integers(2))), x)
        case 1:
            y = net.add(AveragePool(net.pair(rows, 1)), x)
        case 2:
            y = net.conv(x, 3, rows)
        case 3 if rows > 1:
            y = net.crop(x, rows - 1)
        case _:
            return (x,) if x != "x" else (net.conv(x, 2),)
    elements = int(np.prod(net.shape(y)))
    scores = net.b.dense(net.add(Reshape((1, elements)), y), 3)
    return (scores, x) if x != "x" and rng.integers(2) else (scores,)
