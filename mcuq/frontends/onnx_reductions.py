"""ONNX operators that reduce dimensions; see :mod:`mcuq.frontends.onnx_ops`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.onnx_builder import Builder, Constant, Entry, Value
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_shapes import axes_of, axis_of, constants, first
from mcuq.ops.abs import Abs
from mcuq.ops.arg_extremum import ArgOp
from mcuq.ops.arg_max import ArgMax
from mcuq.ops.arg_min import ArgMin
from mcuq.ops.base import Op
from mcuq.ops.exp import Exp
from mcuq.ops.log import Log
from mcuq.ops.mean import Mean
from mcuq.ops.reduce_max import ReduceMax
from mcuq.ops.reduce_min import ReduceMin
from mcuq.ops.reduction import ReduceOp
from mcuq.ops.sqrt import Sqrt
from mcuq.ops.square import Square
from mcuq.ops.sum import Sum

Inputs = Sequence[Entry | None]
Reader = Callable[[Builder, OnnxNode, Inputs], Entry]


def _axes(node: OnnxNode, inputs: Inputs) -> tuple[Value, tuple[int, ...], bool]:
    """Return a reduction's input, its axes and whether they stay as dimensions of one element.

    Without axes it is over all dimensions, or over none with ``noop_with_empty_axes``.
    """
    x = first(inputs)
    if isinstance(x, Constant):
        raise UnsupportedOperatorError("its operand is a constant; fold it before the export")
    operands = constants(inputs, "the axes")
    axes = axes_of(node, len(x.shape), operands[0] if operands else None)
    if not axes and not node.integer("noop_with_empty_axes", 0):
        axes = tuple(range(len(x.shape)))
    return x, axes, bool(node.integer("keepdims", 1))


def _reduction(op: type[ReduceOp], before: Op | None = None, after: Op | None = None) -> Reader:
    """Return the reader of a reduction of a function of every element, and a function of its result."""

    def reader(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
        x, axes, keep_dims = _axes(node, inputs)
        x = b.emit(before, x) if before else x
        x = b.emit(op(axes, keep_dims), x) if axes else x
        return b.emit(after, x) if after else x

    return reader


def _arg(op: type[ArgOp]) -> Reader:
    def reader(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
        x = first(inputs)
        if node.integer("select_last_index", 0):
            raise UnsupportedOperatorError("the last of equal elements; the first is supported")
        return b.emit(op(axis_of(node, len(x.shape), 0), bool(node.integer("keepdims", 1))), x)

    return reader


READERS: Mapping[str, Reader] = {
    "ArgMax": _arg(ArgMax),
    "ArgMin": _arg(ArgMin),
    "ReduceL1": _reduction(Sum, before=Abs()),
    "ReduceL2": _reduction(Sum, before=Square(), after=Sqrt()),
    "ReduceLogSum": _reduction(Sum, after=Log()),
    "ReduceLogSumExp": _reduction(Sum, before=Exp(), after=Log()),
    "ReduceMax": _reduction(ReduceMax),
    "ReduceMean": _reduction(Mean),
    "ReduceMin": _reduction(ReduceMin),
    "ReduceSum": _reduction(Sum),
    "ReduceSumSquare": _reduction(Sum, before=Square()),
}
