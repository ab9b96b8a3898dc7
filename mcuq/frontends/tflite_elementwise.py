"""One function per TFLite operator that computes element by element; see ``tflite_ops``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.flatbuffer import FileOperator, FileTensor
from mcuq.frontends.tflite_operands import (
    Converted,
    Tensors,
    data,
    fused_activation,
    new_constant,
    only,
    present,
    quantized_constant,
)
from mcuq.ops.abs import Abs
from mcuq.ops.add import Add
from mcuq.ops.base import Op
from mcuq.ops.cast import Cast
from mcuq.ops.ceil import Ceil
from mcuq.ops.clip import Clip
from mcuq.ops.compare import Compare
from mcuq.ops.cos import Cos
from mcuq.ops.div import Div
from mcuq.ops.elu import Elu
from mcuq.ops.exp import Exp
from mcuq.ops.floor import Floor
from mcuq.ops.floor_div import FloorDiv
from mcuq.ops.floor_mod import FloorMod
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.log import Log
from mcuq.ops.logical import Logical
from mcuq.ops.logical_not import LogicalNot
from mcuq.ops.logistic import Logistic
from mcuq.ops.maximum import Maximum
from mcuq.ops.minimum import Minimum
from mcuq.ops.mul import Mul
from mcuq.ops.neg import Neg
from mcuq.ops.pow import Pow
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.requantize import Requantize
from mcuq.ops.round import Round
from mcuq.ops.rsqrt import Rsqrt
from mcuq.ops.select import Select
from mcuq.ops.sign import Sign
from mcuq.ops.sin import Sin
from mcuq.ops.sqrt import Sqrt
from mcuq.ops.square import Square
from mcuq.ops.squared_difference import SquaredDifference
from mcuq.ops.sub import Sub
from mcuq.ops.tanh import Tanh

Convert = Callable[[FileOperator, Tensors, FileTensor], Converted]


def _of_one(op: Op) -> Convert:
    """Return the function for an element-wise operator without options."""
    return lambda operator, tensors, output: (op, only(tensors))


def _add(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Add(fused_activation(operator.options)), present(tensors)


def _sub(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Sub(fused_activation(operator.options)), present(tensors)


def _mul(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Mul(fused_activation(operator.options)), present(tensors)


def _div(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """Divide; in real numbers multiply with the reciprocal of a constant."""
    operands, activation = present(tensors), fused_activation(operator.options)
    divisor = operands[-1]
    if divisor.data is None or divisor.dtype != "float32":
        return Div(activation, wrap=output.dtype == "int8"), operands
    with np.errstate(all="ignore"):  # the graph refuses constants that are not finite
        reciprocal = np.reciprocal(divisor.data)
    return Mul(activation), [*operands[:-1], new_constant(divisor, reciprocal)]


def _of_two(op: Op) -> Convert:
    """Return the function for an operator of two operands without options."""
    return lambda operator, tensors, output: (op, present(tensors))


def _compare(relation: str) -> Convert:
    """Return the function for a comparison; that of integers is as coarse as TensorFlow Lite Micro's."""

    def reader(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
        operands = present(tensors)
        return Compare(relation, coarse=all(tensor.dtype == "int8" for tensor in operands)), operands

    return reader


def _select(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """SELECT and SELECT_V2; the first takes a vector of conditions, one per row, too."""
    condition, x, y = present(tensors)
    if operator.code == "SELECT" and condition.shape != x.shape and condition.shape:
        raise UnsupportedOperatorError(f"conditions of shape {condition.shape} for values of shape {x.shape}")
    return Select(), [condition, x, y]


def _cast(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """CAST: what the integers of a quantized tensor stand for is no matter of theirs, so that it is refused."""
    (x,) = only(tensors)
    if x.dtype == "int8" or output.dtype == "int8":
        raise UnsupportedOperatorError(f"a cast from {x} to {output}; it takes no scales")
    return Cast("float" if output.dtype.startswith("float") else output.dtype), [x]


def _pow(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    exponent = data(tensors[1], "the exponent")
    if exponent.size != 1:
        raise UnsupportedOperatorError(f"{exponent.size} exponents; one for all elements is supported")
    return Pow(float(exponent.item())), present(tensors[:1])


def _extremum(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """MAXIMUM and MINIMUM; of an activation and a number they are a clip."""
    op: Op = Maximum() if operator.code == "MAXIMUM" else Minimum()
    constants = [tensor for tensor in present(tensors) if tensor.data is not None and tensor.data.size == 1]
    others = [tensor for tensor in present(tensors) if tensor.data is None]
    if len(constants) != 1 or len(others) != 1 or others[0].shape != output.shape:
        return op, present(tensors)
    limit, x = constants[0], others[0]
    if limit.dtype == "float32":
        number = float(data(limit, "the limit").item())
    else:
        for tensor in (x, limit):
            if (tensor.scale.tolist(), tensor.zero_point.tolist()) != (
                output.scale.tolist(),
                output.zero_point.tolist(),
            ):
                raise UnsupportedOperatorError(f"{tensor} and {output} must have the same scale and zero point")
        number = float(quantized_constant(limit).real().item())
    return Clip(low=number) if operator.code == "MAXIMUM" else Clip(high=number), [x]


ONE_OPERAND: Mapping[str, Op] = {
    "CEIL": Ceil(),
    "COS": Cos(),
    "ELU": Elu(),
    "EXP": Exp(),
    "FLOOR": Floor(),
    "HARD_SWISH": HardSwish(),
    "LOG": Log(),
    "LOGISTIC": Logistic(),
    "NEG": Neg(),
    "QUANTIZE": Requantize(),
    "RELU": Relu(),
    "RELU6": Relu6(),
    "ROUND": Round(),
    "RSQRT": Rsqrt(),
    "SIGN": Sign(),
    "SIN": Sin(),
    "SQRT": Sqrt(),
    "SQUARE": Square(),
    "TANH": Tanh(),
}
RELATIONS = ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
TRUTHS = (*RELATIONS, "LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "SELECT", "SELECT_V2")
READERS: Mapping[str, Convert] = {
    **{code: _of_one(op) for code, op in ONE_OPERAND.items()},
    "ABS": _of_one(Abs()),
    "ADD": _add,
    "CAST": _cast,
    "DIV": _div,
    **{code: _compare(code.lower()) for code in RELATIONS},
    "LOGICAL_AND": _of_two(Logical("and")),
    "LOGICAL_NOT": _of_one(LogicalNot()),
    "LOGICAL_OR": _of_two(Logical("or")),
    "MAXIMUM": _extremum,
    "MINIMUM": _extremum,
    "MUL": _mul,
    "SELECT": _select,
    "SELECT_V2": _select,
    "SQUARED_DIFFERENCE": _of_two(SquaredDifference()),
    "SUB": _sub,
}
FLOAT_READERS: Mapping[str, Convert] = {
    "FLOOR_DIV": _of_two(FloorDiv()),
    "FLOOR_MOD": _of_two(FloorMod()),
    "POW": _pow,
    "RELU_0_TO_1": _of_one(Clip(0.0, 1.0)),
    "RELU_N1_TO_1": _of_one(Clip(-1.0, 1.0)),
}
