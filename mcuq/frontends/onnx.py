"""Read ONNX models: float, quantized with QuantizeLinear/DequantizeLinear pairs, or quantized dynamically.

Operators on channels-first tensors become their NHWC counterparts between explicit transposes, which the passes
remove. Shapes are computed operator by operator, from the model's inputs; what only computes shapes or constants is
folded away. All unsupported operators are listed at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from mcuq.errors import MalformedModelError, McuqError, UnsupportedOperatorError, UsageError
from mcuq.float_graph import FloatGraph
from mcuq.frontends import onnx_constants, onnx_ops, onnx_qdq
from mcuq.frontends.batch import refuse_batch
from mcuq.frontends.onnx_builder import Builder, Constant, Entry, Value
from mcuq.frontends.onnx_file import DAMAGE, OnnxInput, OnnxModel, OnnxNode, parse
from mcuq.frontends.onnx_tensors import MAX_FILE_BYTES, printable
from mcuq.graph import identifier
from mcuq.ops.arg_extremum import INDEX

if TYPE_CHECKING:
    from onnx import ModelProto

MAX_NAME = 64  # characters of a C identifier made from a tensor's name
MAX_FOLDED = 1 << 26
INDICES = ("int32", "int64")  # of at most 256 elements
FLOATS = ("float16", "bfloat16", "float32", "float64")


def read_onnx(path: Path) -> FloatGraph:
    """Read a ``.onnx`` file; the model is named after the file. Its weights may lie in files beside it.

    Raises:
        McuqError: what is wrong, and where.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(f"the file has {path.stat().st_size} bytes, more than any ESP32 holds")
        return _graph(parse(path.read_bytes(), path.parent), identifier(path.stem))
    except OSError as error:
        raise UsageError(f"{path}: cannot read ({error.strerror})") from None
    except McuqError as error:
        raise error.at(str(path)) from None


def graph_of(content: bytes | ModelProto, name: str) -> FloatGraph:
    """Turn the bytes of an ONNX file, or a parsed one with its weights, into a graph.

    ``known`` holds the quantization that the model itself brings. Where it is empty although there are
    :class:`QConstant` weights, the model was quantized dynamically: its activations are left to calibration.

    Args:
        content: the model.
        name: of the graph, a C identifier.

    Returns:
        Channels-first inputs and outputs, NHWC layers between transposes.

    Raises:
        McuqError: what is wrong, and where.
    """
    return _graph(parse(content), name)


def _graph(model: OnnxModel, name: str) -> FloatGraph:
    _refuse_unknown_operators(model)
    reader = _Reader(model)
    for node in model.nodes:
        reader.read(node)
    return reader.graph(name)


def _refuse_unknown_operators(model: OnnxModel) -> None:
    """Name all kinds at once; those that only compute constants may be of other kinds."""
    constants, readers = set(model.constants), _readers()
    unknown: Counter[str] = Counter()
    places: list[str] = []
    for node in model.nodes:
        operands = [name for name in node.inputs if name]
        if node.kind in onnx_constants.FOLDERS and (
            node.kind in ("Shape", "Size") or all(name in constants for name in operands)
        ):
            constants.update(node.outputs)
        elif node.kind not in readers:
            unknown[node.kind] += 1
            places += [str(node)] if node.layer else []
    if unknown:
        counted = ", ".join(f"{kind} ({count})" for kind, count in sorted(unknown.items()))
        hint = onnx_qdq.hint(unknown) or "`mcuq ops` lists what it has"
        place = f" (the first is {places[0]})" if places else ""
        raise UnsupportedOperatorError(f"mcuq has no {counted}; {hint}{place}")


def _readers() -> dict[str, Callable[..., Entry | Sequence[Entry]]]:
    return {**onnx_ops.READERS, **onnx_qdq.READERS}


class _Reader:
    """What every name of the file stands for."""

    def __init__(self, model: OnnxModel) -> None:
        self.model, self.builder, self.readers = model, Builder(), _readers()
        self.entries: dict[str, Entry] = {name: Constant(array) for name, array in model.constants.items()}
        self.inputs = list(self._inputs(model.inputs))
        self.folded = 0  # elements of all folded constants

    def _inputs(self, inputs: Sequence[OnnxInput]) -> Iterator[tuple[str, Value]]:
        taken: set[str] = set()
        for given in inputs:
            if given.dtype not in (*FLOATS, *INDICES, "int8", "uint8"):
                raise UnsupportedOperatorError(
                    f"input '{printable(given.name)}' is {given.dtype}; mcuq takes float, int8, uint8 and index inputs"
                )
            refuse_batch(printable(given.name), given.shape)
            value = self.builder.add_input(f"input_{len(taken)}", given.shape)
            if given.dtype in INDICES:
                self.builder.known[value.name] = replace(INDEX, shape=value.shape)
            self.entries[given.name] = onnx_qdq.integer_input(value, given.dtype)
            yield _border_name(given.name, taken), value

    def read(self, node: OnnxNode) -> None:
        """Turn one operator of the file into nodes, or fold it."""
        self.builder.index = node.index
        try:
            with np.errstate(all="ignore"):  # constants that become infinite are refused in the end
                results = self._convert(node, [self._entry(name) for name in node.inputs])
        except McuqError as error:
            raise error.at(str(node)) from None
        except DAMAGE as error:
            raise MalformedModelError(f"{node}: it is malformed ({error})") from None
        for name, result in zip(node.outputs, results, strict=False):
            if name:
                self.entries[name] = result

    def _entry(self, name: str) -> Entry | None:
        if name and name not in self.entries:
            raise MalformedModelError(
                f"its input '{printable(name)}' is not computed before it (the graph has a cycle, is cut, or uses an "
                "output that mcuq does not compute)"
            )
        return self.entries[name] if name else None

    def _convert(self, node: OnnxNode, inputs: list[Entry | None]) -> Sequence[Entry]:
        converted = onnx_qdq.convert(self.builder, node, inputs)
        if converted is not None:
            return cast(Sequence[Entry], converted)
        folded = onnx_constants.fold(node, inputs)
        if folded is not None:
            self.folded += folded.values.size
            if self.folded > MAX_FOLDED:
                raise MalformedModelError(f"folding constants up to here makes more than {MAX_FOLDED} elements")
            return [folded]
        result = self.readers[node.kind](self.builder, node, inputs)
        return [result] if isinstance(result, Value | Constant) else result

    def graph(self, name: str) -> FloatGraph:
        """Return the finished graph, its border named after the file's."""
        taken = {wanted for wanted, _ in self.inputs}
        outputs = []
        for output in self.model.outputs:
            entry = self.entries.get(output)
            if entry is None:
                raise MalformedModelError(f"output '{printable(output)}' is never computed")
            if not isinstance(entry, Value):
                raise MalformedModelError(f"output '{printable(output)}' does not depend on an input")
            outputs.append((_border_name(output, taken), onnx_qdq.output(self.builder, entry)))
        return self.builder.graph(name, self.inputs, outputs)


def _border_name(name: str, taken: set[str]) -> str:
    """Return an unused C identifier for a model input or output."""
    short = name.rsplit("/", 1)[-1].rsplit(";", 1)[-1].removesuffix(":0")
    wanted = identifier(identifier(short, "value")[:MAX_NAME], "value")
    free = next(n for n in (wanted, *(f"{wanted}_{i}" for i in range(1, 10_000))) if n not in taken)
    taken.add(free)
    return free
