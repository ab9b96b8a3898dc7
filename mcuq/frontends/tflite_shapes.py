"""Fold away what only reshapes constants, and the chains that the converter writes to compute a constant shape."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from mcuq.errors import MalformedModelError
from mcuq.frontends.flatbuffer import DAMAGE, FileGraph, FileOperator, FileTensor
from mcuq.tensor import Array

INTEGERS = ("int32", "int64")
RESHAPES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
MAX_SHAPE = 64  # elements of a computed shape


def fold_shapes(file: FileGraph) -> FileGraph:
    """Replace the results of such operators by constants and drop them.

    Static shapes make SHAPE a constant; STRIDED_SLICE and PACK are folded where their operands are constant
    integers, reshapes where their input is constant. Operators on activations are left alone.

    Raises:
        MalformedModelError: for an operator that cannot compute what its output says.
    """
    tensors = list(file.tensors)
    kept: list[FileOperator] = []
    for operator in file.operators:
        try:
            result = _fold(operator, tensors)
        except DAMAGE as error:
            raise MalformedModelError(f"{operator} is malformed ({error})") from None
        if result is None:
            kept.append(operator)
            continue
        output = tensors[operator.outputs[0]]
        if result.size != math.prod(output.shape) or output.data is not None:
            raise MalformedModelError(f"{operator} does not compute {output}")
        tensors[output.index] = replace(output, data=result.reshape(output.shape))
    return replace(file, tensors=tuple(tensors), operators=tuple(kept))


def _fold(operator: FileOperator, tensors: list[FileTensor]) -> Array | None:
    """Return the result of an operator on constants, or None where it is not one."""
    if not operator.inputs or not operator.outputs or min(operator.inputs) < 0:
        return None
    operands, output = [tensors[i] for i in operator.inputs], tensors[operator.outputs[0]]
    if operator.code in RESHAPES:
        return operands[0].data if operands[0].dtype == output.dtype else None
    return _shape(operator, operands) if output.dtype in INTEGERS else None


def _shape(operator: FileOperator, operands: list[FileTensor]) -> Array | None:
    """Return the result of an operator that takes part in computing a shape."""
    if operator.code == "SHAPE":
        return np.array(operands[0].shape, np.int64)
    constants = [t.data for t in operands if t.data is not None and t.dtype in INTEGERS]
    if len(constants) != len(operands):
        return None
    if operator.code == "PACK" and sum(values.size for values in constants) <= MAX_SHAPE:
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
