"""ONNX operators that compute element by element of several operands, and casts; see :mod:`mcuq.frontends.onnx_ops`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.onnx_activations import clipping
from mcuq.frontends.onnx_builder import Builder, Constant, Entry, Value
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_products import activation, binary, two
from mcuq.frontends.onnx_shapes import first
from mcuq.ops.add import Add
from mcuq.ops.base import Op
from mcuq.ops.cast import LIMITS, Cast
from mcuq.ops.compare import Compare
from mcuq.ops.div import Div
from mcuq.ops.floor_mod import FloorMod
from mcuq.ops.logical import Logical
from mcuq.ops.maximum import Maximum
from mcuq.ops.minimum import Minimum
from mcuq.ops.mul import Mul
from mcuq.ops.select import Select
from mcuq.ops.sub import Sub

Inputs = Sequence[Entry | None]
Reader = Callable[[Builder, OnnxNode, Inputs], Entry]
FLOATS = ("float16", "bfloat16", "float32", "float64")


def _two(op: Op) -> Reader:
    """Return the reader of an operator whose operands have their places."""
    return lambda b, node, inputs: binary(b, op, *two(inputs))


def commutative(op: Op) -> Reader:
    """Return the reader of an operator whose operands may be exchanged: a constant becomes the second one."""

    def reader(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
        x, y = two(inputs)
        return binary(b, op, *((y, x) if isinstance(x, Constant) else (x, y)))

    return reader


def _folded(op: Op) -> Reader:
    """Return the reader of any number of operands, of which two at a time are combined."""
    pair = commutative(op)

    def reader(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
        result = first(inputs)
        for entry in inputs[1:]:
            result = pair(b, node, [result, entry])
        return result

    return reader


def _sub(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Sub; less a constant is plus its negative."""
    x, y = two(inputs)
    if isinstance(y, Constant) and y.scale is None:
        return binary(b, Add(), x, Constant(-y.real()))
    return binary(b, Sub(), x, y)


def _div(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Div; by a constant: times its reciprocal."""
    x, y = two(inputs)
    if isinstance(y, Value):
        return binary(b, Div(), x, y)
    divisor = y.real().astype(np.float64)
    if not np.all(divisor):
        raise MalformedModelError("it divides by 0")
    return binary(b, Mul(), x, Constant((1 / divisor).astype(np.float32)))


def _mod(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Mod; with ``fmod`` the quotient is rounded towards 0."""
    return binary(b, FloorMod(truncated=bool(node.integer("fmod", 0))), *two(inputs))


def _mean(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Mean of any number of operands: their sum times the reciprocal of that number."""
    share = np.array(1 / len(inputs), np.float32)
    total = _folded(Add())(b, node, inputs)
    return binary(b, Mul(), total, Constant(share)) if len(inputs) > 1 else total


def _limit(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Max or Min of any number of operands; of an activation and a number it is a clip."""
    op: Op = Maximum() if node.kind == "Max" else Minimum()
    numbers = [entry for entry in inputs if isinstance(entry, Constant) and entry.values.size == 1]
    if len(inputs) != 2 or not numbers or numbers[0].scale is not None:
        return _folded(op)(b, node, inputs)
    (x,) = (entry for entry in inputs if entry is not numbers[0])
    low, high = (numbers[0].number(), math.inf) if node.kind == "Max" else (-math.inf, numbers[0].number())
    return b.emit(clipping(low, high), activation(x))


def _where(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Where."""
    if len(inputs) != 3:
        raise MalformedModelError(f"takes three operands, not {len(inputs)}")
    present = [entry for entry in inputs if entry is not None]
    rank = max(len(entry.shape) for entry in present)
    full = [
        b.reshape(entry, (1,) * (rank - len(entry.shape)) + entry.shape) if isinstance(entry, Value) else entry
        for entry in present
    ]
    return b.emit(Select(), *full)


def _cast(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Cast of an activation; one between float types does nothing."""
    import onnx

    x, dtype = first(inputs), onnx.helper.tensor_dtype_to_np_dtype(node.integer("to", 1)).name
    if dtype in FLOATS:
        return x
    if dtype not in LIMITS:
        raise UnsupportedOperatorError(f"a cast of an activation to {dtype}")
    return b.emit(Cast(dtype), activation(x))


def _cast_like(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read CastLike: activations are float, and so becomes what is cast to their type."""
    x, like = two(inputs)
    activation(like)
    return Constant(x.values.astype(np.float32)) if isinstance(x, Constant) and x.scale is None else x


READERS: Mapping[str, Reader] = {
    "Add": commutative(Add()),
    "And": commutative(Logical("and")),
    "Cast": _cast,
    "CastLike": _cast_like,
    "Div": _div,
    "Equal": commutative(Compare("equal")),
    "Greater": _two(Compare("greater")),
    "GreaterOrEqual": _two(Compare("greater_equal")),
    "Less": _two(Compare("less")),
    "LessOrEqual": _two(Compare("less_equal")),
    "Max": _limit,
    "Mean": _mean,
    "Min": _limit,
    "Mod": _mod,
    "Mul": commutative(Mul()),
    "Or": commutative(Logical("or")),
    "Sub": _sub,
    "Sum": _folded(Add()),
    "Where": _where,
    "Xor": commutative(Logical("xor")),
}
