"""Activations that exporters write as several operators, some of which mcuq has only within them.

GELU is ``x / 2 * (1 + erf(x / sqrt(2)))`` in any order of its factors; PyTorch's softplus is the identity above a
threshold that makes no difference; a sign is ``where(x >= 0, 1, -1)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.onnx_builder import Builder, Constant, Value
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.graph import Node
from mcuq.ops.binarize import Binarize
from mcuq.ops.gelu import Gelu
from mcuq.ops.mul import Mul
from mcuq.ops.softplus import Softplus

CLOSE = 1e-3
LINEAR = 10  # softplus(10) = 10.00005: above, it is the identity in any 8-bit result


@dataclass(frozen=True)
class Erf:
    """``factor * (erf(x / sqrt(2)) + summand)``."""

    x: Value
    factor: float = 1.0
    summand: float = 0.0


@dataclass(frozen=True)
class Product:
    """``factor * x * (1 + erf(x / sqrt(2)))``."""

    x: Value
    factor: float


@dataclass(frozen=True)
class Above:
    """``x > limit``."""

    x: Value
    limit: float


@dataclass(frozen=True)
class AtLeast:
    """``x >= limit``."""

    x: Value
    limit: float


PARTS = Erf | Product | Above | AtLeast


def convert(b: Builder, node: OnnxNode, inputs: Sequence[object]) -> object | None:
    """Return what an operator of such a pattern makes, or None where it is not part of one.

    Raises:
        UnsupportedOperatorError: where a pattern ends as another function.
    """
    if node.kind == "Erf" and isinstance(inputs[0], Value):
        return _erf(b, inputs[0])
    if node.kind == "Greater" and isinstance(inputs[0], Value) and isinstance(inputs[1], Constant):
        return Above(inputs[0], inputs[1].number())
    if node.kind == "GreaterOrEqual" and isinstance(inputs[0], Value) and isinstance(inputs[1], Constant):
        return AtLeast(inputs[0], inputs[1].number())
    parts = [entry for entry in inputs if isinstance(entry, PARTS)]
    if not parts:
        return None
    others = [entry for entry in inputs if entry is not parts[0]]
    result = _next(b, node, parts[0], others)
    if result is None:
        raise UnsupportedOperatorError(f"mcuq has {type(parts[0]).__name__} only as part of GELU, softplus or a sign")
    return result


def _next(b: Builder, node: OnnxNode, part: PARTS, others: Sequence[object]) -> object | None:
    if isinstance(part, Above):
        return _softplus(b, node, part, others)
    if isinstance(part, AtLeast):
        return _sign(b, node, part, others)
    if len(others) != 1 or node.kind not in ("Add", "Mul"):
        return None
    factor = others[0].number() if isinstance(others[0], Constant) else None
    if isinstance(part, Product):
        return _product(b, part.x, part.factor * factor) if factor is not None and node.kind == "Mul" else None
    if factor is not None:
        return Erf(part.x, part.factor, factor) if node.kind == "Add" else Erf(part.x, part.factor * factor, 1.0)
    multiple = _multiple(b, others[0], part.x) if isinstance(others[0], Value) and part.summand == 1 else None
    return _product(b, part.x, part.factor * multiple) if multiple is not None else None


def _erf(b: Builder, x: Value) -> Erf:
    node = _producer(b, x)
    if node and isinstance(node.op, Mul):
        inner = Value(node.inputs[0], b.shapes[node.inputs[0]])
        multiple = _multiple(b, x, inner)
        if multiple is not None and math.isclose(multiple, math.sqrt(0.5), rel_tol=CLOSE):
            return Erf(inner)
    raise UnsupportedOperatorError("mcuq has Erf only as part of GELU")


def _product(b: Builder, x: Value, factor: float) -> Product | Value:
    return b.emit(Gelu(), x) if math.isclose(factor, 0.5, rel_tol=CLOSE) else Product(x, factor)


def _producer(b: Builder, x: Value) -> Node | None:
    return next((node for node in reversed(b.nodes) if node.outputs == (x.name,)), None)


def _multiple(b: Builder, x: Value, of: Value) -> float | None:
    """Return what ``of`` was multiplied by to make x."""
    if x.name == of.name:
        return 1.0
    node = _producer(b, x)
    if node and isinstance(node.op, Mul) and node.inputs[0] == of.name and node.inputs[1] in b.constants:
        constant = b.constants[node.inputs[1]]
        if not hasattr(constant, "scale") and constant.size == 1:
            return float(constant.item())
    return None


def _softplus(b: Builder, node: OnnxNode, part: Above, others: Sequence[object]) -> Value | None:
    """Read Where(x > limit, x, softplus(x))."""
    if node.kind != "Where" or part.limit < LINEAR or not all(isinstance(entry, Value) for entry in others):
        return None
    x, y = (entry for entry in others if isinstance(entry, Value))
    made = _producer(b, y)
    is_softplus = made and isinstance(made.op, Softplus) and made.inputs == (x.name,) and x.name == part.x.name
    return y if is_softplus else None


def _sign(b: Builder, node: OnnxNode, part: AtLeast, others: Sequence[object]) -> Value | None:
    """Read Where(x >= 0, 1, -1)."""
    numbers = [entry.number() for entry in others if isinstance(entry, Constant) and entry.values.size == 1]
    return b.emit(Binarize(), part.x) if (node.kind, part.limit, numbers) == ("Where", 0, [1, -1]) else None
