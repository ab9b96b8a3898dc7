"""Fold away what only reshapes constants, and the chains that the converter writes to compute a constant shape.

Where a model's batch was open when it was converted, the file cannot say what a reshape's -1 stands for, and says 1
(``signature``: -1). It is known once the shape is folded; what follows has shapes that follow from it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from mcuq.errors import MalformedModelError, McuqError
from mcuq.frontends import tflite_ops
from mcuq.frontends.flatbuffer import DAMAGE, MAX_RANK, FileGraph, FileOperator, FileTensor
from mcuq.frontends.tflite_samples import count_samples
from mcuq.tensor import Array, Shape

INTEGERS = ("int32", "int64")
RESHAPES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
SAME_SHAPE = ("QUANTIZE", "DEQUANTIZE")
MAX_SHAPE = 64  # elements of a computed shape


def fold_shapes(file: FileGraph) -> FileGraph:
    """Replace the results of such operators by constants and drop them.

    Static shapes make SHAPE a constant; STRIDED_SLICE and PACK are folded where their operands are constant
    integers, reshapes where their input is constant. Operators on activations are left alone.

    Raises:
        MalformedModelError: for an operator that cannot compute what its output says.
    """
    file = count_samples(file)
    tensors = list(file.tensors)
    kept: list[FileOperator] = []
    settled: set[int] = set()
    for operator in file.operators:
        try:
            result = _fold(operator, tensors)
            if result is None:
                settled |= _settle(operator, tensors, settled)
        except McuqError as error:
            raise error.at(str(operator)) from None
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


def _settle(operator: FileOperator, tensors: list[FileTensor], settled: set[int]) -> set[int]:
    """Give outputs whose shape the file leaves open the shape that the operator makes; return which they are."""
    found: set[int] = set()
    for index in operator.outputs:
        if any(d < 0 for d in tensors[index].signature[1:]):
            shape = _made(operator, tensors, settled, tensors[index])
            if shape is not None and shape != tensors[index].shape:
                tensors[index] = replace(tensors[index], shape=shape)
                found.add(index)
    return found


def _made(operator: FileOperator, tensors: list[FileTensor], settled: set[int], output: FileTensor) -> Shape | None:
    """Return the shape of an output; None where that of the input is the file's, or nothing is known."""
    operands = [tensors[i] if i >= 0 else None for i in operator.inputs]
    if operator.code == "RESHAPE" and len(operands) == 2 and operands[0] and operands[1]:
        return _target(operands[0].shape, operands[1].data)
    if settled.isdisjoint(operator.inputs):
        return None
    if operator.code in SAME_SHAPE and operands[0]:
        return operands[0].shape
    if operator.code not in tflite_ops.FLOAT_READERS:
        return None
    converted, taken = tflite_ops.FLOAT_READERS[operator.code](operator, operands, output)
    return None if isinstance(converted, tuple) else converted.infer_shape(*(tensor.shape for tensor in taken))


def _target(shape: Shape, target: Array | None) -> Shape | None:
    """Return the shape that a reshape's operand asks for; None where it is not known, or does not hold the input."""
    if target is None or target.ndim != 1 or target.size > MAX_RANK or np.count_nonzero(target < 0) != 1:
        return None
    sizes = [int(d) for d in target]
    rest = math.prod(d for d in sizes if d >= 0)
    if rest < 1 or math.prod(shape) % rest:
        return None
    return tuple(d if d >= 0 else math.prod(shape) // rest for d in sizes)
