"""Fold what is known when the file is read: shapes, and the chains of operators that exporters write around them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from mcuq.errors import MalformedModelError
from mcuq.frontends.onnx_builder import Constant, Entry
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_shapes import axes_of, reshaped, sliced, squeezed, unsqueezed
from mcuq.frontends.onnx_tensors import MAX_ELEMENTS
from mcuq.tensor import Array, Shape

Arrays = Sequence[Array]


def fold(node: OnnxNode, inputs: Sequence[Entry | None]) -> Constant | None:
    """Return what an operator on constants computes, or None where it is not one.

    Integers with scales are left to the readers, which keep the scales.
    """
    if node.kind not in FOLDERS:
        return None
    if node.kind in ("Shape", "Size") and inputs and inputs[0] is not None:
        return Constant(_shape(node, inputs[0].shape))
    present = [entry for entry in inputs if entry is not None]
    if not all(isinstance(entry, Constant) and entry.scale is None for entry in present):
        return None
    arrays = [entry.values if isinstance(entry, Constant) else np.empty(0) for entry in inputs]
    if node.kind not in ("Constant", "ConstantOfShape") and not present:
        raise MalformedModelError("it has no inputs")
    return Constant(_limited(np.asarray(FOLDERS[node.kind](node, arrays))))


def _limited(result: Array) -> Array:
    if result.size > MAX_ELEMENTS:
        raise MalformedModelError(f"a constant of shape {result.shape} is more than any board has memory for")
    return result


def _checked(shape: Sequence[int]) -> Shape:
    """Return a shape of a constant, before memory is taken for it."""
    if any(d < 0 for d in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise MalformedModelError(f"a constant of shape {tuple(shape)[:8]} is impossible")
    return tuple(int(d) for d in shape)


def _shape(node: OnnxNode, shape: Shape) -> Array:
    if node.kind == "Size":
        return np.array(math.prod(shape), np.int64)
    return np.array(shape[slice(node.integer("start", 0), node.integer("end", len(shape)))], np.int64)


def _constant(node: OnnxNode, arrays: Arrays) -> Array:
    for name, dtype in (("value_float", np.float32), ("value_floats", np.float32)):
        if name in node.attributes:
            return np.asarray(node.attributes[name], dtype)
    for name in ("value_int", "value_ints"):
        if name in node.attributes:
            return np.asarray(node.attributes[name], np.int64)
    value = node.attributes.get("value")
    if not isinstance(value, np.ndarray):
        raise MalformedModelError("it holds no numbers")
    return value


def _constant_of_shape(node: OnnxNode, arrays: Arrays) -> Array:
    value = np.asarray(node.attributes.get("value", np.zeros(1, np.float32)))
    return np.full(_checked(arrays[0].ravel().tolist()), value.ravel()[0], value.dtype)


def _cast(node: OnnxNode, arrays: Arrays) -> Array:
    import onnx

    return arrays[0].astype(onnx.helper.tensor_dtype_to_np_dtype(node.integer("to", 1)))


def _divide(node: OnnxNode, arrays: Arrays) -> Array:
    a, b = arrays
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":
        return np.asarray(np.trunc(a / b)).astype(a.dtype)  # towards zero, as ONNX says
    return np.asarray(a / b)


def _gather(node: OnnxNode, arrays: Arrays) -> Array:
    return np.take(arrays[0], arrays[1], axis=node.integer("axis", 0))


def _concat(node: OnnxNode, arrays: Arrays) -> Array:
    return np.concatenate(arrays, axis=node.integer("axis", 0))


def _slice(node: OnnxNode, arrays: Arrays) -> Array:
    return arrays[0][sliced(node, arrays[0].shape, arrays)]


def _expand(node: OnnxNode, arrays: Arrays) -> Array:
    shape = np.broadcast_shapes(arrays[0].shape, _checked(arrays[1].ravel().tolist()))
    return np.broadcast_to(arrays[0], _checked(shape))


def _tile(node: OnnxNode, arrays: Arrays) -> Array:
    repeats = arrays[1].ravel().tolist()
    _checked([size * n for size, n in zip(arrays[0].shape, repeats, strict=True)])
    return np.tile(arrays[0], repeats)


def _range(node: OnnxNode, arrays: Arrays) -> Array:
    start, limit, delta = (array.item() for array in arrays)
    _checked([max(math.ceil((limit - start) / delta), 0)])
    return np.asarray(np.arange(start, limit, delta)).astype(arrays[0].dtype)


def _transpose(node: OnnxNode, arrays: Arrays) -> Array:
    return arrays[0].transpose(node.integers("perm", tuple(range(arrays[0].ndim))[::-1]))


def _reduce(function: Callable[..., Array]) -> Callable[[OnnxNode, Arrays], Array]:
    def folder(node: OnnxNode, arrays: Arrays) -> Array:
        axes = axes_of(node, arrays[0].ndim, arrays[1] if len(arrays) > 1 else None)
        return np.asarray(
            function(arrays[0], axis=axes or None, keepdims=bool(node.integer("keepdims", 1))), arrays[0].dtype
        )

    return folder


def _plain(function: Callable[..., Array]) -> Callable[[OnnxNode, Arrays], Array]:
    """Return the folder of an element-wise operator; a result keeps the first operand's precision."""

    def folder(node: OnnxNode, arrays: Arrays) -> Array:
        _checked(np.broadcast_shapes(*(array.shape for array in arrays)))
        result = np.asarray(function(*arrays))
        return result.astype(arrays[0].dtype) if result.dtype.kind == "f" == arrays[0].dtype.kind else result

    return folder


FOLDERS: dict[str, Callable[[OnnxNode, Arrays], Array]] = {
    "Abs": _plain(np.abs),
    "Add": _plain(np.add),
    "And": _plain(np.logical_and),
    "Cast": _cast,
    "Ceil": _plain(np.ceil),
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Div": _divide,
    "Equal": _plain(np.equal),
    "Exp": _plain(np.exp),
    "Expand": _expand,
    "Flatten": lambda node, arrays: arrays[0].reshape(reshaped(node, arrays[0].shape, arrays[1:])),
    "Floor": _plain(np.floor),
    "Gather": _gather,
    "Greater": _plain(np.greater),
    "Identity": lambda node, arrays: arrays[0],
    "Less": _plain(np.less),
    "Log": _plain(np.log),
    "Max": lambda node, arrays: np.maximum.reduce(np.broadcast_arrays(*arrays)),
    "Min": lambda node, arrays: np.minimum.reduce(np.broadcast_arrays(*arrays)),
    "Mod": _plain(np.mod),
    "Mul": _plain(np.multiply),
    "Neg": _plain(np.negative),
    "Not": _plain(np.logical_not),
    "Pow": _plain(np.power),
    "Range": _range,
    "Reciprocal": _plain(np.reciprocal),
    "ReduceMax": _reduce(np.max),
    "ReduceMean": _reduce(np.mean),
    "ReduceMin": _reduce(np.min),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "Reshape": lambda node, arrays: arrays[0].reshape(reshaped(node, arrays[0].shape, arrays[1:])),
    "Shape": lambda node, arrays: np.array(arrays[0].shape),
    "Size": lambda node, arrays: np.array(arrays[0].size),
    "Slice": _slice,
    "Sqrt": _plain(np.sqrt),
    "Squeeze": lambda node, arrays: arrays[0].reshape(squeezed(node, arrays[0].shape, arrays[1:])),
    "Sub": _plain(np.subtract),
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": lambda node, arrays: arrays[0].reshape(unsqueezed(node, arrays[0].shape, arrays[1:])),
    "Where": lambda node, arrays: np.where(*arrays),
}
