"""An ONNX file as plain, checked Python data: static shapes, weights in memory, only what the outputs need."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcuq.errors import MalformedModelError, McuqError, ToolMissingError, UnsupportedOperatorError
from mcuq.frontends.extras import ONNX
from mcuq.frontends.onnx_tensors import (
    MAX_ELEMENTS,
    MAX_FILE_BYTES,
    MAX_RANK,
    array_of,
    elements,
    line,
    printable,
    text_of,
)
from mcuq.tensor import Array, Shape

MAX_NODES = 16_384
MIN_OPSET = 7  # older ones broadcast differently
OWN_DOMAINS = ("", "ai.onnx")
SCOPES = "pkg.torch.onnx.name_scopes"  # of torch.onnx.export: a list of module paths, the operator at the end

# What reading damaged attributes, or operators that contradict themselves, can raise.
DAMAGE = (ValueError, IndexError, TypeError, KeyError, ArithmeticError, AttributeError, MemoryError, RuntimeError)


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """One operator of the file; ``kind`` is its type, with its domain in front when it is not ONNX's own."""

    index: int
    kind: str
    inputs: tuple[str, ...]  # "" where an optional one is left out
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opset: int = 0
    layer: str = ""  # what the exporter calls it: the module of PyTorch it comes from, or the operator's name

    def __str__(self) -> str:
        return f"node {self.index} {self.kind}" + (f" '{self.layer}'" if self.layer else "")

    def integer(self, name: str, default: int) -> int:
        """Return an attribute that is one integer."""
        return int(self._typed(name, int, default))

    def real(self, name: str, default: float) -> float:
        """Return an attribute that is one number."""
        return float(self._typed(name, (int, float), default))

    def text(self, name: str, default: str) -> str:
        """Return an attribute that is a text."""
        value = self._typed(name, (bytes, str), default)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def integers(self, name: str, default: Sequence[int] = ()) -> tuple[int, ...]:
        """Return an attribute that is a list of integers."""
        values = self._typed(name, (list, tuple), default)
        if not all(isinstance(value, int) for value in values):
            raise MalformedModelError(f"its attribute {name} is not a list of integers")
        return tuple(values)

    def _typed(self, name: str, kinds: Any, default: Any) -> Any:
        value = self.attributes.get(name, default)
        if not isinstance(value, kinds):
            raise MalformedModelError(f"its attribute {name} is a {type(value).__name__}")
        return value


@dataclass(frozen=True)
class OnnxInput:
    """A model input; ``dtype`` is numpy's name."""

    name: str
    shape: Shape
    dtype: str


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """The main graph; nodes in the file's order, without those that no output needs."""

    nodes: tuple[OnnxNode, ...]
    inputs: tuple[OnnxInput, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, Array]


def parse(content: Any, folder: Path | None = None) -> OnnxModel:
    """Read the bytes of a ``.onnx`` file, or an ``onnx.ModelProto``.

    Args:
        content: the model.
        folder: where files with its weights may lie; None: nowhere.

    Raises:
        ToolMissingError: without the package onnx.
        McuqError: whatever is wrong with the model.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError, EncodeError  # type: ignore[import-untyped]
    except ImportError:
        raise ToolMissingError(ONNX) from None
    try:
        model = onnx.ModelProto.FromString(content) if isinstance(content, bytes) else content
        return _parse(model, folder)
    except McuqError:
        raise
    except (DecodeError, EncodeError) as error:
        raise MalformedModelError(f"not an ONNX model, or damaged or cut short ({line(error)})") from None
    except DAMAGE as error:
        raise MalformedModelError(f"the ONNX model is damaged ({line(error)})") from None


def _parse(model: Any, folder: Path | None) -> OnnxModel:
    if not model.graph.node or not model.graph.output:
        raise MalformedModelError("the ONNX model holds no graph: no operators, or no outputs")
    if model.functions:
        model = _inlined(model)
    graph = model.graph
    if len(graph.node) > MAX_NODES:
        raise MalformedModelError(f"the ONNX model has {len(graph.node)} operators; mcuq reads at most {MAX_NODES}")
    if graph.sparse_initializer:
        raise UnsupportedOperatorError("the ONNX model has sparse weights; export it with dense ones")
    opset = _opset(model)
    outputs = tuple(text_of(output.name) for output in graph.output)
    protos = _needed(graph.node, [output.name for output in graph.output])
    used = {name for node in protos for name in node.input} | {output.name for output in graph.output}
    if sum(elements(tensor) for tensor in graph.initializer if tensor.name in used) > MAX_FILE_BYTES:
        raise MalformedModelError(f"the weights have more than {MAX_FILE_BYTES} elements, more than any ESP32 holds")
    constants = {text_of(tensor.name): array_of(tensor, folder) for tensor in graph.initializer if tensor.name in used}
    initializers = {tensor.name for tensor in graph.initializer}
    inputs = tuple(_input(value) for value in graph.input if value.name not in initializers)
    indices = {id(proto): index for index, proto in enumerate(graph.node)}
    nodes = tuple(_node(indices[id(proto)], proto, opset, folder) for proto in protos)
    return OnnxModel(nodes, inputs, outputs, constants)


def _inlined(model: Any) -> Any:
    """Return the model without functions of its own."""
    import onnx.inliner

    try:
        return onnx.inliner.inline_local_functions(model)
    except Exception as error:  # raised by the package's C++ part, of no fixed type
        raise MalformedModelError(f"its functions cannot be put in place ({line(error)})") from None


def _opset(model: Any) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in OWN_DOMAINS]
    version = int(versions[0]) if versions else 1
    if version < MIN_OPSET:
        raise UnsupportedOperatorError(
            f"the model has ONNX opset {version}; export it with opset 13 or later; "
            "onnx.version_converter makes that of many models"
        )
    return version


def _needed(nodes: Any, outputs: Sequence[str]) -> list[Any]:
    """Return the operators that the outputs depend on, in the file's order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]


