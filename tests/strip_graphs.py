"""Random chains of layers over the rows of an image: every kind of window, padding, branch and end."""

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
from mcuq.ops.mul import Mul
from mcuq.ops.pad import Pad
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice
from mcuq.tensor import QConstant

MOST_ROWS = 30


class Net:
    """Adds layers to an image [1, rows, columns, channels] whose windows may reach beyond every side of it."""

    def __init__(self, rng: np.random.Generator, rows: int = 0) -> None:
        rows = rows or int(rng.choice([1, 2, 3, rng.integers(4, MOST_ROWS)]))
        shape = (1, rows, int(rng.integers(1, 7)), int(rng.integers(1, 6)))
        self.rng, self.b = rng, Builder(rng, shape, int(rng.integers(-20, 20)))
        self.zero_point = self.b.values["x"].zero_point

    def shape(self, x: str) -> tuple[int, ...]:
        return self.b.values[x].shape

    def add(self, op, *inputs: str) -> str:
        return self.b.add(op, *inputs, zero_point=self.zero_point)

    def window(self, x: str, *, stride: bool = True, dilation: bool = True) -> dict:
        """A window, stride, dilation and padding that give at least one row and column, none of padding alone."""
        sides, padding = [], []
        for size in self.shape(x)[1:3]:
            taps, step, spread = (int(n) for n in self.rng.integers(1, 4, 3))
            step, spread = step if stride else 1, spread if dilation else 1
            reach = (taps - 1) * spread + 1
            before, after = (int(n) for n in self.rng.integers(0, reach, 2))
            if size + before + after < reach:
                before = after = reach - 1
            outputs = (size + before + after - reach) // step + 1
            if (outputs - 1) * step - before >= size:  # the last one would lie in the padding alone
                after = 0
            sides.append((taps, step, spread))
            padding += [before, after if size + before + after >= reach else reach]
        window, strides, dilations = zip(*sides, strict=True)
        return {"window": window, "stride": strides, "dilation": dilations, "padding": tuple(padding)}

    def conv(self, x: str, channels: int = 0, *, depthwise: bool = False, same: bool = False) -> str:
        """A convolution, depthwise or not; ``same``: of the input's rows and columns."""
        depth = self.shape(x)[3]
        fields = self.window(x)
        window = fields.pop("window")
        if same:
            window, dilation = (3, 3), fields["dilation"]
            fields |= {"stride": (1, 1), "padding": (dilation[0], dilation[0], dilation[1], dilation[1])}
        if depthwise:
            op, shape = DepthwiseConv2d(**fields), (1, *window, depth)
            return self.b.linear(op, x, shape, depth, 3, zero_point=self.zero_point)
        op = Conv2d(**fields, activation=str(self.rng.choice(["none", "relu"])))
        channels = channels or depth
        return self.b.linear(op, x, (channels, *window, depth), channels, 0, zero_point=self.zero_point)

    def transposed(self, x: str, channels: int) -> str:
        """A transposed convolution of any stride, larger and smaller than its filter, cropped on every side."""
        rng, depth, sides = self.rng, self.shape(x)[3], []
        for size in self.shape(x)[1:3]:
            taps, step = int(rng.integers(1, 6)), int(rng.integers(1, 4))
            extra = int(rng.integers(0, step))
            before = int(rng.integers(0, min(taps + 1, (size - 1) * step + taps + extra)))
            after = int(rng.integers(0, min(taps + 1, (size - 1) * step + taps + extra - before)))
            sides.append((taps, step, extra, before, after))
        window, stride, extra, before, after = zip(*sides, strict=True)
        padding = (before[0], after[0], before[1], after[1])
        op = ConvTranspose2d(stride, padding, extra, str(rng.choice(["none", "relu"])))
        return self.b.linear(op, x, (channels, *window, depth), channels, 0, zero_point=self.zero_point)

    def pad(self, x: str) -> str:
        """Padding on every side, of channels too, with zero or another value."""
        before, after = ((0, *(int(n) for n in self.rng.integers(0, (4, 3, 2)))) for _ in range(2))
        if self.rng.integers(2):
            return self.add(Pad(before, after), x)
        value = f"v_{len(self.b.nodes)}"
        filled = np.array([self.rng.integers(-128, 128)], np.int8)
        self.b.constants[value] = QConstant(filled, np.array([0.05]), self.zero_point)
        return self.add(Pad(before, after), x, value)

    def graph(self, *outputs: str) -> Graph:
        b = self.b
        return Graph("chain", ("x",), outputs, tuple(b.nodes), b.values, b.constants).verify()


def random_chain(rng: np.random.Generator) -> Graph:
    """Return a network of which some layers, the first ones, can be computed in strips; often all but the last."""
    net, x = Net(rng, int(rng.choice([0, rng.integers(4, MOST_ROWS)]))), "x"  # every other image has many rows
    for _ in range(int(rng.integers(2, 7))):
        x = _block(net, rng, x)
    return net.graph(_end(net, rng, x))


def _block(net: Net, rng: np.random.Generator, x: str) -> str:  # noqa: PLR0911 - one per kind
    match rng.integers(12):
        case 0 | 1:
            return net.conv(x, int(rng.integers(1, 7)))
        case 2:
            return net.conv(x, depthwise=True)
        case 3:  # a shortcut around one or two layers
            y = net.conv(x, 0, same=True)
            return net.add(Add("relu"), net.conv(y, depthwise=True, same=True) if rng.integers(2) else y, x)
        case 4:  # branches side by side, of different reach
            y = net.conv(x, int(rng.integers(1, 4)), same=True)
            return net.add(Concatenation(3), y, net.conv(net.add(HardSwish(), x), int(rng.integers(1, 4)), same=True))
        case 5:
            fields = net.window(x, dilation=False)
            del fields["dilation"]
            return net.add((MaxPool if rng.integers(2) else AveragePool)(**fields), x)
        case 6 if net.shape(x)[1] > 2:  # some rows are left out
            shape, first = net.shape(x), int(rng.integers(0, 2))
            return net.add(Slice((0, first, 0, 0), (1, shape[1] - 2, *shape[2:])), x)
        case 7 | 8:
            return net.pad(x)
        case 9 | 10 if net.shape(x)[1] < MOST_ROWS:
            return net.transposed(x, int(rng.integers(1, 5)))
        case 11:
            return net.add(Mul(), x, net.add(HardSwish(), x))
        case _:
            return net.add(HardSwish(), x)


def _end(net: Net, rng: np.random.Generator, x: str) -> str:
    rows, columns = net.shape(x)[1:3]
    match rng.integers(4):
        case 0:
            y = net.add(Mean((1, 2), keep_dims=bool(rng.integers(2))), x)
        case 1:
            y = net.add(AveragePool((rows, columns)), x)
        case 2:
            y = net.add(AveragePool((rows, 1)), x)
        case _:
            return x if x != "x" else net.conv(x, 2)
    elements = int(np.prod(net.shape(y)))
    return net.b.dense(net.add(Reshape((1, elements)), y), 3)
