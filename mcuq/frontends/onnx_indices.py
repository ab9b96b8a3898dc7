"""ONNX operators that take elements by their indices, constant or computed; see :mod:`mcuq.frontends.onnx_ops`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.onnx_builder import Builder, Constant, Entry, Value
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_products import activation
from mcuq.frontends.onnx_shapes import axes_of, axis_of, constants, first, padded, part
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.embedding import Embedding
from mcuq.ops.gather import Gather
from mcuq.ops.one_hot import OneHot
from mcuq.tensor import Array

Inputs = Sequence[Entry | None]
MIRRORS = ("reflect", "edge", "wrap")
FEW_RUNS = 4  # of indices one after the other: more are copied by a table of indices


def gather(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Gather, by constant indices or from a constant table."""
    x, index = first(inputs), inputs[1]
    axis = axis_of(node, len(x.shape), 0)
    if isinstance(index, Value):
        return _embedded(b, x, index, axis)
    return _gathered(b, x, constants(inputs, "the indices")[0], axis)


def _embedded(b: Builder, x: Entry, index: Value, axis: int) -> Value:
    if isinstance(x, Value):
        raise UnsupportedOperatorError("computed indices of an activation; the table or the indices must be constant")
    rows = x.transpose((axis, *(d for d in range(len(x.shape)) if d != axis)))
    y = b.emit(Embedding(), index, rows)
    order = [*range(len(index.shape), len(y.shape))]
    moved = [*order[:axis], *range(len(index.shape)), *order[axis:]]
    return b.transpose(y, moved)


def one_hot(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read OneHot."""
    (depth,), (off, on) = (array.ravel().tolist() for array in constants(inputs, "the depth and the values"))
    return b.emit(OneHot(int(depth), node.integer("axis", -1), float(on), float(off)), activation(first(inputs)))


def gather_nd(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read GatherND of constant indices along the first dimension."""
    x, index = first(inputs), constants(inputs, "the indices")[0]
    if node.integer("batch_dims", 0) or index.ndim < 1 or index.shape[-1] != 1:
        raise UnsupportedOperatorError("indices of several dimensions at once")
    return _gathered(b, x, index[..., 0], 0)


def _gathered(b: Builder, x: Entry, index: Array, axis: int) -> Value:
    size, wanted = x.shape[axis], [int(i) for i in index.ravel()]
    if not wanted or not all(-size <= i < size for i in wanted):
        raise MalformedModelError(f"indices {wanted[:8]} of {size} elements")
    places = [i % size for i in wanted]
    runs = list(_runs(places))
    if len(runs) > FEW_RUNS:
        joined = b.emit(Gather(tuple(places), axis), activation(x))
    else:
        parts = [_run(b, x, run, axis) for run in runs]
        joined = parts[0] if len(parts) == 1 else b.emit(Concatenation(axis), *parts)
    return b.reshape(joined, (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))


def _run(b: Builder, x: Entry, run: range, axis: int) -> Value:
    sizes = [len(run) if d == axis else n for d, n in enumerate(x.shape)]
    begin, strides = (
        [own if d == axis else rest for d in range(len(sizes))] for own, rest in ((run[0], 0), (run.step, 1))
    )
    return part(b, x, begin, sizes, strides)


def _runs(indices: Sequence[int]) -> Iterator[range]:
    """Yield the indices as ranges, each as long as it goes.

    >>> list(_runs([2, 1, 0, 5, 6, 6]))
    [range(2, -1, -1), range(5, 7), range(6, 7)]
    """
    start = 0
    while start < len(indices):
        step = indices[start + 1] - indices[start] if start + 1 < len(indices) else 1
        end = start + 1
        while step and end < len(indices) and indices[end] - indices[end - 1] == step:
            end += 1
        step = step if end > start + 1 else 1
        yield range(indices[start], indices[end - 1] + (1 if step > 0 else -1), step)
        start = end


def pad(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Pad; with elements of the input itself it joins slices of it. Negative paddings are not supported."""
    x = first(inputs)
    if isinstance(x, Constant):
        raise UnsupportedOperatorError("padding of a quantized constant; fold it before the export")
    if (mode := node.text("mode", "constant")) not in ("constant", *MIRRORS):
        raise UnsupportedOperatorError(f"padding mode '{mode}'; only constant, {', '.join(MIRRORS)} are supported")
    operands = constants(inputs, "the paddings")
    pads = [int(n) for n in operands[0].ravel()] if operands else list(node.integers("pads"))
    value = float(operands[1].item()) if len(operands) > 1 and operands[1].size else node.real("value", 0.0)
    axes = axes_of(node, len(x.shape), operands[2] if len(operands) > 2 else None) or tuple(range(len(x.shape)))
    if len(pads) != 2 * len(axes):
        raise MalformedModelError(f"{len(pads)} paddings for {len(axes)} dimensions")
    before, after = [0] * len(x.shape), [0] * len(x.shape)
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[len(axes) + i]
    if mode == "constant":
        return padded(b, x, before, after, value)
    if min((*before, *after)) < 0:
        raise UnsupportedOperatorError(f"paddings {before} and {after} must not be negative")
    for axis, sides in enumerate(zip(before, after, strict=True)):
        if any(sides):
            x = _gathered(b, x, np.pad(np.arange(x.shape[axis]), sides, mode=mode), axis)  # type: ignore[call-overload]
    return x
