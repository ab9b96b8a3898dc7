"""Read fully quantized int8 TFLite models.

Float borders (a QUANTIZE right after the model's input, a DEQUANTIZE right before its output) are stripped:
the model's border is then the integer tensor behind them. Operators that only compute a constant shape are
folded away. All unsupported operators are listed at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mcuq.errors import CannotQuantizeError, MalformedModelError, UnsupportedOperatorError, UsageError
from mcuq.frontends import tflite_ops, tflite_shapes
from mcuq.frontends.flatbuffer import FileGraph, FileOperator, FileTensor, parse
from mcuq.graph import Graph, Node, identifier
from mcuq.ops.base import Op
from mcuq.tensor import DType, QConstant, QTensor

MAX_FILE_BYTES = 256 << 20


def read_tflite(path: Path) -> Graph:
    """Read a ``.tflite`` file; the model is named after the file.

    Raises:
        McuqError: what is wrong, and where.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise UsageError(f"{path}: the file has {path.stat().st_size} bytes, more than any ESP32 holds")
    return graph_of(parse(path.read_bytes()), identifier(path.stem))


def graph_of(file: FileGraph, name: str) -> Graph:
    """Turn a parsed file into a graph named ``name``."""
    file = tflite_shapes.fold_shapes(file)
    operators, inputs, outputs = _strip_float_borders(file)
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
    entry = {op.inputs[0]: op for op in file.operators if op.code == "QUANTIZE" and len(op.inputs) == 1}
    leaving = {op.outputs[0]: op for op in file.operators if op.code == "DEQUANTIZE" and len(op.outputs) == 1}
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


def _refuse_what_is_not_int8(
    file: FileGraph, operators: Sequence[FileOperator], inputs: Sequence[int], outputs: Sequence[int]
) -> None:
    """Raise for unsupported operators (all at once), then for float, hybrid and int16 models."""
    unknown = [op for op in operators if op.code not in tflite_ops.READERS]
    if unknown:
        kinds = sorted({op.code for op in unknown})
        counted = ", ".join(f"{kind} ({sum(op.code == kind for op in unknown)})" for kind in kinds)
        raise UnsupportedOperatorError(f"mcuq has no {counted}; `mcuq ops` lists what it has")
    activations = {i for op in operators for i in (*op.inputs[:1], *op.outputs) if i >= 0} | {
        *inputs,
        *outputs,
    }
    for index in sorted(activations):
        tensor = file.tensors[index]
        if tensor.dtype == "float32":
            raise CannotQuantizeError(
                f"{tensor} is float: this is a float or hybrid model; quantize it fully to int8 first "
                "(converter.optimizations, representative_dataset, TFLITE_BUILTINS_INT8)"
            )
        if tensor.dtype not in ("int8", "uint8"):
            raise CannotQuantizeError(f"{tensor}: activations must be int8 (uint8 at the model's border)")


class _Reader:
    """Names and types of the graph being built."""

    def __init__(self, file: FileGraph, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        self.file = file
        self.values: dict[str, QTensor] = {}
        self.constants: dict[str, QConstant] = {}
        self.names: dict[int, str] = {}
        for index in (*inputs, *outputs):
            self._border(index)

    def node(self, operator: FileOperator) -> Node:
        """Turn one operator into a node; its name is the op's and the operator's place in the file."""
        tensors = [self.file.tensors[i] if i >= 0 else None for i in operator.inputs]
        output = self.file.tensors[operator.outputs[0]] if operator.outputs else None
        if not tensors or tensors[0] is None or output is None:
            raise MalformedModelError(f"operator {operator.index} {operator.code} has no input or no output")
        present = [t if t is not None and t.index >= 0 else None for t in tensors]
        op, operands = self._convert(operator, present, output)
        name = f"{op.name}_{operator.index}"
        inputs = tuple(self._operand(name, tensor) for tensor in operands)
        return Node(name, op, inputs, (self._value(name, output),))

    def _convert(
        self, operator: FileOperator, tensors: Sequence[FileTensor | None], output: FileTensor
    ) -> tuple[Op, Sequence[FileTensor]]:
        where = f"operator {operator.index} {operator.code}"
        try:
            return tflite_ops.READERS[operator.code](operator, tensors, output)
        except (UnsupportedOperatorError, MalformedModelError) as error:
            raise error.at(where) from None
        except (ValueError, IndexError, AttributeError, TypeError) as error:
            raise MalformedModelError(f"{where} is malformed ({error})") from None

    def _operand(self, node: str, tensor: FileTensor) -> str:
        if tensor.data is None:
            return self._value(f"value_{tensor.index}", tensor)
        name = self.names.setdefault(tensor.index, f"{node}_constant_{tensor.index}")
        self.constants[name] = _constant(tensor)
        return name

    def _value(self, name: str, tensor: FileTensor) -> str:
        name = self.names.setdefault(tensor.index, name)
        self.values[name] = _activation(tensor)
        return name

    def _border(self, index: int) -> None:
        """Name a model input or output after its tensor, made a unique C identifier."""
        if index < 0:
            raise MalformedModelError("a model input or output is missing")
        tensor = self.file.tensors[index]
        short = tensor.name.rsplit("/", 1)[-1].rsplit(";", 1)[-1].removesuffix(":0")
        name, taken = identifier(short, "value"), set(self.names.values())
        if index not in self.names:
            self._value(name if name not in taken else f"{name}_{index}", tensor)


def _activation(tensor: FileTensor) -> QTensor:
    if tensor.scale.size != 1 or tensor.zero_point.size != 1:
        raise CannotQuantizeError(f"{tensor} has {tensor.scale.size} scales; an activation needs exactly one")
    dtype: DType = "uint8" if tensor.dtype == "uint8" else "int8"
    result = QTensor(tensor.shape, float(tensor.scale[0]), int(tensor.zero_point[0]), dtype)
    low, high = result.limits
    if not low <= result.zero_point <= high:
        raise MalformedModelError(f"{tensor} has zero point {result.zero_point}, outside its type")
    return result


def _constant(tensor: FileTensor) -> QConstant:
    assert tensor.data is not None
    if tensor.dtype not in ("int8", "int32"):
        raise CannotQuantizeError(f"constant {tensor} must be int8 (or an int32 bias)")
    scale = tensor.scale if tensor.scale.size else np.ones(1)
    if scale.size > 1 and (tensor.axis >= len(tensor.shape) or scale.size != tensor.shape[tensor.axis]):
        raise MalformedModelError(f"{tensor} has {scale.size} scales along dimension {tensor.axis}")
    if np.any(tensor.zero_point != (tensor.zero_point[0] if tensor.zero_point.size else 0)):
        raise UnsupportedOperatorError(f"{tensor} has a different zero point per channel")
    zero_point = int(tensor.zero_point[0]) if tensor.zero_point.size else 0
    if abs(zero_point) > 128:
        raise MalformedModelError(f"{tensor} has zero point {zero_point}, outside its type")
    return QConstant(tensor.data, scale.astype(np.float64), zero_point, axis=tensor.axis)
