"""Activations that are one and the same on all samples, and may be: their range is fixed, or a ReLU cuts them to 0."""

from __future__ import annotations

from collections.abc import Mapping

from mcuq.float_graph import FloatGraph
from mcuq.ops.base import Op
from mcuq.ops.clip import Clip
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.quantization.activations import tied_groups
from mcuq.quantization.histogram import Histogram
from mcuq.quantization.scheme import Range

SMALL = 2.0**-7  # of the largest value that goes into a layer: what its output, never seen, may take


def cuts_at_zero(op: Op) -> bool:
    """Whether the operator makes 0 of everything below."""
    return (
        isinstance(op, Relu | Relu6)
        or (isinstance(op, Clip) and op.low == 0)
        or getattr(op, "activation", "none") in ("relu", "relu6")
    )


def stilled(graph: FloatGraph, histograms: Mapping[str, Histogram]) -> set[str]:
    """Return the activations that were constant and may be.

    Those are the outputs of operators that fix the range, and what is tied to them; those that a ReLU cuts to 0; and
    what is computed from such ones alone.

    Args:
        graph: the float model.
        histograms: of its activations.
    """
    makers = {node.outputs[0]: node for node in graph.nodes}
    fixed = {name for name, node in makers.items() if node.op.fixed_output}
    of_fixed_range = {name for members in tied_groups(graph) if fixed.intersection(members) for name in members}
    found: set[str] = set()
    for name, node in makers.items():
        histogram, activations = histograms[name], [n for n in node.inputs if n in graph.shapes]
        cut = histogram.high == 0 and cuts_at_zero(node.op)
        if histogram.is_constant and (name in of_fixed_range or cut or found.issuperset(activations)):
            found.add(name)
    return found


def silent_ranges(graph: FloatGraph, histograms: Mapping[str, Histogram]) -> dict[str, Range]:
    """Return a small range for every stilled activation that is 0, one that its layer's inputs suggest."""
    still, ranges = stilled(graph, histograms), {}
    for node in graph.nodes:
        name = node.outputs[0]
        if name in still and histograms[name].high == 0 and not node.op.fixed_output:
            given = [histograms[n] for n in node.inputs if n in graph.shapes]
            bound = SMALL * (max(max(abs(h.low), abs(h.high)) for h in given) or 1.0)
            ranges[name] = Range(0.0 if cuts_at_zero(node.op) else -bound, bound)
    return ranges
