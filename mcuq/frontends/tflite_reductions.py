"""One function per TFLite operator that reduces dimensions; see ``tflite_ops``."""

from __future__ import annotations

from collections.abc import Mapping

from mcuq.frontends.flatbuffer import FileOperator, FileTensor
from mcuq.frontends.tflite_elementwise import Convert
from mcuq.frontends.tflite_operands import Converted, Tensors, integers, present
from mcuq.ops.arg_extremum import ArgOp
from mcuq.ops.arg_max import ArgMax
from mcuq.ops.arg_min import ArgMin
from mcuq.ops.mean import Mean
from mcuq.ops.reduce_max import ReduceMax
from mcuq.ops.reduce_min import ReduceMin
from mcuq.ops.reduction import ReduceOp
from mcuq.ops.sum import Sum


def _reduction(op: type[ReduceOp]) -> Convert:
    def reader(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
        keep_dims = operator.options is not None and bool(operator.options.KeepDims())
        return op(tuple(integers(tensors[1], "the axes")), keep_dims), present(tensors[:1])

    return reader


def _arg(op: type[ArgOp]) -> Convert:
    def reader(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
        (axis,) = integers(tensors[1], "the axis")
        return op(axis), present(tensors[:1])

    return reader


READERS: Mapping[str, Convert] = {
    "ARG_MAX": _arg(ArgMax),
    "ARG_MIN": _arg(ArgMin),
    "MEAN": _reduction(Mean),
    "REDUCE_MAX": _reduction(ReduceMax),
    "REDUCE_MIN": _reduction(ReduceMin),
    "SUM": _reduction(Sum),
}
INDICES = ("ARG_MAX", "ARG_MIN")
