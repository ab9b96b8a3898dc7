"""Parts of a model as the planner weighs them: a layer as a whole, or a chain with some rows per turn.

A part is known by what lies beside the scratch of each of its layers, and by what the layer then costs with as much
scratch as a limit of the arena leaves it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import inf
from typing import NamedTuple

from mcuq.fit.cuts import Cut, Cuts, Option, options_of
from mcuq.graph import Graph, Node
from mcuq.ops.base import Params
from mcuq.ops.pixel_sums import SUM_BYTES
from mcuq.passes.chains import Chain
from mcuq.plan import Plan


class Need(NamedTuple):
    """A layer of a part: bytes in use beside its scratch, its options with more and more of it, how often it runs."""

    beside: int
    options: Sequence[Option]
    times: float


@dataclass(frozen=True)
class Part:
    """Layers ``first`` to ``last`` as a chain, or one as a whole (no chain); ``added`` is what no scratch changes."""

    first: int
    last: int
    chain: Chain | None
    needs: Sequence[Need]
    added: float

    def cost(self, limit: int) -> float:
        """Return the instructions of all of it in an arena of so many bytes; infinite where it does not fit."""
        total = self.added
        for need in self.needs:
            index = bisect_right(need.options, limit - need.beside, key=lambda option: option.room) - 1
            if index < 0:
                return inf
            total += need.times * need.options[index].instructions
        return total

    @cached_property
    def least(self) -> int:
        """The bytes below which it does not fit."""
        return max((need.beside + need.options[0].room for need in self.needs), default=0)


@dataclass(frozen=True)
class Parts:
    """All parts of a model on a chip.

    ``inside``: its inputs and outputs lie in the arena. ``matters``: a chain has a layer that needs so many bytes as
    a whole.
    """

    cuts: Cuts
    whole: Plan
    inside: bool
    matters: int = 0

    @property
    def graph(self) -> Graph:
        """The model."""
        return self.cuts.graph

    def every(self) -> list[Part]:
        """Return every layer as a whole, and every chain with the numbers of rows that take less than its layers."""
        lives = self._lives()
        singles = self._singles(lives)
        chains = self._chains(singles, lives, 0)
        if self.whole.rows_arrive and not any(part.first == 0 for part in chains):  # none saves more than the input
            chains += self._chains(singles, lives, self.graph.values[self.graph.inputs[0]].bytes)
        return singles[1 if self.whole.rows_arrive else 0 :] + chains  # all rows are not to arrive at once

    def _chains(self, singles: Sequence[Part], lives: Mapping[str, tuple[int, int]], beyond: int) -> list[Part]:
        """Return every chain with the numbers of rows that take less than its layers and so many bytes beyond."""
        spans = self.cuts.spans(self._large(singles))
        chains: list[Part] = []
        rows = self.cuts.rows(len(spans))
        for (first, last), apart in product(spans, (False, True)):
            most = max(part.least for part in singles[first : last + 1]) + beyond
            cuts = (self.cuts.cut(first, last, count, apart) for count in rows)
            chains += self._smaller((cut for cut in cuts if cut), lives, most)
        return chains

    def _smaller(self, cuts: Iterable[Cut], lives: Mapping[str, tuple[int, int]], most: int) -> Iterator[Part]:
        """Yield the chains that take less than so many bytes, of those of some layers with more and more rows."""
        for cut in cuts:
            beside = self._beside(cut, lives)
            if beside + max(cut.least) >= most:
                return
            needs = self._needs(cut, beside)
            if needs is None:
                return
            part = Part(cut.chain.first, cut.chain.last, cut.chain, needs, cut.added)
            if part.least < most:
                yield part

    def _large(self, singles: Sequence[Part]) -> list[int]:
        """Return the layers of which a chain must have one."""
        return [p.first for p in singles if p.least >= self.matters or (self.whole.rows_arrive and p.first == 0)]

    def _singles(self, lives: Mapping[str, tuple[int, int]]) -> list[Part]:
        values = self.graph.values
        steps = {step.name: step.params for step in self.whole.steps}
        found = []
        for i, node in enumerate(self.graph.nodes):
            beside = sum(values[v].bytes for v, (made, last) in lives.items() if made < i <= last)
            ends_here = max((values[v].bytes for v in node.inputs if v in lives and lives[v][1] == i), default=0)
            new = sum(values[v].bytes for v in node.outputs if v in lives)
            needs = []
            if node.name in steps:
                needs = [Need(beside + max(0, new - ends_here), self._whole(node, steps[node.name]), 1)]
            found.append(Part(i, i, None, needs, 0))
        return found

    def _lives(self) -> dict[str, tuple[int, int]]:
        """Return by value in the arena the layer that makes it, -1 for inputs, and the last one that reads it."""
        lives = dict.fromkeys(self.graph.inputs, (-1, 0))
        for i, node in enumerate(self.graph.nodes):
            lives |= dict.fromkeys(node.outputs, (i, i))
            lives |= {name: (lives[name][0], i) for name in node.inputs if name in lives}
        lives |= {name: (lives[name][0], len(self.graph.nodes)) for name in self.graph.outputs}
        outside = () if self.inside else (*self.graph.inputs, *self.graph.outputs)
        outside = self.graph.inputs if self.whole.rows_arrive else outside
        return {name: life for name, life in lives.items() if name not in outside}

    def _beside(self, cut: Cut, lives: Mapping[str, tuple[int, int]]) -> int:
        """Return the bytes in use during all of a chain beside what its layers hold of the values in between."""
        values, chain, end = self.graph.values, cut.chain, cut.links[-1]
        before = {v: values[v].bytes for v, (made, last) in lives.items() if made < chain.first <= last}
        if end.pool:
            return sum(before.values()) + SUM_BYTES * values[end.output].elements
        if end.output not in lives:
            return sum(before.values())
        shared = [self._shared(cut, v) for v in before if lives[v][1] <= chain.last]
        return sum(before.values()) + values[end.output].bytes - max(shared, default=0)

    def _shared(self, cut: Cut, value: str) -> int:
        """Return the bytes of a value that the result of a chain, which reads it last, may lie in."""
        schedule, result = cut.schedule, cut.links[-1].output
        readers = [link for link in cut.links if value in link.rowed]
        x, y = self.graph.values[value].bytes, self.graph.values[result].bytes
        most = -y
        turns = schedule.turns
        for turn in (*turns[:: max(1, len(turns) // 4)], turns[-1]) if readers else ():
            before, after = schedule.after(turn - 1), schedule.after(turn)
            done = [(link, (before if link.output == result else after)[link.output]) for link in readers]
            waiting = [link.needed(row, 0)[0] for link, row in done if row < link.total]
            if after[result] and waiting:
                read = max(0, min(waiting)) * self.cuts.row_bytes(value)
                most = max(most, after[result] * self.cuts.row_bytes(result) - read)
        return x + y - max(x + max(most, 0), y) if readers else 0

    def _needs(self, cut: Cut, beside: int) -> list[Need] | None:
        """Return what every layer of a chain needs; None where one cannot be estimated."""
        needs = []
        for link, least, shared in zip(cut.links, cut.least, cut.shared, strict=True):
            options = self.cuts.options(cut, link)
            if options is None:
                return None
            if shared:
                options = [option._replace(room=shared.room(option)) for option in options]
            needs.append(Need(beside + least, options, 1 if link.pool else cut.calls(link)))
        return needs

    def _whole(self, node: Node, params: Params) -> Sequence[Option]:
        shapes = [self.graph.tensor(name).shape for name in node.inputs]
        return options_of(params, node.op, shapes, self.graph.values[node.outputs[0]].shape)
