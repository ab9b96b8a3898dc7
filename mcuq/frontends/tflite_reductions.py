"""One function per TFLite operator that reduces dimensions; see ``tflite_ops``."""

from __future__ import annotations

from collections.abc import Mapping

from mcuq.frontends.flatbuffer import FileOperator, FileTensor
from mcuq.frontends.tflite_elementwise import Convert
from mcuq.frontends.tflite_operands import Converted, Tensors, integers, present
from mcuq.ops.arg_extremum import ArgOp
from mcuq.ops.arg_max import ArgMax
from mcuq.ops.arg_min import ArgMin
from mcuq.ops.arg_top_k import ArgTopK
from mcuq.ops.cumsum import Cumsum
from mcuq.ops.mean import Mean
from mcuq.ops.reduce_max import ReduceMax
from mcuq.ops.reduce_min import ReduceMin
from mcuq.ops.reduce_prod import ReduceProd
from mcuq.ops.reduction import ReduceOp
from mcuq.ops.sum import Sum
from mcuq.ops.top_k import TopK


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


def _cumsum(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """CUMSUM; that of integers begins as TensorFlow Lite Micro's."""
    options, (axis,) = operator.options, integers(tensors[1], "the axis")
    exclusive, reverse = bool(options.Exclusive()), bool(options.Reverse())
    return Cumsum(axis, exclusive, reverse, offset=output.dtype == "int8"), present(tensors[:1])


def _top_k(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """TOPK_V2: its first output are the values, its second the indices."""
    (count,) = integers(tensors[1], "the number of elements")
    return (ArgTopK if operator.outputs.index(output.index) else TopK)(count), present(tensors[:1])


READERS: Mapping[str, Convert] = {
    "ARG_MAX": _arg(ArgMax),
    "ARG_MIN": _arg(ArgMin),
    "CUMSUM": _cumsum,
    "MEAN": _reduction(Mean),
    "REDUCE_MAX": _reduction(ReduceMax),
    "REDUCE_MIN": _reduction(ReduceMin),
    "SUM": _reduction(Sum),
    "TOPK_V2": _top_k,
}
FLOAT_READERS: Mapping[str, Convert] = {"REDUCE_PROD": _reduction(ReduceProd)}
INDICES = ("ARG_MAX", "ARG_MIN", "TOPK_V2")
