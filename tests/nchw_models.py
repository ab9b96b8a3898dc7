"""Channel-first models as an ONNX reader makes them, hand-made and random."""

from __future__ import annotations

import numpy as np
from float_graphs import GraphBuilder
from hypothesis import strategies as st

from mcuq.float_graph import FloatGraph
from mcuq.ops.add import Add
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.hard_sigmoid import HardSigmoid
from mcuq.ops.logistic import Logistic
from mcuq.ops.mean import Mean
from mcuq.ops.mul import Mul
from mcuq.ops.pad import Pad
from mcuq.ops.prelu import PRelu
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.reshape import Reshape
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.ops.slice import Slice
from mcuq.ops.softmax import Softmax
from mcuq.ops.sub import Sub
from mcuq.ops.transpose import Transpose

SAME = (1, 1, 1, 1)


def plain_cnn(b: GraphBuilder) -> str:
    """Convolutions, pooling, a flattened head with a batch norm in between."""
    x = b.input((1, 3, 8, 8))
    y = b.add(Relu(), b.conv_first(x, 4, padding=SAME))
    y = b.max_pool_first(y)
    y = b.add(Mul(), y, b.random(4, 1, 1))
    y = b.add(Reshape((1, 64)), b.add(Add(), y, b.random(1, 4, 1, 1)))
    y = b.add(Relu(), b.add(Mul(), y, b.random(64)))
    return b.add(Softmax(), b.dense(y, 5))


def one_channel(b: GraphBuilder) -> str:
    """The transpose of one channel moves nothing."""
    y = b.conv_first(b.input((1, 1, 6, 6)), 3)
    return b.dense(b.add(Reshape((1, 48)), y), 4)


def normalized(b: GraphBuilder) -> str:
    """The input is normalized before the first layer."""
    y = b.add(Mul(), b.add(Sub(), b.input((1, 3, 6, 6)), b.random(1, 3, 1, 1)), b.random(3, 1, 1))
    return b.add(Mean((2, 3)), b.conv_first(y, 4))


def residual(b: GraphBuilder) -> str:
    """The input joins the sum after two layers; a projection joins another."""
    x = b.input((1, 4, 6, 6))
    y = b.add(Relu(), b.conv_first(x, 4, padding=SAME))
    y = b.add(Relu(), b.add(Add(), x, b.conv_first(y, 4, padding=SAME)))
    y = b.add(Add(), b.conv_first(y, 6, 1, stride=(2, 2)), b.conv_first(y, 6, stride=(2, 2), padding=SAME))
    y = b.global_average_first(y)
    return b.dense(b.add(Reshape((1, 6)), y), 3)


def squeeze_excite(b: GraphBuilder) -> str:
    """Channels are weighed by convolutions of their means, and again by fully connected layers."""
    y = b.conv_first(b.input((1, 3, 6, 6)), 8, padding=SAME)
    gate = b.add(Mean((2, 3), keep_dims=True), y)
    gate = b.conv_first(b.add(Relu(), b.conv_first(gate, 4, 1)), 8, 1)
    y = b.add(Mul(), y, b.add(HardSigmoid(1 / 6, 0.5), gate))
    gate = b.add(Reshape((1, 8, 1, 1)), b.add(Logistic(), b.dense(b.add(Mean((-1, -2)), y), 8)))
    y = b.conv_first(b.add(Mul(), gate, y), 4)
    return b.dense(b.add(Reshape((1, 64)), y), 3)


def attention_over_space(b: GraphBuilder) -> str:
    """Pixels are weighed by a convolution of their mean over channels, next to the mean of a part of them."""
    y = b.conv_first(b.input((1, 3, 6, 6)), 8, padding=SAME)
    part = b.add(Slice((0, 2, 0, 0), (1, 4, 6, 6)), y)
    both = b.add(Concatenation(1), b.add(Mean((1,), keep_dims=True), y), b.add(Mean((1,), keep_dims=True), part))
    y = b.add(Mul(), y, b.add(Logistic(), b.conv_first(both, 1, padding=SAME)))
    return b.add(Mean((2, 3)), b.conv_first(y, 4))


def dense_blocks(b: GraphBuilder) -> str:
    """Every layer reads all before it, the input included, side by side along the channels."""
    y = b.input((1, 3, 6, 6))
    for _ in range(3):
        new = b.conv_first(b.add(Relu(), b.add(Mul(), y, b.random(1, b.shapes[y][1], 1, 1))), 4, padding=SAME)
        y = b.add(Concatenation(1), y, new)
    return b.dense(b.add(Reshape((1, 15 * 36)), y), 2)


