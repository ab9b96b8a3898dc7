"""A TFLite flatbuffer as plain, checked Python data: nothing here trusts a length or an offset of the file."""

from __future__ import annotations

import importlib
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from flatbuffers.number_types import Int32Flags

from mcuq.errors import MalformedModelError, McuqError, UnsupportedOperatorError
from mcuq.tensor import Array, Shape

# Vectors of a flatbuffer may overlap, so a short file can claim many long ones.
MAX_OPERATORS = 8_192
MAX_TENSORS = 32_768
MAX_OPERANDS = 1_024  # of one operator
MAX_OPERANDS_IN_ALL = 262_144
MAX_CHANNELS = 65_536  # scales of one tensor
MAX_RANK = 8
MAX_ELEMENTS = 1 << 26  # of one tensor; twice the largest PSRAM of the family
MAX_NAME_BYTES = 65_536

# What reading a damaged table can raise; options are read late, by whoever wants them.
DAMAGE = (struct.error, ValueError, IndexError, TypeError, ArithmeticError, AttributeError)

DTYPES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    6: "bool",
    7: "int16",
    9: "int8",
    13: "resource",
    17: "int4",
}


@dataclass(frozen=True, eq=False)
class FileTensor:
    """One tensor of the file; ``data`` is None for activations, ``signature`` has -1 for dynamic dimensions."""

    index: int
    name: str
    shape: Shape
    dtype: str
    scale: Array
    zero_point: Array
    axis: int
    data: Array | None
    signature: Shape = ()

    def __str__(self) -> str:
        return f"{label(self.index, self.name)} {self.dtype}{list(self.shape)}"


@dataclass(frozen=True, eq=False)
class FileOperator:
    """One operator of the file; ``options`` is the schema's table of that kind, read when asked, or None."""

    index: int
    code: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any

    def __str__(self) -> str:
        return f"operator {self.index} {self.code}"


@dataclass(frozen=True, eq=False)
class FileState:
    """What the file keeps from one run to the next: the tensors read and written, and the first value read."""

    name: str
    read: int
    write: int
    initial: FileTensor


@dataclass(frozen=True, eq=False)
class FileGraph:
    """The file's first subgraph. ``others`` are those after it, which operators refer to by number, from 1."""

    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    others: tuple[FileGraph, ...] = ()
    states: tuple[FileState, ...] = ()

    def subgraph(self, number: int) -> FileGraph:
        """Return another graph of the file.

        Raises:
            MalformedModelError: there is none of that number.
        """
        if not 1 <= number <= len(self.others):
            raise MalformedModelError(f"refers to graph {number} of {1 + len(self.others)}")
        return self.others[number - 1]


def label(index: int, name: str) -> str:
    """Return how messages call a tensor."""
    return f"tensor {index} '{name if len(name) <= 80 else name[:77] + '...'}'"


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
    except DAMAGE as error:
        raise MalformedModelError(f"the TFLite file is damaged or cut short ({error})") from None


def _parse(data: bytes) -> FileGraph:
    from tflite.Model import Model

    model = Model.GetRootAsModel(data, 0)
    _refuse_several_models(model)
    codes = [_operator_code(model.OperatorCodes(i)) for i in range(_count(model.OperatorCodesLength(), 4_096, "codes"))]
    graphs = [model.Subgraphs(i) for i in range(model.SubgraphsLength())]
    _count(sum(graph.TensorsLength() for graph in graphs), MAX_TENSORS, "tensors")
    _count(sum(graph.OperatorsLength() for graph in graphs), MAX_OPERATORS, "operators")
    first, *others = (_graph(data, model, graph, codes) for graph in graphs)
    return replace(first, others=tuple(others))


def _graph(data: bytes, model: Any, graph: Any, codes: list[tuple[str, int]]) -> FileGraph:
    tensors = tuple(_tensor(data, model, i, graph.Tensors(i)) for i in range(graph.TensorsLength()))
    operators = tuple(_operators(graph, codes))
    parsed = FileGraph(tensors, operators, _indices(graph, "Inputs"), _indices(graph, "Outputs"))
    for index, lowest in _used(parsed):
        if not lowest <= index < len(tensors):
            raise MalformedModelError(f"the TFLite file refers to tensor {index} of {len(tensors)}")
    return parsed


def _refuse_several_models(model: Any) -> None:
    """Let pass a file whose first subgraph is the only one that can be called from outside."""
    if _count(model.SubgraphsLength(), 1_000, "subgraphs") == 0:
        raise MalformedModelError("the TFLite file holds no graph")
    signatures = [model.SignatureDefs(i) for i in range(_count(model.SignatureDefsLength(), 1_000, "signatures"))]
    if any(signature.SubgraphIndex() != 0 for signature in signatures):
        keys = ", ".join(f"'{_text(signature.SignatureKey())[:40]}'" for signature in signatures[:8])
        raise UnsupportedOperatorError(
            f"the file holds {len(signatures)} models (signatures {keys}); export them apart"
        )


def _used(graph: FileGraph) -> Iterator[tuple[int, int]]:
    """Yield every tensor index in use and the lowest allowed there; -1 is an optional operand left out."""
    yield from ((index, 0) for index in (*graph.inputs, *graph.outputs))
    for operator in graph.operators:
        yield from ((index, -1) for index in operator.inputs)
        yield from ((index, 0) for index in operator.outputs)


def _count(length: int, limit: int, what: str) -> int:
    if length > limit:
        raise MalformedModelError(f"the TFLite file claims {length} {what}; mcuq reads at most {limit}")
    return length


