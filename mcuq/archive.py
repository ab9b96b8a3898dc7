"""The ``.mcuq`` file: a quantized model, and what a project needs to be generated from it again.

It may hold the float model that the integers were made from too, so that they can be judged by it.

A zip of ``model.json`` and ``.npy`` arrays, stored without compression and without dates, so that the same
model is the same file to the byte. Nothing in it is code; no pickle is ever read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mcuq import __version__, archive_json
from mcuq.errors import MalformedModelError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.reading import Members, array_of, json_of, printable, zipped
from mcuq.samples.classes import class_names
from mcuq.target.record import Record, read_record, record_path
from mcuq.target.setup import PLAIN, Setup
from mcuq.tensor import Array, QConstant

FORMATS = (1, 2)  # 1: of mcuq 0.1.0; 2: with states. A file has the lowest that can hold its model
HEADER = "model.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Archive:
    """A model with its self-test inputs ([samples, *shape] each) and the board and setup of its project.

    ``board_text`` is the file of a board of the user's own, so that the project can be judged and written anywhere.
    ``source`` is the float model as it was quantized, value for value under the same names. ``classes`` name what its
    first output stands for, in order. ``notes`` tell the user how that went; they are not kept in the file.
    """

    graph: Graph
    samples: Mapping[str, Array] = field(default_factory=dict)
    board: str = ""
    framework: str = ""
    setup: Setup = PLAIN
    source: FloatGraph | None = None
    notes: tuple[str, ...] = ()
    board_text: str = ""
    classes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return a line: the model, and what lies beside it."""
        count = len(next(iter(self.samples.values()), ()))
        return f"<Archive of {self.graph!r}: {count} samples{', float model' if self.source else ''}>"

    def recorded(self, record: Record) -> Archive:
        """Return the model with the board and setup of its project's record."""
        placed = dataclasses.replace(self, board=record.board, framework=record.framework, setup=record.setup)
        return dataclasses.replace(placed, board_text=record.board_text)

    def setup_for(self, board: str, framework: str) -> Setup:
        """Return the recorded setup; partition table and platform only for the board and framework they belong to."""
        same = (board, framework) == (self.board, self.framework)
        return self.setup if same else dataclasses.replace(self.setup, partition="", partition_text="", platform="")


def digest(graph: Graph) -> str:
    """Return the model's SHA-256 in hexadecimal: equal for equal integers, scales and structure."""
    sha = hashlib.sha256(_json(archive_json.describe(graph)))
    for name in sorted(graph.constants):
        sha.update(_npy(graph.constants[name].values))
    return sha.hexdigest()


def float_digest(graph: FloatGraph) -> str:
    """Return a float model's SHA-256 in hexadecimal: equal for equal constants and structure."""
    sha = hashlib.sha256(_json(archive_json.describe_float(graph)))
    for name in sorted(graph.constants):
        constant = graph.constants[name]
        sha.update(_npy(constant.values if isinstance(constant, QConstant) else constant))
    return sha.hexdigest()


def dump(archive: Archive) -> bytes:
    """Return the bytes of the ``.mcuq`` file."""
    has_states = bool(archive.graph.states or (archive.source and archive.source.states))
    header = {"format": FORMATS[has_states], "mcuq": __version__, **archive_json.describe(archive.graph)}
    arrays = {f"constants/{name}": c.values for name, c in sorted(archive.graph.constants.items())}
    arrays |= {f"samples/{name}": x for name, x in sorted(archive.samples.items())}
    header["from_float"] = archive.graph.from_float
    if archive.classes:
        header["classes"] = list(archive.classes)
    if archive.source:
        header["float"] = archive_json.describe_float(archive.source)
        constants = sorted(archive.source.constants.items())
        arrays |= {f"float/{name}": c.values if isinstance(c, QConstant) else c for name, c in constants}
    members = {HEADER: _json(header)} | {f"{name}.npy": _npy(array) for name, array in arrays.items()}
    return _zipped(members)


def dump_float(graph: FloatGraph) -> bytes:
    """Return a float model as bytes, for another process: a zip of JSON and arrays."""
    arrays = {name: c.values if isinstance(c, QConstant) else c for name, c in sorted(graph.constants.items())}
    members = {HEADER: _json(archive_json.describe_float(graph))}
    return _zipped(members | {f"float/{name}.npy": _npy(array) for name, array in arrays.items()})


def read_float(content: bytes) -> FloatGraph:
    """Return the float model that :func:`dump_float` wrote.

    Raises:
        MalformedModelError, KeyError, ValueError, TypeError: for other bytes.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        members = Members(file, {info.filename: info.file_size for info in file.infolist()})
        header = json_of(members.read(HEADER))
        return archive_json.restore_float(header, _arrays(members, "float", header["constants"]))


def read(path: Path) -> Archive:
    """Read a ``.mcuq`` file; one that lies in a project with what was decided there (``lib/<model>/build.json``).

    Raises:
        MalformedModelError: for anything that is not one, or is damaged.
    """
    archive = _read(path)
    record = read_record(record_path(path.parent, archive.graph.name))
    return archive.recorded(record) if record else archive


def _read(path: Path) -> Archive:
    with zipped(path, "a .mcuq file") as members:
        return _restore(members)


def _restore(members: Members) -> Archive:
    header = json_of(members.read(HEADER))
    if header["format"] not in FORMATS:
        known = f"mcuq {__version__} reads up to {FORMATS[-1]}"
        raise MalformedModelError(f"has format {header['format']!r:.20}, {known}; install a newer mcuq")
    graph = archive_json.restore(header, _arrays(members, "constants", header["constants"]))
    graph = dataclasses.replace(graph, from_float=header.get("from_float", True) is not False)  # unknown: never a guess
    samples = _arrays(members, "samples", [name for name in graph.inputs if f"samples/{name}.npy" in members.sizes])
    for name, array in samples.items():
        tensor = graph.values[name]
        if array.dtype != tensor.dtype or array.shape[1:] != tensor.shape:
            raise MalformedModelError(f"sample {name} is {array.dtype}{list(array.shape)}, not {tensor.dtype}")
    project = header.get("project", {})  # files of mcuq 0.1.0 know their project
    if not isinstance(project, dict):
        raise MalformedModelError(f"has the project {printable(project, 60)}")
    setup = Setup.restored(project.get("setup", {}))
    source = None
    if "float" in header:
        described = header["float"]
        source = archive_json.restore_float(described, _arrays(members, "float", described["constants"]))
    classes = class_names(header["classes"], HEADER) if "classes" in header else ()
    board, framework = (str(project.get(key, "")) for key in ("board", "framework"))
    return Archive(graph, samples, board, framework, setup, source, classes=classes)


def _zipped(members: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return target.getvalue()


def _arrays(members: Members, folder: str, names: Iterable[str]) -> dict[str, Array]:
    """Return the arrays of these names, and read no others."""
    return {name: array_of(members.read(f"{folder}/{name}.npy")).copy() for name in names}


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode()


def _npy(values: Array) -> bytes:
    target = io.BytesIO()
    np.lib.format.write_array(target, np.ascontiguousarray(values), version=(1, 0), allow_pickle=False)
    return target.getvalue()
