"""The ``.mcuq`` file: a quantized model, and what a project needs to be generated from it again.

A zip of ``model.json`` and ``.npy`` arrays, stored without compression and without dates, so that the same
model is the same file to the byte. Nothing in it is code; no pickle is ever read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from mcuq import __version__, ops
from mcuq.errors import MalformedModelError
from mcuq.graph import Graph, Node
from mcuq.ops.base import Op
from mcuq.setup import PLAIN, Setup
from mcuq.tensor import Array, QConstant, QTensor

FORMAT = 1
MAX_BYTES = 256 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_OPS = {op.name: op for op in ops.ALL}


@dataclass(frozen=True, eq=False)
class Archive:
    """A model with its self-test inputs ([samples, *shape] each) and the board and setup of its project."""

    graph: Graph
    samples: Mapping[str, Array] = field(default_factory=dict)
    board: str = ""
    framework: str = ""
    setup: Setup = PLAIN

    def setup_for(self, board: str, framework: str) -> Setup:
        """Return the recorded setup; the partition table only for the board and framework that it belongs to."""
        same = (board, framework) == (self.board, self.framework)
        return self.setup if same else dataclasses.replace(self.setup, partition="")


def digest(graph: Graph) -> str:
    """Return the model's SHA-256 in hexadecimal: equal for equal integers, scales and structure."""
    sha = hashlib.sha256(_json(_describe(graph)))
    for name in sorted(graph.constants):
        sha.update(_npy(graph.constants[name].values))
    return sha.hexdigest()


def dump(archive: Archive) -> bytes:
    """Return the bytes of the ``.mcuq`` file."""
    project = {"board": archive.board, "framework": archive.framework, "setup": dataclasses.asdict(archive.setup)}
    header = {"format": FORMAT, "mcuq": __version__, "project": project, **_describe(archive.graph)}
    members = {"model.json": _json(header)}
    members |= {f"constants/{name}.npy": _npy(c.values) for name, c in sorted(archive.graph.constants.items())}
    members |= {f"samples/{name}.npy": _npy(x) for name, x in sorted(archive.samples.items())}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return target.getvalue()


def read(path: Path) -> Archive:
    """Read a ``.mcuq`` file.

    Raises:
        MalformedModelError: for anything that is not one, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as file:
            total = sum(info.file_size for info in file.infolist())
            if total > MAX_BYTES:
                raise MalformedModelError(f"{path}: unpacks to {total} bytes, more than any ESP32 holds")
            members = {info.filename: file.read(info) for info in file.infolist()}
        return _restore(members)
    except MalformedModelError as error:
        raise error.at(str(path)) from None
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError, struct.error, NotImplementedError) as error:
        raise MalformedModelError(f"{path}: damaged, or not a .mcuq file ({error})") from None


def _restore(members: Mapping[str, bytes]) -> Archive:
    header = json.loads(members["model.json"])
    if header["format"] != FORMAT:
        raise MalformedModelError(f"has format {header['format']}, this mcuq reads {FORMAT}")
    values = {name: _tensor(fields) for name, fields in header["values"].items()}
    constants = {
        name: _constant(_load(members[f"constants/{name}.npy"]), fields) for name, fields in header["constants"].items()
    }
    graph = Graph(
        name=_typed(header["name"], str, "name"),
        inputs=tuple(header["inputs"]),
        outputs=tuple(header["outputs"]),
        nodes=tuple(_node(fields) for fields in header["nodes"]),
        values=values,
        constants=constants,
    ).verify()
    samples = {name: _load(members[f"samples/{name}.npy"]) for name in graph.inputs if f"samples/{name}.npy" in members}
    for name, array in samples.items():
        tensor = graph.values[name]
        if array.dtype != tensor.dtype or array.shape[1:] != tensor.shape:
            raise MalformedModelError(f"sample {name} is {array.dtype}{list(array.shape)}, not {tensor.dtype}")
    project = header["project"]
    setup = Setup(**_fields(Setup, project.get("setup", {})))
    return Archive(graph, samples, str(project["board"]), str(project["framework"]), setup)


def _describe(graph: Graph) -> dict[str, Any]:
    """Return everything but the arrays, ready for JSON."""
    return {
        "name": graph.name,
        "inputs": graph.inputs,
        "outputs": graph.outputs,
        "values": {name: dataclasses.asdict(t) for name, t in sorted(graph.values.items())},
        "constants": {
            name: {"scale": c.scale.ravel().tolist(), "zero_point": c.zero_point, "bits": c.bits, "axis": c.axis}
            for name, c in sorted(graph.constants.items())
        },
        "nodes": [
            {
                "name": node.name,
                "op": node.op.name,
                "attributes": dataclasses.asdict(node.op),
                "inputs": node.inputs,
                "outputs": node.outputs,
            }
            for node in graph.nodes
        ],
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode()


def _npy(values: Array) -> bytes:
    target = io.BytesIO()
    np.lib.format.write_array(target, np.ascontiguousarray(values), version=(1, 0), allow_pickle=False)
    return target.getvalue()


def _load(content: bytes) -> Array:
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.kind not in "iu":
        raise MalformedModelError(f"holds an array of {array.dtype}, only integers belong there")
    return np.asarray(array)


def _tensor(fields: Mapping[str, Any]) -> QTensor:
    return QTensor(**_fields(QTensor, fields))


def _constant(values: Array, fields: Mapping[str, Any]) -> QConstant:
    scale = np.array(_typed(fields["scale"], list, "scale"), np.float64)
    numbers = [_typed(fields[key], int, key) for key in ("zero_point", "bits", "axis")]
    if not scale.size or not all(math.isfinite(s) and s > 0 for s in scale):
        raise MalformedModelError("has a constant whose scales are not positive numbers")
    return QConstant(values, scale, *numbers)


def _node(fields: Mapping[str, Any]) -> Node:
    if fields["op"] not in _OPS:
        raise MalformedModelError(f"has the operator {fields['op']!r}, which this mcuq does not know")
    cls = _OPS[fields["op"]]
    return Node(fields["name"], _op(cls, fields["attributes"]), tuple(fields["inputs"]), tuple(fields["outputs"]))


def _op(cls: type[Op], attributes: Mapping[str, Any]) -> Op:
    return cls(**_fields(cls, attributes))


def _fields(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {name: _typed(value, hints[name], f"{cls.__name__}.{name}") for name, value in given.items()}


def _typed(value: Any, kind: Any, where: str) -> Any:
    """Return a JSON value as the annotated type: lists become tuples, anything else must match."""
    if get_origin(kind) is tuple and isinstance(value, list):
        items = get_args(kind)
        kinds = items[:1] * len(value) if items[1:] == (...,) else items
        if len(kinds) == len(value):
            return tuple(_typed(v, k, where) for v, k in zip(value, kinds, strict=True))
    elif _matches(value, kind):
        return value
    raise MalformedModelError(f"{where} is {value!r}")


def _matches(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    return type(value) is kind or (kind is float and type(value) is int)
