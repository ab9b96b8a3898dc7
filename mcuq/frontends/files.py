"""Which reader takes which file or object."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mcuq.errors import ToolMissingError, UsageError
from mcuq.float_graph import FloatGraph
from mcuq.frontends import c_array
from mcuq.frontends.extras import EXTRAS, SAVED_MODEL
from mcuq.frontends.isolation import read_isolated
from mcuq.graph import Graph
from mcuq.limits import FILE_BYTES, LOAD_SECONDS
from mcuq.passes.prepare import prepare
from mcuq.reading import gate, refuse_pointer, require_regular

EXPORT = (
    'save it with torch.export.save(torch.export.export(model.eval(), (example,)), "model.pt2"), '
    "or give the live module to mcuq.load(model, example)"
)
SIGNATURES = {  # how a file begins, and words that one with integers or their scales holds
    ".onnx": (b"\x08", b"QuantizeLinear", b"QLinear", b"Integer", b"com.microsoft"),
    ".pt2": (b"PK", b"quantize"),
    ".keras": (b"PK",),
    ".h5": (b"\x89HDF",),
    SAVED_MODEL: (b"", b"FakeQuant", b"Quantize"),
}


def read_file(path: Path, seconds: float = LOAD_SECONDS) -> Graph | FloatGraph:
    """Read a model file of any format but ``.mcuq``; a float model comes with its passes applied.

    Args:
        path: the file, or the folder of a SavedModel.
        seconds: how long a framework may take to open it.

    Raises:
        McuqError: for a missing, unsupported or damaged file.
    """
    suffix = path.suffix.lower()
    if suffix in (".pt", ".pth", ".bin", ".pkl"):
        raise UsageError(f"{path}: a pickle can run code, so mcuq does not open it; {EXPORT}")
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise UsageError(f"{path}: is a folder without a saved_model.pb")
        for file in (path / "saved_model.pb", *sorted(path.glob("variables/variables.*"))):
            refuse_pointer(file)
        suffix = SAVED_MODEL
    else:
        require_regular(path)
    if suffix == ".tflite" or suffix in c_array.SUFFIXES:
        with gate(path, "a TFLite model"):
            return _prepared(_tflite(path))
    if suffix not in EXTRAS:
        shown = ", ".join(sorted((".tflite", *EXTRAS.keys() - {SAVED_MODEL})))
        raise UsageError(
            f"{path}: mcuq reads {shown} and .mcuq files, SavedModel folders, and TFLite models as arrays in C files"
        )
    packages, install = EXTRAS[suffix]
    if any(find_spec(package) is None for package in packages):
        raise ToolMissingError(install)
    return read_isolated(path, seconds)


def is_surely_float(path: Path) -> bool:
    """Whether a file that a framework opens is a float model, as a look at its bytes tells; False where it may not be.

    Nothing is said about a file that is missing, or is of another format than its name says.
    """
    suffix, file = (SAVED_MODEL, path / "saved_model.pb") if path.is_dir() else (path.suffix.lower(), path)
    if suffix not in SIGNATURES or not file.is_file() or file.stat().st_size > FILE_BYTES:
        return False
    try:
        content = file.read_bytes()
    except OSError:
        return False
    start, *words = SIGNATURES[suffix]
    return content.startswith(start) and not any(word in content for word in words)


def read_object(model: Any, example: Any) -> FloatGraph | Graph:
    """Read a live ``torch.nn.Module`` (with an example input) or ``keras.Model``.

    Raises:
        McuqError: for another object, or a model that cannot be exported.
    """
    if _is_a(model, "torch", "nn.Module") or _is_a(model, "torch", "export.ExportedProgram"):
        from mcuq.frontends.torch import read_torch

        return _prepared(read_torch(model, example))
    if _is_a(model, "keras", "Model") or _is_a(model, "tf_keras", "Model"):
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
