"""ONNX operators that move elements and change none: reshapes, transposes, slices, paddings, joins."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.onnx_builder import Builder, Constant, Entry, Value
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.graph import MAX_ELEMENTS
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.pad import Pad
from mcuq.ops.slice import Slice
from mcuq.ops.tile import Tile, broadcast_repeats
from mcuq.tensor import Array, Shape

Inputs = Sequence[Entry | None]
Operands = Sequence[Array]


def first(inputs: Inputs) -> Entry:
    """Return the first operand, which is not optional."""
    if not inputs or inputs[0] is None:
        raise MalformedModelError("it has no input")
    return inputs[0]


def constants(inputs: Inputs, what: str) -> list[Array]:
    """Return the operands from the second on, which must be known; an empty array for one left out."""
    arrays: list[Array] = []
    for entry in inputs[1:]:
        if isinstance(entry, Value):
            raise UnsupportedOperatorError(f"{what} must be constant; export with static shapes")
        arrays.append(np.empty(0, np.int64) if entry is None else entry.values)
    return arrays


def axes_of(node: OnnxNode, rank: int, operand: Array | None) -> tuple[int, ...]:
    """Return the axes that an attribute or, since opset 13 or 18, an operand gives, counted from the start."""
    given = node.integers("axes") if operand is None or operand.size == 0 else tuple(map(int, operand.ravel()))
    if any(not -rank <= axis < rank for axis in given) or len({a % rank for a in given}) != len(given):
        raise MalformedModelError(f"axes {given} of {rank} dimensions")
    return tuple(axis % rank for axis in given)


def axis_of(node: OnnxNode, rank: int, default: int) -> int:
    """Return the axis that an attribute gives, counted from the start."""
    axis = node.integer("axis", default)
    if not -rank <= axis < rank:
        raise MalformedModelError(f"axis {axis} of {rank} dimensions")
    return axis % rank


def reshaped(node: OnnxNode, shape: Shape, operands: Operands) -> Shape:
    """Return the target of Reshape and Flatten."""
    if node.kind == "Flatten":
        axis = node.integer("axis", 1)
        if not -len(shape) <= axis <= len(shape):
            raise MalformedModelError(f"axis {axis} of {len(shape)} dimensions")
        axis = axis % len(shape) if axis < 0 else axis
        return math.prod(shape[:axis]), math.prod(shape[axis:])
    if not operands:
        raise MalformedModelError("it has no target shape")
    target = [int(d) for d in operands[0].ravel()]
    if not node.integer("allowzero", 0):
        target = [shape[axis] if d == 0 else d for axis, d in enumerate(target)]
    if target.count(-1) == 1:
        rest = math.prod(d for d in target if d != -1)
        if rest <= 0 or math.prod(shape) % rest:
            raise MalformedModelError(f"shape {shape} does not fill {tuple(target)}{_batch_hint(shape)}")
        target[target.index(-1)] = math.prod(shape) // rest
    if any(d < 0 for d in target) or math.prod(target) != math.prod(shape):
        raise MalformedModelError(f"shape {shape} does not fill {tuple(target)}{_batch_hint(shape)}")
    return tuple(target)


def _batch_hint(shape: Shape) -> str:
    return "; export with a batch of 1" if shape and shape[0] == 1 else ""


def squeezed(node: OnnxNode, shape: Shape, operands: Operands) -> Shape:
    """Return the shape without the named dimensions of one element; without all of them where none is named."""
    axes = axes_of(node, len(shape), operands[0] if operands else None)
    if any(shape[axis] != 1 for axis in axes):
        raise MalformedModelError(f"axes {axes} of shape {shape} do not all have one element")
    return tuple(d for axis, d in enumerate(shape) if (axis not in axes if axes else d != 1))


def unsqueezed(node: OnnxNode, shape: Shape, operands: Operands) -> Shape:
    """Return the shape with dimensions of one element put in."""
    given = operands[0].size if operands else len(node.integers("axes"))
    rank = len(shape) + given
    axes = axes_of(node, rank, operands[0] if operands else None)
    rest = iter(shape)
    return tuple(1 if axis in axes else next(rest) for axis in range(rank))


def sliced(node: OnnxNode, shape: Shape, operands: Operands) -> tuple[slice, ...]:
    """Return what Slice takes of every dimension."""
    parts = [tuple(map(int, array.ravel())) for array in operands[1:]]
    if "starts" in node.attributes:  # before opset 10
        parts = [node.integers(name) for name in ("starts", "ends", "axes")]
    starts, ends, axes, steps = [*parts, (), (), (), ()][:4]
    axes, steps = axes or tuple(range(len(starts))), steps or (1,) * len(starts)
    taken = [slice(None)] * len(shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        taken[axis] = slice(start, None if step < 0 and end < -shape[axis] else end, step)
    return tuple(taken)


def _moved(entry: Entry, b: Builder, shape: Shape) -> Entry:
    if isinstance(entry, Constant):
        return entry.reshape(shape)
    return Value(b.reshape(entry, shape).name, shape, entry.integers)


def reshape(target: Callable[[OnnxNode, Shape, Operands], Shape]) -> Callable[[Builder, OnnxNode, Inputs], Entry]:
    """Return the reader of an operator whose result has the shape ``target`` says."""

    def reader(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
        x = first(inputs)
        return _moved(x, b, target(node, x.shape, constants(inputs, "the shape")))

    return reader


def transpose(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Transpose."""
    x = first(inputs)
    axes = node.integers("perm", tuple(range(len(x.shape)))[::-1])
    return x.transpose(axes) if isinstance(x, Constant) else b.transpose(x, axes)


