"""Read fully quantized int8 TFLite models.

Float borders (a QUANTIZE right after the model's input, a DEQUANTIZE right before its output) are stripped:
the model's border is then the integer tensor behind them. Operators that only compute a constant shape are
folded away. All unsupported operators are listed at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mcuq.errors import CannotQuantizeError, MalformedModelError, McuqError, UnsupportedOperatorError, UsageError
from mcuq.frontends import tflite_ops, tflite_shapes
from mcuq.frontends.flatbuffer import DAMAGE, FileGraph, FileOperator, FileTensor, parse
from mcuq.graph import Graph, Node, identifier
from mcuq.ops.base import Op
from mcuq.tensor import DType, QConstant, QTensor

MAX_FILE_BYTES = 256 << 20
MAX_NAME = 64  # characters of a C identifier made from a tensor's name
UINT8 = ("QUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS")  # at the model's border


def read_tflite(path: Path) -> Graph:
    """Read a ``.tflite`` file; the model is named after the file.

    Raises:
        McuqError: what is wrong, and where.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(f"the file has {path.stat().st_size} bytes, more than any ESP32 holds")
        return graph_of(parse(path.read_bytes()), identifier(path.stem))
    except OSError as error:
        raise UsageError(f"{path}: cannot read ({error.strerror})") from None
    except McuqError as error:
        raise error.at(str(path)) from None


def graph_of(file: FileGraph, name: str) -> Graph:
    """Turn a parsed file into a graph named ``name``."""
    file = tflite_shapes.fold_shapes(file)
    operators, inputs, outputs = _strip_float_borders(file)
    _refuse_unknown_operators(operators)
    _refuse_what_is_not_int8(file, operators, inputs, outputs)
    reader = _Reader(file, inputs, outputs)
    nodes = tuple(reader.node(operator) for operator in operators)
    return Graph(
        name=name,
        inputs=tuple(reader.names[i] for i in inputs),
        outputs=tuple(reader.names[i] for i in outputs),
        nodes=nodes,
        values=reader.values,
        constants=reader.constants,
    ).verify()


def _strip_float_borders(file: FileGraph) -> tuple[list[FileOperator], list[int], list[int]]:
    """Drop QUANTIZE after float inputs and DEQUANTIZE before float outputs."""
    single = [op for op in file.operators if len(op.inputs) == len(op.outputs) == 1 and op.inputs[0] >= 0]
    entry = {op.inputs[0]: op for op in single if op.code == "QUANTIZE"}
    leaving = {op.outputs[0]: op for op in single if op.code == "DEQUANTIZE"}
    stripped: set[int] = set()

    def border(index: int, operators: dict[int, FileOperator], beyond: str) -> int:
        if file.tensors[index].dtype == "float32" and index in operators:
            operator = operators[index]
            stripped.add(operator.index)
            return int(getattr(operator, beyond)[0])
        return index

    inputs = [border(i, entry, "outputs") for i in file.inputs]
    outputs = [border(i, leaving, "inputs") for i in file.outputs]
    return [op for op in file.operators if op.index not in stripped], inputs, outputs


def _refuse_unknown_operators(operators: Sequence[FileOperator]) -> None:
    """Name all kinds at once; DEQUANTIZE is left to the check for float tensors, which explains more."""
    unknown = Counter(op.code for op in operators if op.code not in (*tflite_ops.READERS, "DEQUANTIZE"))
    if unknown:
        counted = ", ".join(f"{kind} ({count})" for kind, count in sorted(unknown.items()))
        raise UnsupportedOperatorError(f"mcuq has no {counted}; `mcuq ops` lists what it has")


def _refuse_what_is_not_int8(
    file: FileGraph, operators: Sequence[FileOperator], inputs: Sequence[int], outputs: Sequence[int]
) -> None:
    """Raise for float, hybrid, uint8 and int16 models, naming the first such tensor."""
    for index in (*inputs, *outputs):
        _refuse(file.tensors[index], "the model's border", ("int8", "uint8"))
    for operator in operators:
        allowed = ("int8", "uint8") if operator.code in UINT8 else ("int8",)
        for index in (*operator.inputs, *operator.outputs):
            if index >= 0 and file.tensors[index].data is None:
                _refuse(file.tensors[index], str(operator), allowed)


def _refuse(tensor: FileTensor, where: str, allowed: Sequence[str]) -> None:
    if tensor.dtype in allowed:
        return
    problem = "is float: this is a float or hybrid model" if tensor.dtype == "float32" else "must be int8"
    raise CannotQuantizeError(
        f"{where}: {tensor} {problem}; quantize it fully to int8 first "
        "(converter.optimizations, representative_dataset, TFLITE_BUILTINS_INT8)"
    )


