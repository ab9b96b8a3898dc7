"""Which reader takes which file or object."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.passes.prepare import prepare

EXPORT = (
    'save it with torch.export.save(torch.export.export(model.eval(), (example,)), "model.pt2"), '
    "or give the live module to mcuq.load(model, example)"
)


def read_file(path: Path) -> Graph | FloatGraph:
    """Read a model file of any format but ``.mcuq``; a float model comes with its passes applied.

    Raises:
        McuqError: for a missing, unsupported or damaged file.
    """
    suffix = path.suffix.lower()
    if suffix in (".pt", ".pth", ".bin", ".pkl"):
        raise UsageError(f"{path}: a pickle can run code, so mcuq does not open it; {EXPORT}")
    if path.is_dir() and not (path / "saved_model.pb").is_file():
        raise UsageError(f"{path}: is a folder without a saved_model.pb")
    if not path.exists():
        raise UsageError(f"{path}: no such file")
    reader = _saved_model if path.is_dir() else READERS.get(suffix)
    if reader is None:
        raise UsageError(f"{path}: mcuq reads {', '.join(sorted(READERS))} and .mcuq files, and SavedModel folders")
    try:
        return _prepared(reader(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot read ({error.strerror or error})") from None


def read_object(model: Any, example: Any) -> FloatGraph | Graph:
    """Read a live ``torch.nn.Module`` (with an example input) or ``keras.Model``.

    Raises:
        McuqError: for another object, or a model that cannot be exported.
    """
    if _is_a(model, "torch", "nn.Module") or _is_a(model, "torch", "export.ExportedProgram"):
        from mcuq.frontends.torch import read_torch

        return _prepared(read_torch(model, example))
    if _is_a(model, "keras", "Model"):
        from mcuq.frontends.keras import read_keras

        return _prepared(read_keras(model))
    kind = type(model).__name__
    raise UsageError(f"cannot read a {kind}: give a path, a torch.nn.Module with an example input, or a keras.Model")


def _is_a(model: Any, module: str, name: str) -> bool:
    """Whether the object is one of a library's; a library that nobody imported made none."""
    kind: Any = sys.modules.get(module)
    for part in name.split("."):
        kind = getattr(kind, part, None)
    return kind is not None and isinstance(model, kind)


def _prepared(graph: Graph | FloatGraph) -> Graph | FloatGraph:
    return prepare(graph) if isinstance(graph, FloatGraph) else graph


def _tflite(path: Path) -> Graph | FloatGraph:
    from mcuq.frontends.tflite import read_tflite

    return read_tflite(path)


def _onnx(path: Path) -> FloatGraph:
    from mcuq.frontends.onnx import read_onnx

    return read_onnx(path)


def _torch(path: Path) -> FloatGraph:
    from mcuq.frontends.torch import read_pt2

    return read_pt2(path)


def _keras(path: Path) -> FloatGraph:
    from mcuq.frontends.keras import read_keras

    return read_keras(path)


_saved_model = _keras
READERS: dict[str, Callable[[Path], Graph | FloatGraph]] = {
    ".tflite": _tflite,
    ".onnx": _onnx,
    ".pt2": _torch,
    ".keras": _keras,
    ".h5": _keras,
}