def split(b: GraphBuilder) -> str:
    """Halves of the channels go separate ways."""
    y = b.conv_first(b.input((1, 3, 6, 6)), 8)
    left, right = (b.add(Slice((0, c, 0, 0), (1, 4, 4, 4)), y) for c in (0, 4))
    y = b.add(Concatenation(-3), b.conv_first(left, 4, padding=SAME), b.add(Relu(), right))
    return b.add(Mean((2, 3)), b.conv_first(y, 3))


def sequence(b: GraphBuilder) -> str:
    """One dimension: convolutions, batch norm, padding, pooling, a residual and a flattened head."""
    x = b.input((1, 3, 16))
    y = b.add(Pad((0, 0, 2), (0, 0, 0)), b.add(Relu(), b.conv_first(x, 4)))
    y = b.add(Add(), b.add(Mul(), y, b.random(4, 1)), b.random(1, 4, 1))
    y = b.add(Add(), y, b.conv_first(y, 4, padding=(0, 0, 1, 1)))
    y = b.max_pool_first(b.add(Concatenation(1), y, b.conv_first(y, 2, padding=(0, 0, 1, 1))))
    return b.dense(b.add(Reshape((1, 48)), y), 3)


def sequence_mean(b: GraphBuilder) -> str:
    """One dimension, the mean over time."""
    y = b.add(Relu6(), b.conv_first(b.input((1, 3, 16)), 4))
    return b.dense(b.add(Mean((2,)), b.conv_first(y, 5)), 3)


def unet(b: GraphBuilder) -> str:
    """Down, up, and what was there before beside it; a map of classes reduced to one answer."""
    x = b.input((1, 3, 8, 8))
    top = b.add(Relu(), b.conv_first(x, 4, padding=SAME))
    low = b.add(Relu(), b.conv_first(b.max_pool_first(top), 6, padding=SAME))
    up = b.nchw(b.add(ResizeNearest(8, 8), b.nhwc(low)))
    wide = b.nhwc(b.add(Concatenation(1), up, top))
    y = b.nchw(b.add(ConvTranspose2d((2, 2)), wide, b.random(2, 2, 2, 10), b.random(2)))
    return b.add(Mean((2, 3)), y)


def decoder(b: GraphBuilder) -> str:
    """A vector becomes an image: the rows of the first layer make up for the order."""
    y = b.add(Relu(), b.add(Mul(), b.dense(b.input((1, 7)), 48), b.random(48)))
    y = b.conv_first(b.add(Reshape((1, 3, 4, 4)), y), 4)
    return b.add(Mean((2, 3)), y)


def two_branches(b: GraphBuilder) -> str:
    """An image, another one and a vector are flattened and joined."""
    first, second = (b.conv_first(b.input(shape), 4) for shape in ((1, 3, 6, 6), (1, 1, 5, 5)))
    flat = [b.add(Relu(), b.add(Reshape((1, 64)), first)), b.add(Reshape((1, 36)), second)]
    y = b.add(Concatenation(1), *flat, b.dense(b.input((1, 6)), 5), np.ones((1, 3)))
    return b.add(Add(), b.dense(y, 4), b.dense(y, 4))


def sum_of_inputs(b: GraphBuilder) -> str:
    """Two images are added before the first layer: only both together can change their order."""
    y = b.add(Add(), b.input((1, 3, 6, 6)), b.input((1, 3, 6, 6)))
    return b.add(Mean((2, 3)), b.conv_first(y, 4))


def slopes(b: GraphBuilder) -> str:
    """A slope per channel, as its reader wraps it; an activation that each pixel's channels share."""
    y = b.conv_first(b.input((1, 3, 6, 6)), 4)
    y = b.nchw(b.add(PRelu(), b.nhwc(b.add(Relu6(), y)), b.random(4)))
    y = b.nchw(b.add(Softmax(), b.nhwc(y)))
    return b.add(Mean((2, 3)), b.conv_first(y, 4))


def odd_pads(b: GraphBuilder) -> str:
    """Paddings of rows, columns and channels, and every second pixel backwards."""
    y = b.conv_first(b.input((1, 3, 6, 6)), 4)
    y = b.add(Pad((0, 1, 2, 0), (0, 0, 0, 3)), y, -1.5)
    y = b.add(Slice((0, 0, 5, 1), (1, 5, 3, 3), (1, 1, -2, 2)), y)
    return b.add(Mean((1, 2)), b.conv_first(y, 4))


