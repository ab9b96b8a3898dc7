"""ONNX's own node tests (``onnx.backend.test.case.node``) as models that mcuq may read: one input, else constants."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from requirements import require_module

from mcuq import float_run
from mcuq.errors import McuqError
from mcuq.float_graph import FloatGraph
from mcuq.frontends.onnx import graph_of

FLOATS = (np.float16, np.float32, np.float64)
TOLERANCE = 1e-3


@dataclass
class NodeTest:
    """A model of one operator: its bytes, the value of its one input, and what it must compute."""

    name: str
    model: bytes
    x: np.ndarray
    outputs: list[np.ndarray]
    read: set[tuple[str, str]] = field(default_factory=set)  # operators that its nodes, of these kinds, are read as


def node_tests() -> Iterator[NodeTest]:
    """Yield the tests with a float input and arrays as outputs; every other input is bound to its value.

    Those that repeat another test with the operator's function in its place ("_expanded") are included.
    """
    onnx = require_module("onnx")
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        cases = collect_testcases(None)
    for case in cases:
        if not case.data_sets:
            continue
        inputs, outputs = case.data_sets[0]
        arrays = isinstance(outputs, list | tuple) and all(isinstance(y, np.ndarray) for y in (*inputs, *outputs))
        first = next((i for i, x in enumerate(inputs) if arrays and x.dtype in FLOATS and x.size), None)
        if first is None:
            continue
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        given = [value.name for value in model.graph.input]
        for name, x in zip(given, inputs, strict=False):
            if name != given[first]:
                model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(x), name))
        kept = [value for value in model.graph.input if value.name == given[first]]
        del model.graph.input[:]
        model.graph.input.extend(kept)
        yield NodeTest(case.name, model.SerializeToString(), inputs[first], list(outputs))


def verdict(test: NodeTest) -> str:
    """Return "right", "wrong: …" or "refused: …"; whatever is neither is an error of mcuq's, and raised."""
    try:
        graph = graph_of(test.model, "test")
    except McuqError as error:
        return f"refused: {error}"
    assert isinstance(graph, FloatGraph)
    results = float_run.run(graph, {graph.inputs[0]: test.x[np.newaxis].astype(np.float32)})
    for name, wanted in zip(graph.outputs, test.outputs, strict=False):
        got = results[name][0]
        if got.shape != wanted.shape:
            return f"wrong: shape {got.shape}, not {wanted.shape}"
        if not np.allclose(got, wanted.astype(np.float64), TOLERANCE, TOLERANCE, equal_nan=True):
            return f"wrong: {np.nanmax(np.abs(got - wanted.astype(np.float64))):g} off"
    kinds = list(_kinds(test.model))
    test.read |= {(node.op.name, kind) for node in graph.nodes for kind in kinds if len(kinds) == 1}
    return "right"


def _kinds(model: bytes) -> Iterator[str]:
    """Yield the kinds of a model's nodes that are not constants."""
    onnx = require_module("onnx")
    for node in onnx.load_from_string(model).graph.node:
        if node.op_type != "Constant":
            yield f"{node.domain}.{node.op_type}" if node.domain else node.op_type
