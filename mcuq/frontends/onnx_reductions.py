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
from mcuq.ops.arg_top_k import ArgTopK
from mcuq.ops.base import Op
from mcuq.ops.cumsum import Cumsum
from mcuq.ops.exp import Exp
from mcuq.ops.log import Log
from mcuq.ops.mean import Mean
from mcuq.ops.reduce_max import ReduceMax
from mcuq.ops.reduce_min import ReduceMin
from mcuq.ops.reduce_prod import ReduceProd
from mcuq.ops.reduction import ReduceOp
from mcuq.ops.sqrt import Sqrt
from mcuq.ops.square import Square
from mcuq.ops.sum import Sum
from mcuq.ops.top_k import TopK

Inputs = Sequence[Entry | None]
Reader = Callable[[Builder, OnnxNode, Inputs], Entry | Sequence[Entry]]


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


def _cumsum(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read CumSum along a constant axis."""
    (axis,) = (int(n) for n in constants(inputs, "the axis")[0].ravel())
    return b.emit(Cumsum(axis, bool(node.integer("exclusive", 0)), bool(node.integer("reverse", 0))), first(inputs))


def _top_k(b: Builder, node: OnnxNode, inputs: Inputs) -> list[Entry]:
    """Read TopK: values and indices are an operator each, of which those that nobody needs are dropped."""
    x = first(inputs)
    (count,) = (int(n) for n in constants(inputs, "the number of elements")[0].ravel())
    largest = bool(node.integer("largest", 1))
    axis = axis_of(node, len(x.shape), -1)
    return [b.emit(TopK(count, axis, largest), x), b.emit(ArgTopK(count, axis, largest), x)]


READERS: Mapping[str, Reader] = {
    "ArgMax": _arg(ArgMax),
    "ArgMin": _arg(ArgMin),
    "CumSum": _cumsum,
    "ReduceL1": _reduction(Sum, before=Abs()),
    "ReduceL2": _reduction(Sum, before=Square(), after=Sqrt()),
    "ReduceLogSum": _reduction(Sum, after=Log()),
    "ReduceLogSumExp": _reduction(Sum, before=Exp(), after=Log()),
    "ReduceMax": _reduction(ReduceMax),
    "ReduceMean": _reduction(Mean),
    "ReduceMin": _reduction(ReduceMin),
    "ReduceProd": _reduction(ReduceProd),
    "ReduceSum": _reduction(Sum),
    "ReduceSumSquare": _reduction(Sum, before=Square()),
    "TopK": _top_k,
}
