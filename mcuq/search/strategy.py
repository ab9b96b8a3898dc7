"""Which candidates are measured, and which is taken: a function of their measurements alone.

Every round's candidates are known before any of them is measured, so that who measures them, in what order and how
many at a time makes no difference.

1. *network*: one format for all layers.
2. *layers*: every layer alone in every format, the others in 8 bits: what it saves and what noise it makes.
3. *raise*: from the fewest bits up, layers are raised in the order of noise by the byte, until one is good enough.
4. *lower*: single layers of what is good enough are lowered, one in a round: that which saves most flash for the
   samples that it loses. What was not good enough in one round is not tried again in a later one.
5. *channels*: the same with a part of the channels of layers that could not be lowered as a whole.

With a *start*, bits by estimate within a number of bytes, the first two stages fall away: it is raised until it is good
enough, and then lowered, in the order of what was estimated of the layers.

Taken is, of all that is good enough, what needs the least flash: weights as they are stored, and the kernels that read
them, of which some have more code than few layers save.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mcuq.search.candidate import Candidate, Measurement
from mcuq.search.formats import WIDEST, Choice
from mcuq.search.ladder import Ladder, Layer, climb, ladder
from mcuq.search.start import Start

AT_ONCE = 8  # candidates of the climb; a number of its own, not that of the workers
PARTS = (3, 2, 1)  # quarters of the channels that are lowered
GRAIN = 4  # channels: kernels take so many at a time

Measure = Callable[[str, Sequence[Candidate]], list[Measurement]]  # stage, candidates
Move = tuple[str, Choice]  # a layer, and what becomes of it


@dataclass(frozen=True)
class Limits:
    """What is good enough: no problem on the board, and few samples lost.

    Attributes:
        widest: the measurement that losses count from, of 8 bits throughout.
        lost: samples that may be.
        margin: standard errors that a loss must stay below that; whoever searches among many finds a lucky one.
    """

    widest: Measurement
    lost: float
    margin: float = 0.0

    def allow(self, m: Measurement) -> bool:
        """Whether a candidate may be taken."""
        lost = self.widest.hits - m.hits + self.margin * m.doubt(self.widest)
        return not m.problem and lost <= self.lost + 1e-9


@dataclass(frozen=True)
class Found:
    """The outcome: everything measured, in order, and what to take; None if nothing is good enough."""

    measured: Mapping[Candidate, Measurement]
    best: Candidate | None


class Search:
    """The measurements so far, and the stages over them."""

    def __init__(
        self,
        layers: Sequence[Layer],
        formats: Sequence[str],
        limits: Limits,
        measure: Measure,
        start: Start | None = None,
    ) -> None:
        self.layers, self.limits, self._measure, self.start = layers, limits, measure, start
        self.narrow = [name for name in formats if name != WIDEST]
        self.measured: dict[Candidate, Measurement] = {}

    def run(self) -> Found:
        """Go through all stages."""
        if self.start:
            self._all("network", [Candidate(), self.start.candidate])
            ladders = list(self.start.ladders)
        else:
            self._all("network", [Candidate(), *(self._alike(name) for name in self.narrow)])
            ladders = self._ladders()
        if not (self.start and self.limits.allow(self.measured[self.start.candidate])):
            self._climb(climb(ladders, self.start.candidate if self.start else None))
        if (state := self._best()) is not None:
            state = self._lower("lower", state, lambda state: lowered_layers(state, ladders))
            self._lower("channels", state, lambda state: lowered_channels(state, ladders, self.layers))
        return Found(self.measured, self._best())

    def _alike(self, name: str) -> Candidate:
        return Candidate.of({layer.name: Choice(name) for layer in self.layers})

    def _all(self, stage: str, candidates: Sequence[Candidate]) -> list[Measurement]:
        new = [candidate for candidate in dict.fromkeys(candidates) if candidate not in self.measured]
        self.measured |= dict(zip(new, self._measure(stage, new), strict=True))
        return [self.measured[candidate] for candidate in candidates]

    def _ladders(self) -> list[Ladder]:
        alone = {(layer.name, f): Candidate.of({layer.name: Choice(f)}) for layer in self.layers for f in self.narrow}
        self._all("layers", list(alone.values()))
        widest = self.measured[Candidate()]
        return [
            ladder(layer.name, {f: self.measured[alone[layer.name, f]] for f in self.narrow}, widest)
            for layer in self.layers
        ]

    def _climb(self, path: Sequence[Candidate]) -> None:
        for start in range(0, len(path), AT_ONCE):
            if any(self.limits.allow(m) for m in self._all("raise", path[start : start + AT_ONCE])):
                return

    def _best(self) -> Candidate | None:
        """Return the least flash that is good enough; of equal ones the best."""
        allowed = [candidate for candidate, m in self.measured.items() if self.limits.allow(m)]
        return min(allowed, key=lambda candidate: order(self.measured[candidate]), default=None)

    def _lower(self, stage: str, state: Candidate, moves: Callable[[Candidate], Iterable[Move]]) -> Candidate:
        """Take the best move of each round until there is none."""
        refused: set[Move] = set()
        while tried := [move for move in moves(state) if move not in refused]:
            now = self.measured[state]
            results = self._all(stage, [state.having(*move) for move in tried])
            good = [i for i, m in enumerate(results) if self.limits.allow(m) and m.flash < now.flash]
            refused.update(move for i, move in enumerate(tried) if i not in good)
            if not good:
                break
            state = state.having(*tried[max(good, key=lambda i: (*worth(now, results[i]), -i))])
        return state


def order(m: Measurement) -> tuple[int, int, int, float]:
    """Return what to sort by: less flash first, then fewer weights, more hits, less noise."""
    return m.flash, m.weights, -m.hits, m.noise


def worth(now: Measurement, then: Measurement) -> tuple[float, int, float]:
    """Return how good a move is: flash saved by the sample lost, then hits, then little noise.

    Fewer than one sample cannot be lost: a move that loses none, or wins some, counts as if it lost one.
    """
    return (now.flash - then.flash) / max(now.hits - then.hits, 1), then.hits, -then.noise


def lowered_layers(state: Candidate, ladders: Sequence[Ladder]) -> Iterable[Move]:
    """Yield every layer with every format of fewer bytes."""
    for own in ladders:
        choice = state.choice(own.layer)
        if not choice.first:
            for name in own.below(choice.format):
                yield own.layer, Choice(name)


def lowered_channels(state: Candidate, ladders: Sequence[Ladder], layers: Sequence[Layer]) -> Iterable[Move]:
    """Yield every layer that is whole with the first or the last channels in the next format of fewer bytes."""
    for own, layer in zip(ladders, layers, strict=True):
        choice = state.choice(own.layer)
        if choice.first or not layer.splittable:
            continue
        for name in own.below(choice.format)[:1]:
            for few in parts_of(layer.channels):
                yield own.layer, Choice(name, few, choice.format)
                yield own.layer, Choice(choice.format, layer.channels - few, name)


def parts_of(channels: int) -> list[int]:
    """Return how many of so many channels may be lowered, most first.

    >>> parts_of(64), parts_of(10), parts_of(4)
    ([48, 32, 16], [4], [])
    """
    sizes = (channels * quarters // 4 // GRAIN * GRAIN for quarters in PARTS)
    return [size for size in dict.fromkeys(sizes) if size]