class _Reader:
    """Names and types of the graph being built."""

    def __init__(self, file: FileGraph, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        self.file = file
        self.values: dict[str, QTensor] = {}
        self.constants: dict[str, QConstant] = {}
        self.names: dict[int, str] = {}
        self._taken: set[str] = set()
        for index in (*inputs, *outputs):
            self._border(index)

    def node(self, operator: FileOperator) -> Node:
        """Turn one operator into a node; its name is the op's and the operator's place in the file."""
        try:
            output = self._output(operator)
            op, operands = self._convert(operator, output)
            name = f"{op.name}_{operator.index}"
            inputs = tuple(self._operand(name, tensor) for tensor in operands)
            return Node(name, op, inputs, (self._value(name, output),))
        except McuqError as error:
            raise error.at(str(operator)) from None

    def _output(self, operator: FileOperator) -> FileTensor:
        if len(operator.outputs) != 1 or not operator.inputs or operator.inputs[0] < 0:
            raise MalformedModelError(f"has {len(operator.outputs)} outputs, or no input")
        output = self.file.tensors[operator.outputs[0]]
        if output.data is not None:
            raise MalformedModelError(f"its output, {output}, is a constant")
        return output

    def _convert(self, operator: FileOperator, output: FileTensor) -> tuple[Op, Sequence[FileTensor]]:
        tensors = [self.file.tensors[i] if i >= 0 else None for i in operator.inputs]
        try:
            return tflite_ops.READERS[operator.code](operator, tensors, output)
        except AttributeError:
            raise MalformedModelError("it lacks its options, or has another operator's") from None
        except DAMAGE as error:
            raise MalformedModelError(f"it is malformed ({error})") from None

    def _operand(self, node: str, tensor: FileTensor) -> str:
        if tensor.data is None:
            return self._value(f"value_{tensor.index}", tensor)
        name = self._name(tensor.index, f"{node}_constant_{tensor.index}")
        self.constants[name] = _constant(tensor)
        return name

    def _value(self, name: str, tensor: FileTensor) -> str:
        name = self._name(tensor.index, name)
        self.values[name] = _activation(tensor)
        return name

    def _border(self, index: int) -> None:
        """Name a model input or output after its tensor."""
        tensor = self.file.tensors[index]
        if tensor.data is not None:
            raise MalformedModelError(f"{tensor} is an input or output of the model and a constant at once")
        short = tensor.name.rsplit("/", 1)[-1].rsplit(";", 1)[-1].removesuffix(":0")
        self._value(identifier(identifier(short, "value")[:MAX_NAME], "value"), tensor)

    def _name(self, index: int, wanted: str) -> str:
        """Return the tensor's name: the wanted one, or the nearest free one, when it has none yet."""
        if index not in self.names:
            free = (name for name in (wanted, f"{wanted}_{index}", *(f"{wanted}_{index}_{i}" for i in range(1_000))))
            self.names[index] = next(name for name in free if name not in self._taken)
            self._taken.add(self.names[index])
        return self.names[index]


def _activation(tensor: FileTensor) -> QTensor:
    if tensor.scale.size != 1 or tensor.zero_point.size != 1:
        raise CannotQuantizeError(
            f"{tensor} has {tensor.scale.size} scales and {tensor.zero_point.size} zero points; "
            "an activation needs exactly one of each"
        )
    dtype: DType = "uint8" if tensor.dtype == "uint8" else "int8"
    result = QTensor(tensor.shape, float(tensor.scale[0]), int(tensor.zero_point[0]), dtype)
    low, high = result.limits
    if not low <= result.zero_point <= high:
        raise MalformedModelError(f"{tensor} has zero point {result.zero_point}, outside its type")
    if not 0 < result.scale < np.inf:
        raise MalformedModelError(f"{tensor} has scale {result.scale}, which is not a positive number")
    return result


def _constant(tensor: FileTensor) -> QConstant:
    assert tensor.data is not None
    if tensor.dtype not in ("int8", "int32"):
        raise CannotQuantizeError(f"constant {tensor} must be int8 (or an int32 bias)")
    if tensor.dtype == "int8" and not (tensor.scale.size and tensor.zero_point.size):
        raise CannotQuantizeError(f"constant {tensor} has no scale or no zero point")
    scale = tensor.scale if tensor.scale.size else np.ones(1)
    rank = len(tensor.shape)
    if scale.size > 1 and not (0 <= tensor.axis < rank and scale.size == tensor.shape[tensor.axis]):
        raise MalformedModelError(f"{tensor} has {scale.size} scales along dimension {tensor.axis}")
    if tensor.dtype == "int8" and not np.all(np.isfinite(scale) & (scale > 0)):
        raise MalformedModelError(f"{tensor} has a scale that is not a positive number")
    if np.any(tensor.zero_point != (tensor.zero_point[0] if tensor.zero_point.size else 0)):
        raise UnsupportedOperatorError(f"{tensor} has a different zero point per channel")
    zero_point = int(tensor.zero_point[0]) if tensor.zero_point.size else 0
    if abs(zero_point) > 128:
        raise MalformedModelError(f"{tensor} has zero point {zero_point}, outside its type")
    return QConstant(tensor.data, scale, zero_point, axis=tensor.axis)
