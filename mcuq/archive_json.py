"""Graphs as JSON and back: every field is checked against its annotation, nothing in a file is trusted."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from mcuq import ops
from mcuq.errors import MalformedModelError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph, Node, State
from mcuq.reading import printable
from mcuq.tensor import Array, QConstant, QTensor

_OPS = {op.name: op for op in ops.ALL}


def describe(graph: Graph) -> dict[str, Any]:
    """Return everything of a quantized graph but the arrays, ready for JSON."""
    return {
        **_common(graph),
        "values": {name: dataclasses.asdict(t) for name, t in sorted(graph.values.items())},
        "constants": {name: _integers(c) for name, c in sorted(graph.constants.items())},
    }


def describe_float(graph: FloatGraph) -> dict[str, Any]:
    """Return everything of a float graph but the arrays, ready for JSON; a real constant is null."""
    return {
        **_common(graph),
        "shapes": {name: list(shape) for name, shape in sorted(graph.shapes.items())},
        "known": {name: dataclasses.asdict(t) for name, t in sorted(graph.known.items())},
        "constants": {
            name: _integers(c) if isinstance(c, QConstant) else None for name, c in sorted(graph.constants.items())
        },
    }


def restore(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> Graph:
    """Return the quantized graph of a description and its constants' integers.

    Raises:
        MalformedModelError, KeyError, ValueError, TypeError: for a description that is none.
    """
    return Graph(
        **_restored(header),
        values={name: tensor(fields) for name, fields in header["values"].items()},
        constants={name: _constant(_whole(arrays[name]), fields) for name, fields in header["constants"].items()},
    ).verify()


def restore_float(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> FloatGraph:
    """Return the float graph of a description and its constants' arrays.

    Raises:
        MalformedModelError, KeyError, ValueError, TypeError: for a description that is none.
    """
    return FloatGraph(
        **_restored(header),
        shapes={name: _typed(shape, tuple[int, ...], name) for name, shape in header["shapes"].items()},
        known={name: tensor(fields) for name, fields in header["known"].items()},
        constants={
            name: _constant(_whole(arrays[name]), fields) if fields else _real(arrays[name])
            for name, fields in header["constants"].items()
        },
    ).verify()


def _common(graph: Graph | FloatGraph) -> dict[str, Any]:
    states = {"states": [dataclasses.asdict(state) for state in graph.states]} if graph.states else {}
    return states | {
        "name": graph.name,
        "inputs": graph.inputs,
        "outputs": graph.outputs,
        "layouts": {name: list(axes) for name, axes in sorted(graph.layouts.items())},
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


def _restored(header: Mapping[str, Any]) -> dict[str, Any]:
    layouts = {n: _typed(axes, tuple[int, ...], "layouts") for n, axes in header.get("layouts", {}).items()}
    if any(sorted(axes) != list(range(len(axes))) for axes in layouts.values()):
        raise MalformedModelError("has a layout that is not an order of dimensions")
    return {
        "name": _typed(header["name"], str, "name"),
        "inputs": tuple(header["inputs"]),
        "outputs": tuple(header["outputs"]),
        "layouts": layouts,
        "nodes": tuple(_node(fields) for fields in header["nodes"]),
        "states": tuple(State(**fields_of(State, fields)) for fields in header.get("states", ())),
    }


def _integers(c: QConstant) -> dict[str, Any]:
    described = {"scale": c.scale.ravel().tolist(), "zero_point": c.zero_point, "bits": c.bits, "axis": c.axis}
    described |= {} if c.codebook is None else {"codebook": c.codebook.tolist()}
    return described | ({"fraction": c.fraction} if c.fraction else {})


def _whole(array: Array) -> Array:
    if array.dtype.kind not in "iu":
        raise MalformedModelError(f"holds an array of {array.dtype}, only integers belong there")
    return array


def _real(array: Array) -> Array:
    if array.dtype != np.float32:
        raise MalformedModelError(f"holds an array of {array.dtype}, only float32 belongs there")
    return array


def tensor(described: Mapping[str, Any]) -> QTensor:
    """Return the activation of a description."""
    return QTensor(**fields_of(QTensor, described))


def _constant(values: Array, fields: Mapping[str, Any]) -> QConstant:
    scale = np.array(_typed(fields["scale"], list, "scale"), np.float64)
    zero_point, bits, axis = (_typed(fields[key], int, key) for key in ("zero_point", "bits", "axis"))
    if not scale.size or not all(math.isfinite(s) and s > 0 for s in scale):
        raise MalformedModelError("has a constant whose scales are not positive numbers")
    if not 1 <= bits <= 8:
        raise MalformedModelError(f"has a constant of {bits} bits")
    codebook = _codebook(fields["codebook"]) if "codebook" in fields else None
    fraction = _typed(fields.get("fraction", 0), int, "fraction")
    if not 0 <= fraction < 8:
        raise MalformedModelError(f"has a bias that is {fraction} bits finer than its products")
    return QConstant(values, scale, zero_point, bits, axis, codebook, fraction)


def _codebook(rows: Any) -> Array:
    """Return a codebook's rows; ``lower`` checks that they serve the weights."""
    book = np.array(_typed(rows, list, "codebook"))
    whole = book.ndim == 2 and book.size and book.dtype.kind == "i"
    if not whole or book.min() < -128 or book.max() > 127 or np.any(np.diff(book, axis=1) < 0):
        raise MalformedModelError("has a codebook that is not rows of rising int8")
    return book.astype(np.int8)


def _node(fields: Mapping[str, Any]) -> Node:
    if fields["op"] not in _OPS:
        known = "which this mcuq does not know"
        raise MalformedModelError(f"has the operator {printable(repr(fields['op']), 80)}, {known}")
    cls = _OPS[fields["op"]]
    return Node(
        fields["name"], cls(**fields_of(cls, fields["attributes"])), tuple(fields["inputs"]), tuple(fields["outputs"])
    )


def fields_of(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dataclass's arguments from JSON, each checked against its annotation."""
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
    raise MalformedModelError(f"{where} is {printable(repr(value), 80)}")


def _matches(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if isinstance(kind, UnionType):
        return any(_matches(value, one) for one in get_args(kind))
    return type(value) is kind or (kind is float and type(value) is int)
