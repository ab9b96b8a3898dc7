"""One function per TFLite operator that moves elements and computes nothing; see ``tflite_ops``."""

from __future__ import annotations

import math

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.flatbuffer import FileOperator, FileTensor
from mcuq.frontends.tflite_operands import (
    Converted,
    Tensors,
    constant,
    data,
    fused_activation,
    integers,
    present,
)
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.depth_to_space import DepthToSpace
from mcuq.ops.embedding import Embedding
from mcuq.ops.gather import Gather
from mcuq.ops.one_hot import OneHot
from mcuq.ops.pad import Pad
from mcuq.ops.reshape import Reshape
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.ops.slice import Slice
from mcuq.ops.space_to_depth import SpaceToDepth
from mcuq.ops.tile import Tile, broadcast_repeats
from mcuq.ops.transpose import Transpose


def concatenation(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """CONCATENATION; TFLite ignores its fused activation."""
    if (activation := fused_activation(operator.options)) != "none":
        raise UnsupportedOperatorError(f"concatenation with the fused activation {activation}")
    return Concatenation(operator.options.Axis()), present(tensors)


def pack(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """PACK: tensors side by side along a new dimension. Without one they lie in memory as along the one after it."""
    operands, axis = present(tensors), operator.options.Axis() % len(output.shape)
    shape = operands[0].shape
    if any(tensor.shape != shape for tensor in operands) or output.shape != (
        *shape[:axis],
        len(operands),
        *shape[axis:],
    ):
        raise MalformedModelError(f"{output} is not its {len(operands)} operands along dimension {axis}")
    if axis < len(shape):
        return (Concatenation(axis), Reshape(output.shape)), operands
    if not shape:
        raise UnsupportedOperatorError("numbers packed to a vector; export vectors")
    order = (*range(len(shape) - 1), len(shape), len(shape) - 1)
    return (Concatenation(axis - 1), Reshape((*shape[:-1], len(operands), shape[-1])), Transpose(order)), operands


def pad(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """PAD with zeros, PADV2 with a value."""
    before, after = np.reshape(integers(tensors[1], "the paddings"), (-1, 2)).T.tolist()
    values = [constant(tensor, "the padding's value") for tensor in tensors[2:]]
    return Pad(tuple(before), tuple(after)), [*present(tensors[:1]), *values]


def reshape(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """RESHAPE, SQUEEZE and EXPAND_DIMS: whatever names the shape (options, operand, axes), the output tensor has it."""
    return Reshape(output.shape), present(tensors[:1])


def mirror_pad(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """MIRROR_PAD: the border's elements once (SYMMETRIC, 1) or not at all (REFLECT, 0) beyond it."""
    (x,) = present(tensors[:1])
    mode = ("reflect", "symmetric")[operator.options.Mode()]
    sides = np.reshape(integers(tensors[1], "the paddings"), (-1, 2)).tolist()
    if len(sides) != len(x.shape) or np.min(sides) < 0:
        raise MalformedModelError(f"paddings {sides} of {x}")
    places = [np.pad(np.arange(n), side, mode) for n, side in zip(x.shape, sides, strict=True)]  # type: ignore[call-overload]
    ops = [Gather(tuple(map(int, at)), axis) for axis, at in enumerate(places) if any(sides[axis])]
    return tuple(ops) or Reshape(x.shape), [x]


def gather(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """GATHER by constant indices, or rows of a constant table."""
    (x, index), options = present(tensors), operator.options
    axis, batch = (options.Axis(), options.BatchDims()) if options is not None else (0, 0)
    axis = axis % max(len(x.shape), 1)
    if index.data is not None and x.data is None:
        places = [i % x.shape[axis] for i in integers(index, "the indices")]
        op = Gather(tuple(places), axis)
        return (op, Reshape(output.shape)) if len(index.shape) != 1 else op, [x]
    if x.data is None or axis or batch:
        raise UnsupportedOperatorError(
            "indices along an activation; constant ones, or rows of a constant, are supported"
        )
    return Embedding(), [index, x]


def one_hot(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """ONE_HOT along any axis."""
    (depth,) = integers(tensors[1], "the depth")
    on, off = (float(data(tensor, "the values").item()) for tensor in tensors[2:4])
    return OneHot(depth, operator.options.Axis(), on, off), present(tensors[:1])


def resize_nearest(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """RESIZE_NEAREST_NEIGHBOR to the output's size."""
    _, h, w, _ = output.shape
    options = operator.options
    return ResizeNearest(h, w, bool(options.AlignCorners()), bool(options.HalfPixelCenters())), present(tensors[:1])


def reverse(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """REVERSE_V2: along some dimensions from the last element to the first."""
    (x,) = present(tensors[:1])
    axes = {axis % len(x.shape) for axis in integers(tensors[1], "the dimensions")}
    turned = [axis in axes and size > 1 for axis, size in enumerate(x.shape)]
    begin = tuple(size - 1 if turn else 0 for size, turn in zip(x.shape, turned, strict=True))
    return Slice(begin, x.shape, tuple(-1 if turn else 1 for turn in turned)), [x]


def slice_(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """SLICE: first elements and sizes; a size of -1 takes the rest."""
    begin, size = integers(tensors[1], "the first elements"), integers(tensors[2], "the sizes")
    shape = present(tensors[:1])[0].shape
    sizes = (n - b if s == -1 else s for n, b, s in zip(shape, begin, size, strict=True))
    return Slice(tuple(begin), tuple(sizes)), present(tensors[:1])


def split(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """SPLIT into equal parts, of which the output is one; the axis is operand 0."""
    (axis,) = integers(tensors[0], "the axis")
    x = present(tensors[1:2])[0]
    parts = len(operator.outputs)
    return _part(operator, x, axis, [x.shape[axis] // parts] * parts, output)


def split_v(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """SPLIT_V into parts of given sizes, of which the output is one; the axis is operand 2."""
    (axis,) = integers(tensors[2], "the axis")
    x, sizes = present(tensors[:1])[0], integers(tensors[1], "the sizes")
    rest = x.shape[axis] - sum(size for size in sizes if size != -1)
    return _part(operator, x, axis, [rest if size == -1 else size for size in sizes], output)


def unpack(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """UNPACK: the output is one index along a dimension, which vanishes."""
    (x,) = present(tensors)
    axis = operator.options.Axis() % len(x.shape)
    number, count = operator.outputs.index(output.index), len(operator.outputs)
    if x.shape[axis] != count or output.shape != (*x.shape[:axis], *x.shape[axis + 1 :]):
        raise MalformedModelError(f"{output} is not one of {count} along dimension {axis} of {x}")
    rows = (1, math.prod(x.shape[:axis]), count, math.prod(x.shape[axis + 1 :]))
    part = Slice((0, 0, number, 0), (1, rows[1], 1, rows[3]))
    return (Reshape(rows), part, Reshape(output.shape)), [x]


def _part(operator: FileOperator, x: FileTensor, axis: int, sizes: list[int], output: FileTensor) -> Converted:
    """Return the slice of x along the axis that the output is."""
    number = operator.outputs.index(output.index)
    begin, size = [0] * len(x.shape), list(x.shape)
    begin[axis], size[axis] = sum(sizes[:number]), sizes[number]
    return Slice(tuple(begin), tuple(size)), [x]


def strided_slice(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """STRIDED_SLICE with TensorFlow's masks; a dimension that shrinks away is reshaped away."""
    options, x = operator.options, present(tensors[:1])[0]
    if options.EllipsisMask() or options.NewAxisMask():
        raise UnsupportedOperatorError("a slice with an ellipsis or new axis left in it; export with plain slices")
    begins, ends, strides = (integers(tensors[i], "the slice") for i in (1, 2, 3))
    parts = [range(n) for n in x.shape]
    for d, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        if options.ShrinkAxisMask() >> d & 1:
            parts[d] = parts[d][begin : None if begin == -1 else begin + 1]
            continue
        first = None if options.BeginMask() >> d & 1 else begin
        last = None if options.EndMask() >> d & 1 else (begin + end if options.Offset() else end)
        parts[d] = parts[d][first:last:stride]
    shape, steps = tuple(len(part) for part in parts), tuple(part.step for part in parts)
    op = Slice(tuple(part.start for part in parts), shape, steps if set(steps) != {1} else ())
    return (op, Reshape(output.shape)) if output.shape != shape else op, [x]


def tile(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """TILE; of one dimension of one element: pixels that are repeated, as TensorFlow writes upsampling."""
    (x,) = present(tensors[:1])
    repeats = tuple(int(times) for times in integers(tensors[1], "the repetitions"))
    repeated = [axis for axis, times in enumerate(repeats) if times != 1]
    if len(repeats) != len(x.shape) or len(repeated) != 1 or x.shape[repeated[0]] != 1:
        return Tile(repeats), [x]
    (axis,) = repeated
    before, behind = math.prod(x.shape[:axis]), math.prod(x.shape[axis:])
    pixels = ResizeNearest(before, repeats[axis], half_pixel_centers=True)
    return (Reshape((1, before, 1, behind)), pixels, Reshape(output.shape)), [x]


def broadcast_to(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """BROADCAST_TO, whose shape the output has."""
    (x,) = present(tensors[:1])
    full, repeats = broadcast_repeats(x.shape, output.shape)
    return (Tile(repeats) if full == x.shape else (Reshape(full), Tile(repeats))), [x]


def space_to_depth(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """SPACE_TO_DEPTH."""
    return SpaceToDepth(operator.options.BlockSize()), present(tensors)


def depth_to_space(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """DEPTH_TO_SPACE."""
    return DepthToSpace(operator.options.BlockSize()), present(tensors)


def transpose(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """TRANSPOSE."""
    return Transpose(tuple(integers(tensors[1], "the order of dimensions"))), present(tensors[:1])
