"""Parts of a model as the planner weighs them: a layer as a whole, or a chain with some rows per turn.

A part is known by what lies beside the scratch of each of its layers, and by what the layer then costs with as much
scratch as a limit of the arena leaves it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import inf
from typing import NamedTuple

from mcuq import kernels
from mcuq.errors import McuqError, UnsupportedOperatorError
from mcuq.fit.strip_costs import instructions, is_counted
from mcuq.graph import Graph, Node
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Op, Params
from mcuq.ops.pixel_sums import SUM_BYTES
from mcuq.passes.chains import AXIS, Chain, Held, Link, Schedule, links, scheduled, windows
from mcuq.passes.rows import Window, on_rows
from mcuq.plan import Plan
from mcuq.tensor import QTensor, Shape

FIRST_ROWS = (1, 2, 3, 4, 6, 8, 12)  # that the first layer of a chain computes in a turn
MOST_CALLS = 1000  # of a chain: beyond, its code would take more flash than is worth it
SCRATCH = (0, 256, 512, 768, 1024, 1280, 1536, 2048, 3072, 4096)  # bytes that are tried
PER_CHAIN = 5000  # instructions that it must save beside others: few chains are easier to read
PER_CALL = 30  # instructions around a call
PER_BYTE = 0.75  # that is moved
PER_SUM = 6.7  # byte that is added to the sums of a pool


class Option(NamedTuple):
    """Bytes that a layer takes beside its larger buffer, and its instructions then."""

    room: int
    instructions: float


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


@dataclass
class Parts:
    """All parts of a model on a chip; what strips of a layer cost is found once.

    ``inside``: its inputs and outputs lie in the arena. ``only_counted``: no layer is cut whose instructions in strips
    nobody counted. ``matters``: a chain has a layer that needs so many bytes as a whole.
    """

    graph: Graph
    whole: Plan
    inside: bool
    only_counted: bool
    matters: int = 0
    options: dict[tuple[str, int], Sequence[Option] | None] = field(default_factory=dict)

    def every(self) -> Iterator[Part]:
        """Yield every layer as a whole, and every chain with some numbers of rows."""
        steps = {step.name: step.params for step in self.whole.steps}
        lives = self._lives()
        large: list[int] = []
        for i, node in enumerate(self.graph.nodes):
            beside = sum(self.graph.values[v].bytes for v, (made, last) in lives.items() if made < i <= last)
            ends_here = max(
                (self.graph.values[v].bytes for v in node.inputs if v in lives and lives[v][1] == i), default=0
            )
            new = sum(self.graph.values[v].bytes for v in node.outputs if v in lives)
            needs = []
            if node.name in steps:
                needs = [Need(beside + max(0, new - ends_here), self._whole(node, steps[node.name]), 1)]
            part = Part(i, i, None, needs, 0)
            large += [i] if part.least >= self.matters else []
            yield part
        for first in range(len(self.graph.nodes)):
            for last in range(first, len(self.graph.nodes)):
                if self._links(last, last) is None:
                    break
                if last > first and any(first <= i <= last for i in large) and (found := self._links(first, last)):
                    yield from self._chains(first, last, found, lives)

    def _links(self, first: int, last: int) -> list[Link] | None:
        try:
            return links(self.graph, first, last)
        except UnsupportedOperatorError:
            return None

    def _lives(self) -> dict[str, tuple[int, int]]:
        """Return by value in the arena the layer that makes it, -1 for inputs, and the last one that reads it."""
        lives = dict.fromkeys(self.graph.inputs, (-1, 0))
        for i, node in enumerate(self.graph.nodes):
            lives |= dict.fromkeys(node.outputs, (i, i))
            lives |= {name: (lives[name][0], i) for name in node.inputs if name in lives}
        lives |= {name: (lives[name][0], len(self.graph.nodes)) for name in self.graph.outputs}
        outside = () if self.inside else (*self.graph.inputs, *self.graph.outputs)
        return {name: life for name, life in lives.items() if name not in outside}

    def _chains(self, first: int, last: int, found: list[Link], lives: Mapping[str, tuple[int, int]]) -> Iterator[Part]:
        """Yield a chain with several numbers of rows per turn."""
        strides = _strides(found)
        for rows in FIRST_ROWS:
            chain = Chain(first, last, Fraction(rows, strides))
            try:
                schedule = scheduled(found, chain.rows)
            except UnsupportedOperatorError:
                return
            held = windows(found, schedule)
            calls = sum(h.turns for h in held.values())
            if calls > MOST_CALLS or schedule.total[found[0].output] < 2 * schedule.rate[found[0].output]:
                continue
            if needs := self._needs(found, schedule, held, self._beside(chain, found, schedule, lives)):
                yield Part(first, last, chain, needs, self._added(found, held))

    def _beside(self, chain: Chain, found: list[Link], schedule: Schedule, lives: Mapping[str, tuple[int, int]]) -> int:
        """Return the bytes in use during all of a chain beside what its layers hold of the values in between."""
        values, name = self.graph.values, found[-1].output
        before = {v: values[v].bytes for v, (made, end) in lives.items() if made < chain.first <= end}
        if found[-1].pool:
            return sum(before.values()) + SUM_BYTES * values[name].elements
        if name not in lives:
            return sum(before.values())
        shared = [self._shared(found, schedule, v) for v in before if lives[v][1] <= chain.last]
        return sum(before.values()) + values[name].bytes - max(shared, default=0)

    def _shared(self, found: list[Link], schedule: Schedule, value: str) -> int:
        """Return the bytes of a value that the result of a chain, which reads it last, may lie in."""
        readers = [link for link in found if value in link.rowed]
        result = found[-1].output
        x, y = self.graph.values[value].bytes, self.graph.values[result].bytes
        most = -y
        turns = schedule.turns
        for turn in (*turns[:: max(1, len(turns) // 4)], turns[-1]) if readers else ():
            after = schedule.after(turn)
            waiting = [link.needed(after[link.output], 0)[0] for link in readers if after[link.output] < link.total]
            if after[result] and waiting:
                most = max(
                    most, after[result] * self._row_bytes(result) - max(0, min(waiting)) * self._row_bytes(value)
                )
        return x + y - max(x + max(most, 0), y) if readers else 0

    def _added(self, found: list[Link], held: Mapping[str, Held]) -> float:
        """Return what a chain costs beside its layers: rows that move, calls, sums of a pool."""
        moved = sum(PER_BYTE * h.moved * self._row_bytes(y) + PER_CALL * h.turns for y, h in held.items())
        return PER_CHAIN + moved + (PER_SUM * self.graph.values[found[-1].rowed[0]].bytes if found[-1].pool else 0)

    def _needs(self, found: list[Link], schedule: Schedule, held: Mapping[str, Held], beside: int) -> list[Need] | None:
        """Return what every layer of a chain needs; None where one cannot be estimated."""
        kept = sum(h.rows * self._row_bytes(y) for y, h in held.items() if h.stays)
        passing = {y: h.rows * self._row_bytes(y) for y, h in held.items() if not h.stays}
        used = _used(found)
        needs = []
        for i, link in enumerate(found):
            passes = sum(size for y, size in passing.items() if i in used[y])
            if link.pool:
                needs.append(Need(beside + kept + passes, (Option(0, 0),), 1))
                continue
            total = schedule.total[link.output]
            times = held[link.output].turns if link.output in held else float(total / schedule.rate[link.output])
            options = self._strip(link, max(1, round(total / max(times, 1))))
            if options is None:
                return None
            needs.append(Need(beside + kept + passes, options, times))
        return needs

    def _whole(self, node: Node, params: Params) -> Sequence[Option]:
        shapes = [self.graph.tensor(name).shape for name in node.inputs]
        return _options(params, node.op, shapes, self.graph.values[node.outputs[0]].shape)

    def _strip(self, link: Link, rows: int) -> Sequence[Option] | None:
        """Return the options of a layer for some rows of its output in the middle of the image."""
        key = link.node.name, rows
        if key not in self.options:
            self.options[key] = self._lowered(link, rows)
        return self.options[key]

    def _lowered(self, link: Link, rows: int) -> Sequence[Option] | None:
        node, values = link.node, self.graph.values
        low, high = link.needed(0, rows)
        output = _of_rows(values[link.output], rows)
        op = on_rows(node.op, AXIS, output.shape, padding=(0, 0))
        operands = [
            _of_rows(values[name], high - low) if name in link.rowed else self.graph.tensor(name)
            for name in node.inputs
        ]
        try:
            params = kernels.chosen(Layer(op.lowered(operands, output), operands, False), self.whole.families)
        except McuqError:
            return None
        if params.is_view:
            return (Option(0, 0.0),)
        if self.only_counted and not is_counted(params):
            return None
        return _options(params, op, [operand.shape for operand in operands], output.shape)

    def _row_bytes(self, value: str) -> int:
        tensor = self.graph.values[value]
        return tensor.bytes // tensor.shape[AXIS]


def _options(params: Params, op: Op, inputs: Sequence[Shape], output: Shape) -> Sequence[Option]:
    """Return what a kernel costs with more and more scratch."""
    macs = op.macs(*inputs)
    found: list[Option] = []
    tried = SCRATCH if type(params).with_scratch is not Params.with_scratch else (0,)
    for limit in tried:
        given = params.with_scratch(limit)
        cost = instructions(given, macs, inputs[: op.operands], output)
        if not found:
            found.append(Option(given.scratch_bytes, cost))
        elif cost < found[-1].instructions:
            found.append(Option(max(limit, found[-1].room + 1), cost))
    return found


def _of_rows(tensor: QTensor, rows: int) -> QTensor:
    return replace(tensor, shape=(1, rows, *tensor.shape[2:]))


def _strides(found: Sequence[Link]) -> Fraction:
    """Return how many rows of the first layer's output one row of the result stands for."""
    rates = {found[-1].output: Fraction(1)}
    for link in reversed(found[:-1]):
        reader = next(reader for reader in found if link.output in reader.rowed)
        rates[link.output] = rates[reader.output] * (reader.window or Window()).stride
    return rates[found[0].output]


def _used(found: Sequence[Link]) -> dict[str, range]:
    """Return during which layers of a chain each value in between is in use."""
    made = {link.output: i for i, link in enumerate(found)}
    last = {value: i for i, link in enumerate(found) for value in link.rowed}
    return {value: range(made[value], last[value] + 1) for value in made if value in last}