@cache
def _names(enumeration: str) -> dict[int, str]:
    """Return number to name of one of the schema's enumerations."""
    members = vars(getattr(importlib.import_module(f"tflite.{enumeration}"), enumeration))
    return {value: name for name, value in members.items() if not name.startswith("_")}


def _text(raw: bytes | None) -> str:
    """Decode a name of the file to one printable line."""
    raw = raw or b""
    if len(raw) > MAX_NAME_BYTES:
        raise MalformedModelError(f"the TFLite file claims a name of {len(raw)} bytes")
    return "".join(c if c.isprintable() else "?" for c in raw.decode("utf-8", "replace"))


def _operator_code(code: Any) -> tuple[str, int]:
    # The larger of the two fields counts. The package's BuiltinCode() prefers the deprecated one below 127.
    slot = code._tab.Offset(10)
    number = max(code._tab.Get(Int32Flags, slot + code._tab.Pos) if slot else 0, code.DeprecatedBuiltinCode())
    name = _names("BuiltinOperator").get(number, f"operator code {number}")
    if name == "CUSTOM":
        name = f"CUSTOM '{_text(code.CustomCode())[:40]}'"
    return name, int(code.Version())


def _tensor(data: bytes, model: Any, index: int, tensor: Any) -> FileTensor:
    name = _text(tensor.Name())
    where = label(index, name)
    shape = tuple(_vector(tensor.ShapeAsNumpy(), np.int32, MAX_RANK, f"dimensions of {where}").tolist())
    if any(d < 0 for d in shape) or math.prod(shape) > MAX_ELEMENTS:
        raise MalformedModelError(f"{where} has the impossible shape {list(shape)}; export with small static shapes")
    dtype = DTYPES.get(tensor.Type(), f"type {tensor.Type()}")
    quantization = tensor.Quantization()
    scale: Array = np.empty(0)
    zero_point: Array = np.empty(0, np.int64)
    axis = 0
    if quantization is not None:
        scale = _vector(quantization.ScaleAsNumpy(), np.float64, MAX_CHANNELS, f"scales of {where}")
        zero_point = _vector(quantization.ZeroPointAsNumpy(), np.int64, MAX_CHANNELS, f"zero points of {where}")
        axis = int(quantization.QuantizedDimension())
    signature = _vector(tensor.ShapeSignatureAsNumpy(), np.int32, MAX_RANK, f"dimensions of {where}").tolist()
    described = FileTensor(index, name, shape, dtype, scale, zero_point, axis, None, tuple(signature))
    return replace(described, data=_constant(data, model, tensor, described))


def _constant(data: bytes, model: Any, tensor: Any, described: FileTensor) -> Array | None:
    number = tensor.Buffer()
    if number == 0:  # by convention the empty one
        return None
    if number >= model.BuffersLength():
        raise MalformedModelError(f"{described} refers to buffer {number} of {model.BuffersLength()}")
    if tensor.Sparsity() is not None:
        raise UnsupportedOperatorError(f"{described} is sparse; export with dense weights")
    buffer = model.Buffers(number)
    raw = _vector(buffer.DataAsNumpy(), np.uint8, len(data), f"bytes of {described}")
    if buffer.Offset() > 1:  # large files keep the bytes behind the flatbuffer
        raw = np.frombuffer(data, np.uint8, count=buffer.Size(), offset=buffer.Offset())
    if raw.size == 0:
        return None
    if described.dtype.startswith("type") or described.dtype in ("int4", "resource"):
        return raw
    item = np.dtype(described.dtype)
    if raw.size != math.prod(described.shape) * item.itemsize:
        raise MalformedModelError(f"{described} has {raw.size} bytes of data")
    return raw.view(item).reshape(described.shape)


def _operators(graph: Any, codes: list[tuple[str, int]]) -> Iterator[FileOperator]:
    operands = 0
    for index in range(graph.OperatorsLength()):
        operator = _operator(index, graph.Operators(index), codes)
        operands = _count(operands + len(operator.inputs) + len(operator.outputs), MAX_OPERANDS_IN_ALL, "operands")
        yield operator


def _operator(index: int, operator: Any, codes: list[tuple[str, int]]) -> FileOperator:
    if operator.OpcodeIndex() >= len(codes):
        raise MalformedModelError(f"operator {index} has code index {operator.OpcodeIndex()} of {len(codes)}")
    code, version = codes[operator.OpcodeIndex()]
    options = _options(operator)
    return FileOperator(index, code, version, _indices(operator, "Inputs"), _indices(operator, "Outputs"), options)


def _options(operator: Any) -> Any:
    """Return the operator's own options table, read through the schema's class of that name."""
    table, name = operator.BuiltinOptions(), _names("BuiltinOptions").get(operator.BuiltinOptionsType(), "NONE")
    if name == "NONE" or table is None:
        return None
    options = getattr(importlib.import_module(f"tflite.{name}"), name)()
    options.Init(table.Bytes, table.Pos)
    return options


def _indices(table: Any, field: str) -> tuple[int, ...]:
    values = getattr(table, f"{field}AsNumpy")()
    return tuple(_vector(values, np.int32, MAX_OPERANDS, f"{field.lower()} of one operator").tolist())


def _vector(values: Any, dtype: type[np.generic], limit: int, what: str) -> Array:
    """Return the schema's vector (0 when absent) as an array."""
    if isinstance(values, int):
        return np.empty(0, dtype)
    _count(len(values), limit, what)
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes another
        return np.asarray(values, dtype)