ALL_VANISH = (
    plain_cnn,
    one_channel,
    normalized,
    residual,
    squeeze_excite,
    attention_over_space,
    dense_blocks,
    split,
    sequence,
    sequence_mean,
    unet,
    decoder,
    two_branches,
    sum_of_inputs,
    slopes,
    odd_pads,
)


@st.composite
def random_graphs(draw: st.DrawFn) -> FloatGraph:
    """Any mixture of layers, views and joins, most of it channel-first."""
    b = GraphBuilder(draw(st.integers(0, 99)))
    h, w = draw(st.sampled_from([(2, 4), (4, 4), (4, 6)]))
    values = [b.input((1, draw(st.sampled_from([1, 2, 4])), h, w)) for _ in range(draw(st.integers(1, 2)))]
    for _ in range(draw(st.integers(1, 9))):
        x = draw(st.sampled_from(values[-4:]))
        made = draw(st.sampled_from(LAYERS))(b, x, values, draw)
        if made is not None:
            values.append(made)
    inner = [name for name in values if name not in b.inputs] or [b.add(Relu(), values[0])]
    return b.graph(*dict.fromkeys([inner[-1], *draw(st.lists(st.sampled_from(inner), max_size=2))]))


def _conv(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    if len(b.shapes[x]) == 4:
        return b.conv_first(x, draw(st.sampled_from([2, 4])), padding=SAME)
    return b.conv_first(x, draw(st.sampled_from([2, 4])), padding=(0, 0, 1, 1)) if len(b.shapes[x]) == 3 else None


def _unary(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    return b.add(draw(st.sampled_from([Relu(), Logistic()])), x)


def _constant(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    shape = [size if draw(st.booleans()) else 1 for size in b.shapes[x]]
    constant = b.random(*shape[draw(st.integers(0, len(shape))) :])
    op = draw(st.sampled_from([Add("relu"), Mul(), Sub()]))
    return b.add(op, *((x, constant) if draw(st.booleans()) else (constant, x)))


def _binary(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    others = [name for name in values if b.shapes[name] == b.shapes[x]]
    return b.add(Add(), x, draw(st.sampled_from(others)))


def _gate(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    axes = draw(st.sampled_from([(1,), (2,), (1, 2), (-1, -2)])) if len(b.shapes[x]) > 2 else (1,)
    try:
        return b.add(Mul(), b.add(Mean(axes, keep_dims=True), x), x)
    except ValueError:
        return None


def _concatenate(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    axis = draw(st.integers(1, len(b.shapes[x]) - 1))
    fits = [
        n
        for n in values
        if len(b.shapes[n]) == len(b.shapes[x])
        and all(i == axis or d == b.shapes[x][i] for i, d in enumerate(b.shapes[n]))
    ]
    return b.add(Concatenation(axis), x, draw(st.sampled_from(fits)))


def _slice(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    size = [1, *(draw(st.integers(max(1, n // 2), n)) for n in b.shapes[x][1:])]
    begin = [draw(st.integers(0, n - s)) for n, s in zip(b.shapes[x], size, strict=True)]
    return b.add(Slice(tuple(begin), tuple(size)), x)


def _pad(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    before, after = ([0, *(draw(st.integers(0, 1)) for _ in b.shapes[x][1:])] for _ in "ba")
    return b.add(Pad(tuple(before), tuple(after)), x)


def _mean(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    axes = tuple(draw(st.sets(st.integers(1, len(b.shapes[x]) - 1), min_size=1, max_size=2)))
    return b.add(Mean(axes, keep_dims=draw(st.booleans())), x) if len(b.shapes[x]) - len(axes) > 1 else None


def _softmax(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    return b.add(Softmax(), x)


def _dense(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    if draw(st.booleans()):
        return b.dense(x, 4, keep_dims=True)
    flat = b.add(Reshape((1, int(np.prod(b.shapes[x])))), x)
    y = b.dense(b.add(Relu(), flat), 16)
    return b.add(Reshape((1, 2, 2, 4)), y)


def _transpose(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    return b.add(Transpose((0, *draw(st.permutations(range(1, len(b.shapes[x])))))), x)


def _reshape(b: GraphBuilder, x: str, values: list[str], draw: st.DrawFn) -> str | None:
    shape = b.shapes[x]
    merged = (1, *shape[1:-2], shape[-2] * shape[-1])
    split = (*shape[:-1], 2, shape[-1] // 2)
    return b.add(Reshape(merged if len(shape) > 3 or shape[-1] % 2 else split), x) if len(shape) > 2 else None


LAYERS = [
    *(_conv, _conv, _unary, _constant, _binary, _gate, _concatenate, _slice, _pad, _mean, _softmax, _dense),
    *(_transpose, _reshape),
]
