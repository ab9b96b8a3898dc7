"""What the float model computes, in numpy: for calibration, and to judge the integers by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.tensor import Array


class Computed(NamedTuple):
    """An activation: its name, its values, float32 [samples, *shape], and those that its quantization must hold."""

    name: str
    values: Array
    observed: Array


def trace(graph: FloatGraph, inputs: Mapping[str, Array]) -> Iterator[Computed]:
    """Yield every activation that is computed, in execution order.

    Values whose quantization is known are rounded to it: that is what the model was trained or exported to compute.
    To a model with states samples are the steps of one sequence.

    Args:
        graph: the float model.
        inputs: [samples, *shape] per model input, and per state if what was remembered before every sample is known.
    """
    if any(state.read not in inputs for state in graph.states):
        inputs = with_states(graph, inputs, {})
    last = {name: index for index, node in enumerate(graph.nodes) for name in node.inputs}
    values = {name: rounded(graph, name, np.asarray(x, np.float32)) for name, x in inputs.items()}
    constants = {name: graph.real(name) for name in graph.constants}
    for index, node in enumerate(graph.nodes):
        operands = [values[name] if name in values else constants[name] for name in node.inputs]
        outputs, observed = node.op.observe(*operands)
        for name, output, seen in zip(node.outputs, outputs, observed, strict=True):
            values[name] = rounded(graph, name, _single(output))
            yield Computed(name, values[name], values[name] if seen is output else _single(seen))
        for name in {n for n in (*node.inputs, *node.outputs) if last.get(n, index) <= index}:
            values.pop(name, None)


def with_states(graph: FloatGraph, inputs: Mapping[str, Array], kept: dict[str, Array]) -> dict[str, Array]:
    """Return the inputs, and what a model remembers before every sample, [samples, *shape] by the name it is read by.

    Args:
        graph: the float model.
        inputs: [samples, *shape] per model input: the steps of a sequence.
        kept: what is remembered before the first of them, or nothing; changed to what is remembered after the last.
    """
    if not graph.states:
        return dict(inputs)
    now = {state.read: graph.real(state.initial)[np.newaxis] for state in graph.states} | kept
    before: dict[str, list[Array]] = {name: [] for name in now}
    for step in range(len(next(iter(inputs.values())))):
        for name, value in now.items():
            before[name].append(value)
        given = {name: x[step : step + 1] for name, x in inputs.items()} | now
        known = given | {name: x for name, x, _ in trace(graph, given)}
        now = {state.read: known[state.write] for state in graph.states}
    kept.update(now)
    return dict(inputs) | {name: np.concatenate(values) for name, values in before.items()}


def _single(x: Array) -> Array:
    """Return the values in float32, infinite where they are beyond it."""
    with np.errstate(over="ignore"):
        return np.asarray(x, np.float32)


def run(graph: FloatGraph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return the model's outputs, float32 [samples, *shape] each."""
    return {name: x for name, x, _ in trace(graph, inputs) if name in graph.outputs}


def rounded(graph: FloatGraph, name: str, x: Array) -> Array:
    """Return the real values of an activation as its known quantization has them; as they are where it has none."""
    tensor = graph.known.get(name)
    if tensor is None:
        return x
    with np.errstate(invalid="ignore"):  # NaN is found where ranges are
        return tensor.dequantize(tensor.quantize(x))
