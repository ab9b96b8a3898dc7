"""Sensitivity: what one layer's formats save and cost, and the order in which to raise layers by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mcuq.search.candidate import Candidate, Measurement
from mcuq.search.formats import WIDEST, Choice


class Layer(NamedTuple):
    """A layer whose weights can be stored in several formats."""

    name: str
    channels: int  # of its output
    splittable: bool


class Rung(NamedTuple):
    """A format of a layer, all others having 8 bits."""

    format: str
    saved: int  # bytes
    noise: float  # more than with 8 bits


@dataclass(frozen=True)
class Ladder:
    """The formats of a layer that are worth it, from the fewest bytes up to 8 bits: each has less noise than the last.

    ``others`` are formats that are not worth it, in which a layer can be when all layers are alike.

    >>> own = Ladder("conv", (Rung("2", 60, 0.5), Rung("4", 40, 0.1), Rung("8", 0, 0.0)), (Rung("cb4", 58, 0.6),))
    >>> own.below("8"), own.below("cb4")
    (('4', '2'), ('2',))
    """

    layer: str
    rungs: tuple[Rung, ...]
    others: tuple[Rung, ...] = ()

    def below(self, format_: str) -> tuple[str, ...]:
        """Return the formats of fewer bytes, the nearest first."""
        (own,) = (rung for rung in (*self.rungs, *self.others) if rung.format == format_)
        return tuple(rung.format for rung in reversed(self.rungs) if rung.saved > own.saved)

    def index(self, format_: str) -> int:
        """Return which rung is of a format; one that is not worth it counts as the next that saves less."""
        (own,) = (rung for rung in (*self.rungs, *self.others) if rung.format == format_)
        return next(i for i, rung in enumerate(self.rungs) if rung.saved <= own.saved)


def ladder(layer: str, measured: Mapping[str, Measurement], widest: Measurement) -> Ladder:
    """Return a layer's ladder.

    Args:
        layer: its name.
        measured: by format, with that layer in it and all others in 8 bits.
        widest: with all layers in 8 bits.
    """
    rungs = [
        Rung(format_, widest.weights - m.weights, max(m.noise - widest.noise, 0.0))
        for format_, m in measured.items()
        if m.weights
    ]
    return worth_it(layer, rungs)


def worth_it(layer: str, rungs: Sequence[Rung]) -> Ladder:
    """Return a layer's ladder of what is known of its formats beside 8 bits."""
    kept: list[Rung] = [Rung(WIDEST, 0, 0.0)]
    for saved in sorted({rung.saved for rung in rungs if rung.saved > 0}):
        best = min((rung for rung in rungs if rung.saved == saved), key=lambda rung: rung.noise)
        while len(kept) > 1 and kept[-1].noise >= best.noise:
            kept.pop()
        kept.append(best)
    return Ladder(layer, tuple(reversed(kept)), tuple(rung for rung in rungs if rung not in kept))


def climb(ladders: Sequence[Ladder], start: Candidate | None = None) -> list[Candidate]:
    """Return candidates upward from a start, or the fewest bytes: each raises what loses most noise by the byte."""
    at = [0 if start is None else own.index(start.choice(own.layer).format) for own in ladders]
    path = [_candidate(ladders, at)]
    while steps := [step for i, own in enumerate(ladders) for step in _raises(i, own.rungs, at[i])]:
        _, i, j = max(steps, key=lambda step: (step[0], -step[1], -step[2]))
        at[i] = j
        path.append(_candidate(ladders, at))
    return path


def _raises(layer: int, rungs: Sequence[Rung], at: int) -> list[tuple[float, int, int]]:
    """Return, for every rung above one: noise lost by the byte, the layer's index, the rung's."""
    low = rungs[at]
    return [((low.noise - rungs[j].noise) / (low.saved - rungs[j].saved), layer, j) for j in range(at + 1, len(rungs))]


def _candidate(ladders: Sequence[Ladder], at: Sequence[int]) -> Candidate:
    return Candidate.of({own.layer: Choice(own.rungs[i].format) for own, i in zip(ladders, at, strict=True)})
