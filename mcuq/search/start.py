"""Where a search begins that is told how many bytes the weights may take: bits by estimate, with nothing measured.

Every layer's error in fewer bits is estimated by itself (:mod:`mcuq.quantization.mixed`), in one pass over the samples
that calibrate. These estimates order the layers in place of measurements of each layer alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcuq.quantization.calibrate import Progress
from mcuq.quantization.mixed import Rungs, fitting, in_bytes, rungs, widest_bytes
from mcuq.quantization.quantizer import quantize_graph
from mcuq.search.candidate import Candidate
from mcuq.search.formats import WIDEST, Choice
from mcuq.search.ladder import Ladder, Layer, Rung, worth_it
from mcuq.search.task import Task


@dataclass(frozen=True)
class Start:
    """The candidate that is measured first, and what is estimated of the layers."""

    candidate: Candidate
    ladders: tuple[Ladder, ...]


def start_within(
    task: Task, layers: Sequence[Layer], limit: str, formats: Sequence[str], progress: Progress | None = None
) -> Start:
    """Return bits of all layers so that their weights stay within a number of bytes, and what each could have.

    Args:
        task: the calibrated model.
        layers: whose weights can be stored in several formats.
        limit: "50%" of what 8 bits take, "24K" or "24576".
        formats: of weights to choose from; codebooks have no estimate and are not chosen.
        progress: told the number of layers done.

    Raises:
        UsageError: for what is no number of bytes, or with the bytes that the fewest bits take, where these are more.
    """
    quantized = quantize_graph(task.source, task.ranges, task.options.kind)
    found = rungs(task.source, quantized, task.kept, task.options, progress)
    able = {name: _within(own, formats) for name, own in found.items()}
    bits = fitting(able, in_bytes(limit, widest_bytes(quantized, able)))
    ladders = tuple(worth_it(layer.name, _saved(able[layer.name])) for layer in layers)
    return Start(Candidate.of({name: Choice(str(n)) for name, n in bits.items()}), ladders)


def _within(own: Rungs, formats: Sequence[str]) -> Rungs:
    """Return the rungs whose format may be chosen."""
    kept = [i for i, bits in enumerate(own.bits) if str(bits) in formats]
    return Rungs(*(tuple(row[i] for i in kept) for row in (own.bits, own.sizes, own.errors)))  # type: ignore[arg-type]


def _saved(own: Rungs) -> list[Rung]:
    """Return what every number of bits but the largest saves, and its error."""
    each = zip(own.bits, own.sizes, own.errors, strict=True)
    return [Rung(str(bits), own.sizes[-1] - size, error) for bits, size, error in each if str(bits) != WIDEST]
