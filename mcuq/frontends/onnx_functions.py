"""ONNX operators of one operand, element by element, and constant powers; see :mod:`mcuq.frontends.onnx_ops`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcuq.frontends.onnx_builder import Builder, Entry
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_products import activation, constant_of, two
from mcuq.ops.abs import Abs
from mcuq.ops.base import Op
from mcuq.ops.ceil import Ceil
from mcuq.ops.cos import Cos
from mcuq.ops.erf import Erf
from mcuq.ops.exp import Exp
from mcuq.ops.floor import Floor
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.log import Log
from mcuq.ops.logical_not import LogicalNot
from mcuq.ops.logistic import Logistic
from mcuq.ops.mish import Mish
from mcuq.ops.neg import Neg
from mcuq.ops.pow import Pow
from mcuq.ops.reciprocal import Reciprocal
from mcuq.ops.relu import Relu
from mcuq.ops.round import Round
from mcuq.ops.rsqrt import Rsqrt
from mcuq.ops.sign import Sign
from mcuq.ops.sin import Sin
from mcuq.ops.softplus import Softplus
from mcuq.ops.softsign import Softsign
from mcuq.ops.sqrt import Sqrt
from mcuq.ops.square import Square
from mcuq.ops.tanh import Tanh
from mcuq.ops.trigonometric import FUNCTIONS, Trigonometric

Inputs = Sequence[Entry | None]

FUNCTION: Mapping[str, Op] = {  # without attributes
    "Abs": Abs(),
    "Ceil": Ceil(),
    "Cos": Cos(),
    "Erf": Erf(),
    "Exp": Exp(),
    "Floor": Floor(),
    "HardSwish": HardSwish(),
    "Log": Log(),
    "Mish": Mish(),
    "Neg": Neg(),
    "Not": LogicalNot(),
    "Reciprocal": Reciprocal(),
    "Relu": Relu(),
    "Round": Round(),
    "Sigmoid": Logistic(),
    "Sign": Sign(),
    "Sin": Sin(),
    "Softplus": Softplus(),
    "Softsign": Softsign(),
    "Sqrt": Sqrt(),
    "Tanh": Tanh(),
    **{name.title(): Trigonometric(name) for name in FUNCTIONS},
}
POWERS: Mapping[float, Op] = {2.0: Square(), 0.5: Sqrt(), -0.5: Rsqrt(), -1.0: Reciprocal()}


def power(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Pow by a constant."""
    x, y = two(inputs)
    exponent = constant_of(y, "the exponent").number()
    base = activation(x)
    return base if exponent == 1 else b.emit(POWERS.get(exponent) or Pow(exponent), base)