def _node(index: int, proto: Any, opset: int, folder: Path | None) -> OnnxNode:
    kind, domain = text_of(proto.op_type), text_of(proto.domain)
    kind = kind if domain in OWN_DOMAINS else f"{domain}.{kind}"
    inputs, outputs = (tuple(map(text_of, names)) for names in (proto.input, proto.output))
    attributes = dict(_attributes(proto, folder))
    return OnnxNode(index, printable(kind), inputs, outputs, attributes, opset, printable(_layer(proto)))


def _layer(proto: Any) -> str:
    """Return the path of the module of PyTorch that an operator comes from, else the operator's own name."""
    for entry in proto.metadata_props:
        if entry.key == SCOPES:
            *modules, _ = re.findall(r"'([^']{0,200})'", entry.value[:10_000]) or [""]
            return next((path for path in reversed(modules) if path), "")
    return text_of(proto.name)


def _attributes(proto: Any, folder: Path | None) -> Iterator[tuple[str, Any]]:
    """Yield what attributes hold; subgraphs are left out, for no operator that mcuq has takes one."""
    import onnx

    kinds = onnx.AttributeProto
    for attribute in proto.attribute:
        if attribute.type == kinds.TENSOR:
            yield text_of(attribute.name), array_of(attribute.t, folder)
        elif attribute.type in (kinds.FLOAT, kinds.INT, kinds.STRING, kinds.FLOATS, kinds.INTS, kinds.STRINGS):
            value = onnx.helper.get_attribute_value(attribute)
            yield (
                text_of(attribute.name),
                list(value) if attribute.type in (kinds.FLOATS, kinds.INTS, kinds.STRINGS) else value,
            )


def _input(value: Any) -> OnnxInput:
    import onnx

    name, tensor = printable(value.name), value.type.tensor_type
    if not value.type.HasField("tensor_type") or not tensor.HasField("shape"):
        raise UnsupportedOperatorError(f"input '{name}' is not a tensor of known shape; export with static shapes")
    try:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    except KeyError:
        raise MalformedModelError(f"input '{name}' has the unknown type {tensor.elem_type}") from None
    shape = tuple(_dimension(name, axis, dim) for axis, dim in enumerate(tensor.shape.dim))
    if len(shape) > MAX_RANK or math.prod(shape) > MAX_ELEMENTS:
        raise MalformedModelError(f"input '{name}' has the impossible shape {list(shape)[:MAX_RANK]}")
    return OnnxInput(text_of(value.name), shape, dtype)


def _dimension(name: str, axis: int, dim: Any) -> int:
    """Return the size; the batch, where it is open, is 1."""
    if dim.dim_value > 0:
        return int(dim.dim_value)
    if axis == 0:
        return 1
    called = f" '{printable(dim.dim_param)}'" if dim.dim_param else ""
    raise UnsupportedOperatorError(
        f"input '{name}' has the dynamic dimension {axis}{called}; export with static shapes (torch.onnx.export without"
        " dynamic_axes or dynamic_shapes; or python -m onnxruntime.tools.make_dynamic_shape_fixed)"
    )