def concat(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Concat."""
    present = [entry for entry in inputs if entry is not None]
    axis = axis_of(node, len(first(inputs).shape), -1)
    return present[0] if len(present) == 1 else b.emit(Concatenation(axis), *present)


def part(b: Builder, x: Entry, begin: Sequence[int], size: Sequence[int], stride: Sequence[int] = ()) -> Value:
    """Return a slice; the activation itself where that is all of it."""
    if isinstance(x, Constant):
        raise UnsupportedOperatorError("slices of quantized constants; fold it before the export")
    if tuple(size) == x.shape and all(step == 1 for step in stride):
        return x
    return b.emit(Slice(tuple(begin), tuple(size), tuple(stride) if any(s != 1 for s in stride) else ()), x)


def slice_(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Slice."""
    x = first(inputs)
    parts = sliced(node, x.shape, [np.empty(0), *constants(inputs, "starts, ends, axes and steps")])
    ranges = [range(n)[part] for n, part in zip(x.shape, parts, strict=True)]
    if any(len(r) == 0 for r in ranges):
        raise UnsupportedOperatorError("nothing is left of the input")
    return part(b, x, [r[0] for r in ranges], [len(r) for r in ranges], [r.step for r in ranges])


def split(b: Builder, node: OnnxNode, inputs: Inputs) -> list[Entry]:
    """Read Split: one Slice per part."""
    x = first(inputs)
    axis, count = axis_of(node, len(x.shape), 0), len(node.outputs)
    operand = constants(inputs, "the sizes")
    sizes = [int(n) for n in operand[0].ravel()] if operand and operand[0].size else list(node.integers("split"))
    if not sizes:
        each = -(-x.shape[axis] // count)
        sizes = [min(each, x.shape[axis] - i * each) for i in range(count)]
    if sum(sizes) != x.shape[axis] or len(sizes) < count or min(sizes) < 1:
        raise MalformedModelError(f"parts of {sizes} for dimension {axis} of {x.shape}")
    parts: list[Entry] = []
    for i, size in enumerate(sizes):
        begin = [sum(sizes[:i]) if d == axis else 0 for d in range(len(x.shape))]
        parts.append(part(b, x, begin, [size if d == axis else n for d, n in enumerate(x.shape)]))
    return parts


def padded(b: Builder, x: Value, before: Sequence[int], after: Sequence[int], value: float = 0.0) -> Value:
    """Surround an activation by a constant; nothing is added where no side is padded."""
    if not any((*before, *after)):
        return x
    fill = [Constant(np.array([value], np.float32))] if value else []
    return b.emit(Pad(tuple(before), tuple(after)), x, *fill)


def tile(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Tile."""
    x = first(inputs)
    repeats = tuple(int(n) for n in constants(inputs, "the repeats")[0].ravel())
    if isinstance(x, Constant) or len(repeats) != len(x.shape) or min(repeats, default=1) < 1:
        raise UnsupportedOperatorError(f"repeats {repeats[:8]} of shape {x.shape}")
    return x if set(repeats) <= {1} else b.emit(Tile(repeats), x)


def expand(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Expand: dimensions of one element are repeated."""
    x = first(inputs)
    target = tuple(int(d) for d in constants(inputs, "the shape")[0].ravel())
    if isinstance(x, Constant) or math.prod(target) > MAX_ELEMENTS:
        raise MalformedModelError(f"it makes shape {target} of {x.shape}")
    full, repeats = broadcast_repeats(x.shape, tuple(np.broadcast_shapes(x.shape, target)))
    x = b.reshape(x, full)
    return x if set(repeats) <= {1} else b.emit(Tile(repeats), x)


def identity(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read an operator that does nothing in inference."""
    return first(inputs)
