"""What values a model's integers take: weights as they are stored, activations on samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mcuq.graph import Graph
from mcuq.plan.builder import build_plan
from mcuq.simulator import trace
from mcuq.tensor import Array, QConstant, QTensor

BINS = 64
SAMPLES = 32  # whose activations are counted


@dataclass(frozen=True)
class Histogram:
    """How often integers occur.

    Attributes:
        counts: of equal ranges of integers, from the smallest that can occur to the largest.
        low, high: real values of the smallest and largest integer that can occur; of several scales, the widest.
        first, last: of the smallest and largest that does occur.
        at_low, at_high: shares of the smallest and largest integer that can occur.
    """

    counts: tuple[int, ...]
    low: float
    high: float
    first: float
    last: float
    at_low: float
    at_high: float


@dataclass(frozen=True)
class Values:
    """What a layer's weights and outputs are; None where it has none, or no samples were given."""

    name: str
    op: str
    weights: Histogram | None
    bits: int | None
    outputs: Histogram | None


def values(graph: Graph, inputs: Mapping[str, Array] | None) -> tuple[Values, ...]:
    """Return the values of all layers.

    Args:
        graph: a quantized model.
        inputs: integers [samples, *shape] per model input; None: no activations are known.
    """
    outputs = dict(_activations(graph, inputs)) if inputs else {}
    found = []
    for node in graph.nodes:
        constants = [graph.constants[name] for name in node.inputs[1:2] if name in graph.constants]
        weights = constants[0] if constants and node.op.weights_axis is not None else None
        shown = _of_weights(weights) if weights else None
        bits = weights.bits if weights else None
        found.append(Values(node.name, node.op.name, shown, bits, outputs.get(node.outputs[0])))
    return tuple(v for v in found if v.weights or v.outputs)


def _activations(graph: Graph, inputs: Mapping[str, Array]) -> Iterator[tuple[str, Histogram]]:
    """Yield a histogram per value that a step computes; of a model with states the first sample after a reset."""
    samples = {name: x[: 1 if graph.states else SAMPLES] for name, x in inputs.items()}
    for step, raw in trace(build_plan(graph), samples):
        tensor = graph.values.get(step.outputs[0])
        if tensor and tensor.dtype != "int16":
            yield step.outputs[0], _of_outputs(tensor, raw.view(tensor.dtype))


def _of_outputs(tensor: QTensor, integers: Array) -> Histogram:
    low, high = tensor.limits
    ends = (tensor.scale * (q - tensor.zero_point) for q in (low, high, int(integers.min()), int(integers.max())))
    least, most, first, last = ends
    return Histogram(_counts(integers, low, high), least, most, first, last, *_at(integers, low, high))


def _of_weights(weights: QConstant) -> Histogram:
    integers, real = weights.values, weights.real()
    least = -1 if weights.bits == 1 else -(1 << (weights.bits - 1))
    low, high = (-1, 1) if weights.bits == 1 else (least, -least - 1)
    widest = float(weights.scale.max())
    ends = (widest * (low - weights.zero_point), widest * (high - weights.zero_point))
    symmetric = -high if int(integers.min()) >= -high else low  # the lowest integer that the scheme uses
    return Histogram(
        _counts(integers, low, high), *ends, float(real.min()), float(real.max()), *_at(integers, symmetric, high)
    )


def _at(integers: Array, low: int, high: int) -> tuple[float, float]:
    return float(np.mean(integers == low)), float(np.mean(integers == high))


def _counts(integers: Array, low: int, high: int) -> tuple[int, ...]:
    """Return how many integers there are in each of at most ``BINS`` equal parts of low..high."""
    counts = np.bincount(np.clip(integers.astype(np.int64).ravel() - low, 0, high - low), minlength=high - low + 1)
    parts = min(BINS, high - low + 1)
    edges = [k * len(counts) // parts for k in range(parts + 1)]
    return tuple(int(counts[a:b].sum()) for a, b in pairwise(edges))
