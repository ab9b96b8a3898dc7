"""A TFLite flatbuffer as plain, checked Python data: nothing here trusts a length or an offset of the file."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcuq.errors import MalformedModelError, McuqError
from mcuq.tensor import Array, Shape

MAX_OPERATORS = 20_000
MAX_TENSORS = 100_000
MAX_OPERANDS = 1_024
MAX_RANK = 8
MAX_ELEMENTS = 1 << 26  # of one tensor; twice the largest PSRAM of the family

DTYPES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    6: "bool",
    7: "int16",
    9: "int8",
    17: "int4",
}


@dataclass(frozen=True, eq=False)
class FileTensor:
    """One tensor of the file; ``data`` is None for activations."""

    index: int
    name: str
    shape: Shape
    dtype: str
    scale: Array
    zero_point: Array
    axis: int
    data: Array | None

    def __str__(self) -> str:
        return f"tensor {self.index} '{self.name}' {self.dtype}{list(self.shape)}"


@dataclass(frozen=True, eq=False)
class FileOperator:
    """One operator of the file; ``options`` is the schema's table of that kind, or None."""

    index: int
    code: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


@dataclass(frozen=True, eq=False)
class FileGraph:
    """The file's only subgraph (others are counted)."""

    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraphs: int


def parse(data: bytes) -> FileGraph:
    """Read the bytes of a ``.tflite`` file.

    Raises:
        MalformedModelError: whatever is wrong with them.
    """
    if len(data) < 8:
        raise MalformedModelError(f"the file has {len(data)} bytes, too few for a TFLite model")
    if data[4:8] != b"TFL3":
        raise MalformedModelError("not a TFLite model: the identifier 'TFL3' is missing at byte 4")
    try:
        return _parse(data)
    except McuqError:
        raise
    except (struct.error, ValueError, IndexError, TypeError, OverflowError, AttributeError) as error:
        raise MalformedModelError(f"the TFLite file is damaged or cut short ({error})") from None


def _parse(data: bytes) -> FileGraph:
    from tflite.Model import Model

    model = Model.GetRootAsModel(data, 0)
    subgraphs = _count(model.SubgraphsLength(), 1_000, "subgraphs")
    if subgraphs == 0:
        raise MalformedModelError("the TFLite file holds no graph")
    graph = model.Subgraphs(0)
    codes = [_operator_code(model.OperatorCodes(i)) for i in range(_count(model.OperatorCodesLength(), 4_096, "codes"))]
    tensors = tuple(
        _tensor(data, model, i, graph.Tensors(i)) for i in range(_count(graph.TensorsLength(), MAX_TENSORS, "tensors"))
    )
    operators = tuple(
        _operator(i, graph.Operators(i), codes)
        for i in range(_count(graph.OperatorsLength(), MAX_OPERATORS, "operators"))
    )
    parsed = FileGraph(tensors, operators, _indices(graph, "Inputs"), _indices(graph, "Outputs"), subgraphs)
    for index in _used(parsed):
        if not -1 <= index < len(tensors):
            raise MalformedModelError(f"the TFLite file refers to tensor {index} of {len(tensors)}")
    return parsed


def _used(graph: FileGraph) -> Iterator[int]:
    yield from (*graph.inputs, *graph.outputs)
    for operator in graph.operators:
        yield from (*operator.inputs, *operator.outputs)


def _count(length: int, limit: int, what: str) -> int:
    if length > limit:
        raise MalformedModelError(f"the TFLite file claims {length} {what}; mcuq reads at most {limit}")
    return length


def _operator_code(code: Any) -> tuple[str, int]:
    from tflite.BuiltinOperator import BuiltinOperator

    names = {value: name for name, value in vars(BuiltinOperator).items() if not name.startswith("_")}
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    name = names.get(number, f"operator code {number}")
    if name == "CUSTOM":
        custom = code.CustomCode() or b"?"
        name = f"CUSTOM '{custom.decode('utf-8', 'replace')}'"
    return name, int(code.Version())


def _tensor(data: bytes, model: Any, index: int, tensor: Any) -> FileTensor:
    name = (tensor.Name() or b"").decode("utf-8", "replace")
    shape = tuple(int(d) for d in _vector(tensor.ShapeAsNumpy(), np.int32))
    if len(shape) > MAX_RANK or any(d < 0 for d in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise MalformedModelError(f"tensor {index} '{name}' has the impossible shape {list(shape)}")
    dtype = DTYPES.get(tensor.Type(), f"type {tensor.Type()}")
    quantization = tensor.Quantization()
    scale: Array = np.empty(0)
    zero_point: Array = np.empty(0, np.int64)
    axis = 0
    if quantization is not None:
        scale = _vector(quantization.ScaleAsNumpy(), np.float64)
        zero_point = _vector(quantization.ZeroPointAsNumpy(), np.int64)
        axis = int(quantization.QuantizedDimension())
    if scale.size and not np.all(np.isfinite(scale) & (scale > 0)):
        raise MalformedModelError(f"tensor {index} '{name}' has a scale that is not a positive number")
    values = _constant(data, model, tensor, shape, dtype)
    return FileTensor(index, name, shape, dtype, scale, zero_point, axis, values)


def _constant(data: bytes, model: Any, tensor: Any, shape: Shape, dtype: str) -> Array | None:
    if not 0 < tensor.Buffer() < model.BuffersLength():
        return None
    buffer = model.Buffers(tensor.Buffer())
    raw = _vector(buffer.DataAsNumpy(), np.uint8)
    if buffer.Offset() > 1:  # large files keep the bytes behind the flatbuffer
        raw = np.frombuffer(data, np.uint8, count=buffer.Size(), offset=buffer.Offset())
    if raw.size == 0:
        return None
    if dtype.startswith("type") or dtype == "int4":
        return raw
    item = np.dtype(dtype)
    if raw.size != math.prod(shape) * item.itemsize:
        raise MalformedModelError(
            f"tensor '{(tensor.Name() or b'').decode('utf-8', 'replace')}' of shape {list(shape)} and type {dtype} "
            f"has {raw.size} bytes of data"
        )
    return raw.view(item).reshape(shape)


def _operator(index: int, operator: Any, codes: list[tuple[str, int]]) -> FileOperator:
    if operator.OpcodeIndex() >= len(codes):
        raise MalformedModelError(f"operator {index} has code index {operator.OpcodeIndex()} of {len(codes)}")
    code, version = codes[operator.OpcodeIndex()]
    options = _options(operator)
    return FileOperator(index, code, version, _indices(operator, "Inputs"), _indices(operator, "Outputs"), options)


def _options(operator: Any) -> Any:
    """Return the operator's own options table, read through the schema's class of that name."""
    import importlib

    from tflite.BuiltinOptions import BuiltinOptions

    kind, table = operator.BuiltinOptionsType(), operator.BuiltinOptions()
    names = {value: name for name, value in vars(BuiltinOptions).items() if not name.startswith("_")}
    if kind == 0 or table is None or kind not in names:
        return None
    cls = getattr(importlib.import_module(f"tflite.{names[kind]}"), names[kind])
    options = cls()
    options.Init(table.Bytes, table.Pos)
    return options


def _indices(table: Any, field: str) -> tuple[int, ...]:
    length = _count(getattr(table, f"{field}Length")(), MAX_OPERANDS, f"{field.lower()} of one operator")
    return tuple(int(getattr(table, field)(i)) for i in range(length))


def _vector(values: Any, dtype: type[np.generic]) -> Array:
    """Return the schema's vector (0 when absent) as an array."""
    return np.empty(0, dtype) if isinstance(values, int) else np.asarray(values, dtype)
