"""Sums and concatenations of values that differ much in range: what int8 cannot hold of the smaller ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from mcuq.graph import Node
from mcuq.ops.add import Add
from mcuq.ops.concatenation import Concatenation
from mcuq.quantization.calibrate import Calibration

APART = 16.0  # times as large: four bits less for the smaller one
BITS = 8


def apart(node: Node, spans: Mapping[str, float]) -> str:
    """Say what is lost where a layer joins values of which one is far smaller than another; else nothing.

    Args:
        node: of any operator.
        spans: the largest magnitude of every value that is known.
    """
    if not isinstance(node.op, Add | Concatenation):
        return ""
    joined = {name: spans[name] for name in node.inputs if name in spans}
    small, large = (choose(joined, key=joined.__getitem__, default="") for choose in (min, max))
    if not small or not 0 < joined[small] * APART < joined[large]:
        return ""
    bits = min(math.log2(joined[large] / joined[small]), BITS)
    return (
        f"{node.name}: {small} reaches {joined[small]:.3g}, {large} {joined[large]:.3g}; in the steps of the "
        f"larger one the smaller loses {bits:.0f} of its {BITS} bits: activations of 16 bits would help here"
    )


def joined_apart(calibration: Calibration) -> Iterator[str]:
    """Yield a line, if any layer of a calibrated model joins such values: of the first, and how many others do."""
    spans = {name: max(-seen.low, seen.high) for name, seen in calibration.histograms.items()}
    found = [line for node in calibration.graph.nodes if (line := apart(node, spans))]
    if found:
        others = f" (and in {len(found) - 1} more; mcuq evaluate says which)" if found[1:] else ""
        yield f"{found[0]}{others}"
