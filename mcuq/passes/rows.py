"""What a layer does along one axis: which rows of its input a row of its output sees, and the layer on fewer rows.

A row is an index along the axis that is cut into strips or streamed, in time or down an image. Every layer is one of
three: it computes rows from the rows in their place, from a window of rows that slides, or (with one output row for
all rows of its input) from a window over all of them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from mcuq.errors import UnsupportedOperatorError
from mcuq.graph import Graph, Node
from mcuq.ops import groups
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op, fused_limits
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.pad import Pad
from mcuq.ops.pixels import Picked, Pixels, nearest
from mcuq.ops.pooling import PoolOp
from mcuq.ops.prelu import PRelu
from mcuq.ops.reshape import Reshape
from mcuq.ops.resize_bilinear import BITS, ResizeBilinear
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.ops.rows import Rows
from mcuq.ops.slice import Slice
from mcuq.ops.softmax import Softmax
from mcuq.ops.transpose import Transpose
from mcuq.tensor import QTensor, Shape


class Window(NamedTuple):
    """Rows that an output row sees: row j those from ``(j * stride - padding) // divisor`` on, ``reach`` of them.

    ``padding`` counts rows in front of the first; negative ones are rows that no window sees. ``fill`` is what the
    padding holds: None for the zero point. With a ``divisor`` rows are picked at changing distances.
    """

    reach: int = 1
    stride: int = 1
    padding: int = 0
    fill: int | None = None
    divisor: int = 1

    @property
    def rate(self) -> Fraction:
        """Rows of the operand that a row of the output stands for."""
        return Fraction(self.stride, self.divisor)

    def needed(self, first: int, end: int) -> tuple[int, int]:
        """Return the rows that some rows of the output see, padding included."""
        begin, last = ((row * self.stride - self.padding) // self.divisor for row in (first, end - 1))
        return begin, last + self.reach


class Along(NamedTuple):
    """A layer along an axis: the axis of its output, and the window that slides over the first operand, if one does."""

    axis: int
    window: Window | None = None


def along(graph: Graph, node: Node, axes: dict[str, int]) -> Along:
    """Return what a layer does to rows.

    Args:
        graph: the model.
        node: the layer; at least one operand has rows.
        axes: of every value that has rows, along which dimension.

    Raises:
        UnsupportedOperatorError: rows of the output cannot be told apart, or depend on rows far from them.
    """
    op, shapes = node.op, [graph.tensor(name).shape for name in node.inputs]
    x, y = shapes[0], graph.values[node.outputs[0]].shape
    axis = axes.get(node.inputs[0], -1)
    if isinstance(op, groups.BROADCASTING):
        return _broadcasting(node, shapes, axes, len(y))
    found = _windowed(op, shapes, axis) or _moved(op, x, y, axis)
    if found is None and _is_row_by_row(op, x, axis) and all(name in axes for name in node.inputs[: op.operands]):
        found = Along(axis)
    if found is None:
        raise UnsupportedOperatorError(f"{op.name} of shapes {' and '.join(map(str, shapes))} mixes rows")
    return found


def _windowed(op: Op, shapes: list[Shape], axis: int) -> Along | None:
    """Return what a layer does whose rows see windows."""
    window = None
    match op:
        case Conv2d() | DepthwiseConv2d() | PoolOp() if axis in (1, 2):
            window = _sliding(op, shapes, axis - 1)
        case ConvTranspose2d() if axis in (1, 2):
            window = _reaching(op, shapes[1][axis], axis - 1)
        case Pad():
            window = Window(padding=op.before[axis])
        case Slice() if (step := op.stride[axis] if op.stride else 1) > 0:
            window = Window(1, step, -op.begin[axis])
        case Pixels() if axis == 1:
            window = _picking(Picked(*op.rows))
        case ResizeNearest() if axis == 1 and (picked := _resizing(op, shapes[0][1])):
            window = _picking(picked)
        case ResizeBilinear() if axis == 1:
            scale, offset = op.rows(shapes[0][1])
            window = Window(2, scale, -offset, divisor=1 << BITS)
        case Mean() if axis in _reduced(op, len(shapes[0])):
            window = Window(shapes[0][axis])
    return Along(axis, window) if window else None


def _moved(op: Op, x: Shape, y: Shape, axis: int) -> Along | None:
    """Return what a layer does whose rows lie along another dimension of its output."""
    places: list[int] = []
    match op:
        case Mean() if axis not in _reduced(op, len(x)):
            places = [axis if op.keep_dims else axis - sum(a < axis for a in _reduced(op, len(x)))]
        case Reshape():
            before = math.prod(x[:axis])
            places = [place for place, size in enumerate(y) if (size, math.prod(y[:place])) == (x[axis], before)]
        case Transpose():
            places = [op.axes.index(axis)]
        case FullyConnected() if not op.keep_dims and axis < len(x) - 1 and math.prod(x[:-1]) == x[axis]:
            places = [0]
    return Along(places[0]) if places else None


def _is_row_by_row(op: Op, x: Shape, axis: int) -> bool:
    """Whether rows are computed from those in their place."""
    match op:
        case FullyConnected():
            return op.keep_dims and axis < len(x) - 1
        case Concatenation():
            return op.axis % len(x) != axis
        case Softmax() | PRelu():
            return axis < len(x) - 1
        case Rows():
            return axis == 1 and op.count == x[axis]
    return isinstance(op, groups.UNARY)


def _picking(rows: Picked) -> Window:
    return Window(1, rows.step, -rows.offset, divisor=rows.divisor)


def _resizing(op: ResizeNearest, rows: int) -> Picked | None:
    """Return the rows that a resize picks; None where rounding in float32 picks others than the formula."""
    count = op.height
    if op.align_corners and count > 1:
        picked = Picked(count, 2 * (rows - 1), count - 1, 2 * (count - 1))
    else:
        picked = nearest(0, rows, count) if op.half_pixel_centers else Picked(count, rows, 0, count)
    return picked.reduced if list(picked.places) == list(op.rows(rows)) else None


def on_rows(
    op: Op,
    axis: int,
    shape: Shape,
    stride: int = 0,
    *,
    padding: tuple[int, int] = (0, 0),
    window: Window | None = None,
    first: int = 0,
) -> Op:
    """Return a layer as it computes some rows from all rows of a window.

    Args:
        op: the layer.
        axis: of its first operand.
        shape: of its output, with as many rows as are computed.
        stride: of the window, in place of its own.
        padding: of the window, before and behind its rows.
        window: that slides over its first operand, of a layer that picks rows.
        first: of the rows that are computed then.
    """
    made = op
    match op:
        case Conv2d() | DepthwiseConv2d() | PoolOp():
            top, bottom, left, right = op.padding
            sides = (*padding, left, right) if axis == 1 else (top, bottom, *padding)
            step = stride or op.stride[axis - 1]
            strides = (step, op.stride[1]) if axis == 1 else (op.stride[0], step)
            made = replace(op, padding=sides, stride=strides)
        case ConvTranspose2d() if window:
            begin = window.needed(first, first + 1)[0] + padding[0]
            made = _transposed(op, axis, range(first, first + shape[axis]), begin)
        case Pad():
            made = replace(op, before=_with(op.before, axis, padding[0]), after=_with(op.after, axis, padding[1]))
        case Slice():
            made = replace(op, begin=_with(op.begin, axis, 0), size=shape)
        case Reshape():
            made = replace(op, shape=shape)
        case Rows():
            made = replace(op, count=shape[axis])
        case Pixels():
            made = op.on_rows(first, shape[axis])
        case ResizeNearest() if window:
            begin, *_ = places = [window.needed(row, row + 1)[0] for row in range(first, first + shape[axis])]
            made = replace(op, height=shape[axis], picked=tuple(place - begin for place in places))
        case ResizeBilinear() if window:
            begin, _ = window.needed(first, first + 1)
            offset = first * window.stride - window.padding - max(0, begin) * window.divisor
            made = replace(op, height=shape[axis], spaced=(window.stride, offset))
    return made


class Pool(NamedTuple):
    """A pool over all rows: pixels of a row that are averaged, whether it divides as an average pool, limits."""

    columns: int
    divides: bool
    low: int
    high: int


def pool_of(op: Op, axis: int, shape: Shape, output: QTensor) -> Pool | None:
    """Return what a mean or an average pool over all rows sums; None for another layer, or where channels mix.

    Args:
        op: the layer.
        axis: of the rows.
        shape: of its input, with any number of rows.
        output: what it computes.
    """
    after = shape[axis + 1 :]
    low, high = output.limits
    match op:
        case AveragePool():
            columns = op.window[1] if axis == 1 else 1
            low, high = fused_limits(op.activation, output)
            fits = not any(op.padding) and output.elements * columns == math.prod(after)
            fits &= columns == 1 or columns == after[0]
        case Mean():
            reduced = _reduced(op, len(shape))
            inner = [place in reduced for place in range(axis + 1, len(shape))]
            columns = math.prod(size for size, is_reduced in zip(after, inner, strict=True) if is_reduced)
            fits = inner == sorted(inner, reverse=True)  # what is averaged lies outside of what is kept
        case _:
            return None
    fits &= math.prod(shape[:axis]) == 1
    return Pool(columns, isinstance(op, AveragePool), low, high) if fits else None


def _sliding(op: Conv2d | DepthwiseConv2d | PoolOp, shapes: list[Shape], dimension: int) -> Window:
    taps = op.window if isinstance(op, PoolOp) else shapes[1][1:3]
    dilation = 1 if isinstance(op, PoolOp) else op.dilation[dimension]
    padding = op.padding[2 * dimension]
    fill = -128 if isinstance(op, MaxPool) else None
    return Window((taps[dimension] - 1) * dilation + 1, op.stride[dimension], padding, fill)


def _reaching(op: ConvTranspose2d, taps: int, dimension: int) -> Window:
    """Return the rows that reach a row of a transposed convolution, one of the image at least where none does."""
    stride, behind = op.stride[dimension], op.padding[2 * dimension + 1] - op.output_padding[dimension]
    reach = max(-(-taps // stride), (taps - 1 - behind) // stride + 1)
    return Window(reach, 1, (reach - 1) * stride - op.padding[2 * dimension], divisor=stride)


def _transposed(op: ConvTranspose2d, axis: int, rows: range, begin: int) -> ConvTranspose2d:
    """Return a transposed convolution that computes some rows from those of its input from ``begin`` on."""
    top, bottom, left, right = op.padding
    before = rows.start - begin * op.stride[axis - 1]
    if axis == 1:
        return replace(op, padding=(top + before, 0, left, right), size=(len(rows), op.size[1]))
    return replace(op, padding=(top, bottom, left + before, 0), size=(op.size[0], len(rows)))


def _broadcasting(node: Node, shapes: list[Shape], axes: dict[str, int], rank: int) -> Along:
    """Return the axis of an element-wise layer whose operands have rows in one place, or one row for all."""
    from_end = {axes[name] - len(shape) for name, shape in zip(node.inputs, shapes, strict=True) if name in axes}
    (place,) = from_end if len(from_end) == 1 else (0,)
    others = [shape for name, shape in zip(node.inputs, shapes, strict=True) if name not in axes]
    if not place or any(len(shape) >= -place and shape[place] != 1 for shape in others):
        raise UnsupportedOperatorError(f"{node.op.name} has another operand for every row")
    return Along(rank + place)


def _reduced(op: Mean, rank: int) -> set[int]:
    return {axis % rank for axis in op.axes}


def _with(values: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    return (*values[:place], value, *values[place + 1 :])
