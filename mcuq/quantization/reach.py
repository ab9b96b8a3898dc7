"""How far exponentials go in samples that were not seen.

Clipping is cheap where few values lie outside a range and none lies far outside. Beyond an exponential neither holds:
of a normal number's exponentials the largest of some thousands has more power than the next hundred together, and one
value beyond the range costs more than all others' rounding. The range is what more samples would need: where
values exceed a threshold by an exponentially distributed excess, ten times as many reach ``mean excess * ln 10``
further (J. Pickands, "Statistical inference using extreme order statistics", Ann. Statist. 3(1), 1975, with shape 0,
the limit of all tails of a normal kind). It is no wider than leaves every result ``ROOM`` above the rounding.

There is a limit to what any range can do. Over all normal numbers x, 8 bits hold exp(x) at 27.1 dB at most, with the
range from 0 to exp(4.42): more range costs steps, less costs the tail.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.ops.exp import Exp
from mcuq.quantization.histogram import Histogram
from mcuq.quantization.scheme import SMALLEST, Range

LARGEST = 0.01  # share of the values that tell how the tail falls
MORE = 10  # times as many values as were seen
ROOM = 31.5  # dB, of the results' power over the rounding's
FARTHEST = 88.0  # that float32 holds the exponential of


def reaching(graph: FloatGraph) -> set[str]:
    """Return the activations whose ranges reach further than any of the samples: no samples can choose those."""
    return {name for node in graph.nodes if isinstance(node.op, Exp) for name in (node.inputs[0], node.outputs[0])}


def reach(histogram: Histogram) -> float:
    """Return what is exceeded once in ``MORE`` times as many values, at least the largest seen."""
    counts, centers = histogram.counts, np.minimum(histogram.centers, histogram.high)
    above = np.cumsum(counts[::-1])[::-1]
    tail = above <= max(LARGEST * histogram.samples, 1)
    if not tail.any() or not counts[tail].any():
        return histogram.high
    threshold, number = float(centers[tail][0]), int(counts[tail].sum())
    excess = float(np.sum(counts[tail] * (centers[tail] - threshold))) / number
    return max(histogram.high, threshold + excess * math.log(number * MORE))


def widest(histogram: Histogram, steps: int) -> float:
    """Return the range's width whose steps still leave ``ROOM`` for the rounding, taken as uniform in a step."""
    power = float(np.sum(histogram.counts * histogram.centers**2)) / histogram.samples
    return max(steps * math.sqrt(12 * power / 10 ** (ROOM / 10)), SMALLEST)


def exponentials(
    graph: FloatGraph, histograms: Mapping[str, Histogram], ranges: Mapping[str, Range], steps: Mapping[str, int]
) -> Iterator[tuple[str, Range]]:
    """Yield the ranges of the operands and the results of exponentials, wide enough for samples that were not seen.

    Args:
        graph: the float model.
        histograms: of its activations.
        ranges: of those that are not known, by what was seen.
        steps: between the smallest and the largest integer of the activations that may have another range.
    """
    for node in graph.nodes:
        operand, result = node.inputs[0], node.outputs[0]
        if isinstance(node.op, Exp) and {operand, result} <= ranges.keys() & steps.keys():
            most = widest(histograms[result], steps[result])
            high = min(reach(histograms[operand]), math.log(most), FARTHEST)
            yield operand, ranges[operand].union(Range(high, high))
            yield result, ranges[result].union(Range(math.exp(high), math.exp(high)))
