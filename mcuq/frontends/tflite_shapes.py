"""Fold the SHAPE, STRIDED_SLICE and PACK chains that the converter writes to compute a constant shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mcuq.errors import MalformedModelError
from mcuq.frontends.flatbuffer import FileGraph, FileOperator, FileTensor
from mcuq.tensor import Array

INTEGERS = ("int32", "int64")


def fold_shapes(file: FileGraph) -> FileGraph:
    """Replace the results of such chains by constants and drop their operators.

    Static shapes make SHAPE a constant; STRIDED_SLICE and PACK are folded where their operands are constant
    integers. Operators on activations are left alone.
    """
    tensors = list(file.tensors)
    kept: list[FileOperator] = []
    for operator in file.operators:
        result = _fold(operator, tensors) if operator.outputs else None
        if result is None:
            kept.append(operator)
            continue
        output = tensors[operator.outputs[0]]
        if result.size != np.prod(output.shape, dtype=np.int64):
            raise MalformedModelError(f"operator {operator.index} {operator.code} does not compute {output}")
        tensors[output.index] = replace(output, data=result.reshape(output.shape))
    return replace(file, tensors=tuple(tensors), operators=tuple(kept))


def _fold(operator: FileOperator, tensors: list[FileTensor]) -> Array | None:
    """Return the result of an operator on constant integers, or None where it is not one."""
    if tensors[operator.outputs[0]].dtype not in INTEGERS or any(i < 0 for i in operator.inputs):
        return None
    operands = [tensors[i] for i in operator.inputs]
    if operator.code == "SHAPE" and operands:
        return np.array(operands[0].shape, np.int64)
    constants = [t.data for t in operands if t.data is not None and t.dtype in INTEGERS]
    if len(constants) != len(operands):
        return None
    if operator.code == "PACK" and constants:
        return np.stack(constants, axis=operator.options.Axis() if operator.options else 0)
    if operator.code == "STRIDED_SLICE" and len(constants) == 4:
        return _strided_slice(operator, constants)
    return None


def _strided_slice(operator: FileOperator, constants: list[Array]) -> Array | None:
    """Slice a vector, as TensorFlow's masks say."""
    values, begins, ends, strides = constants
    options = operator.options
    if values.ndim != 1 or begins.size != 1 or ends.size != 1 or strides.size != 1 or options is None:
        return None
    begin, end, stride = int(begins.flat[0]), int(ends.flat[0]), int(strides.flat[0])
    if options.ShrinkAxisMask() & 1:
        return np.asarray(values[begin])
    first = None if options.BeginMask() & 1 else begin
    last = None if options.EndMask() & 1 else end
    return np.asarray(values[first:last:stride])
