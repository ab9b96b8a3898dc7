"""Chains: consecutive layers that can be computed in strips of rows, and how many rows of each a turn computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, lcm
from types import MappingProxyType
from typing import NamedTuple

from mcuq.errors import McuqError, UnsupportedOperatorError
from mcuq.graph import Graph, Node
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.mean import Mean
from mcuq.ops.pad import Pad
from mcuq.passes.rows import Pool, Window, along, pool_of

AXIS = 1  # of rows, in every value of a chain


class Chain(NamedTuple):
    """Layers ``first`` to ``last`` of a graph, and the rows of the last one's output that a turn computes.

    A pool over all rows counts those of its input. With a part of a row, 1/4, only every fourth turn computes one.

    Rows that later windows see again stay where the window is, or, ``apart``, in memory of their own: then a window's
    memory serves others too as soon as it was read, for rows that move twice.
    """

    first: int
    last: int
    rows: Fraction
    apart: bool = False


@dataclass(frozen=True)
class Strips:
    """What a graph on strips was made from, for those who place its values.

    ``turns`` holds for its nodes (of chains) the chain and their place in a turn, the same for all strips of a layer.
    ``memory`` holds for values the name of the memory that all strips of a value take turns in.
    ``layers`` holds for nodes the layer that they are a strip of.
    """

    chains: tuple[Chain, ...] = ()
    turns: Mapping[str, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    memory: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    layers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def spans(self) -> tuple[str, ...]:
        """The first and the last layer of every chain."""
        found: dict[int, list[str]] = {}
        for name, (chain, _) in self.turns.items():
            found.setdefault(chain, []).append(self.layers[name])
        return tuple(f"{layers[0]} to {layers[-1]}" for layers in found.values())


WHOLE = Strips()  # a graph without chains


class Link(NamedTuple):
    """A layer of a chain: its operands that have rows, and the window that slides over them; None: row by row.

    ``total`` counts the rows of its output; a pool over all rows takes those of its input one after the other.
    """

    node: Node
    rowed: tuple[str, ...]
    window: Window | None
    total: int
    pool: Pool | None = None

    @property
    def output(self) -> str:
        """The value that it computes."""
        return self.node.outputs[0]

    def needed(self, first: int, end: int) -> tuple[int, int]:
        """Return the rows of its operands that rows of its output see, padding included."""
        return (self.window or Window()).needed(first, end)


def links(graph: Graph, first: int, last: int) -> list[Link]:
    """Return the layers of a chain.

    Raises:
        UnsupportedOperatorError: naming the layer that cannot be computed in strips, or the value that is used outside.
    """
    nodes = graph.nodes[first : last + 1]
    made = {name for node in nodes for name in node.outputs}
    found: list[Link] = []
    for node in nodes:
        try:
            found.append((node is nodes[-1] and _pool(graph, node)) or _link(graph, node, made))
        except McuqError as error:
            raise UnsupportedOperatorError(f"{error}: it cannot be computed in strips of rows").at(node.name) from None
    outside = {name for node in (*graph.nodes[:first], *graph.nodes[last + 1 :]) for name in node.inputs}
    outside |= {*graph.outputs, *(name for state in graph.states for name in (state.read, state.write))}
    result = nodes[-1].outputs[0]
    inside = {name for node in nodes for name in node.inputs}
    if result in inside or (made - {result}) & outside or made - inside != {result}:
        raise UnsupportedOperatorError("its values are used beside the chain").at(nodes[-1].name)
    return found


def _link(graph: Graph, node: Node, made: set[str]) -> Link:
    y = graph.values[node.outputs[0]]
    if len(node.outputs) != 1 or len(y.shape) < 2 or y.shape[0] != 1 or isinstance(node.op, Mean):
        raise UnsupportedOperatorError(f"{node.op.name} has no rows")
    rowed = [name for name in node.inputs if name in made or _has_rows(graph, node, name)]
    found = along(graph, node, dict.fromkeys(rowed, AXIS))
    if found.axis != AXIS or any(graph.tensor(name).shape[0] != 1 for name in rowed):
        raise UnsupportedOperatorError(f"{node.op.name} moves rows")
    rows, window = graph.values[rowed[0]].shape[AXIS], found.window
    if window and not isinstance(node.op, Pad) and _beside(window, rows, y.shape[AXIS]) >= window.reach:
        raise UnsupportedOperatorError(f"{node.op.name} has windows in the padding alone")
    if not window and any(graph.values[name].shape[AXIS] != y.shape[AXIS] for name in rowed):
        raise UnsupportedOperatorError(f"{node.op.name} repeats a row")
    return Link(node, tuple(dict.fromkeys(rowed)), window, y.shape[AXIS])


def _beside(window: Window, rows: int, total: int) -> int:
    """Return the rows beside the image that the first or the last window sees."""
    return max(-window.needed(0, 1)[0], window.needed(0, total)[1] - rows)


def _pool(graph: Graph, node: Node) -> Link | None:
    """Return a pool over all rows as the end of a chain; None for another layer."""
    x, shape = node.inputs[0], graph.tensor(node.inputs[0]).shape
    pool = pool_of(node.op, AXIS, shape, graph.values[node.outputs[0]]) if len(shape) > AXIS + 1 else None
    rows = node.op.window[0] if isinstance(node.op, AveragePool) else shape[AXIS]
    if pool is None or rows != shape[AXIS] or (isinstance(node.op, Mean) and AXIS not in node.op.reduced(shape)):
        return None
    return Link(node, (x,), None, rows, pool)


def _has_rows(graph: Graph, node: Node, name: str) -> bool:
    """Whether an operand from outside the chain is read row by row: no constant, and not one row for all."""
    if name not in graph.values or len(graph.values[name].shape) < 2:
        return False
    return name == node.inputs[0] or graph.values[name].shape[AXIS] == graph.values[node.outputs[0]].shape[AXIS]


class Held(NamedTuple):
    """What a chain holds of a value: rows at most, those that stay for later turns, turns that add rows, rows moved."""

    rows: int
    stay: int
    turns: float
    moved: float


@dataclass(frozen=True)
class Schedule:
    """How many rows of every value are computed after a turn: ``at_zero + turn * rate``, at most ``total``.

    A layer computes what its readers need for their rows of that turn, so that at most as many rows come in a turn
    everywhere as in the middle of the image: near its top the first layers begin, near its bottom the last ones end.
    """

    turns: range
    at_zero: Mapping[str, int]
    rate: Mapping[str, Fraction]
    total: Mapping[str, int]

    def after(self, turn: int) -> dict[str, int]:
        """Return the rows that are computed after a turn."""
        rate = self.rate
        return {
            y: min(max(self.at_zero[y] + turn * rate[y].numerator // rate[y].denominator, 0), rows)
            for y, rows in self.total.items()
        }

    def ends(self) -> list[dict[str, int]]:
        """Return the rows that are computed after every turn, beginning with none."""
        return [self.after(turn) for turn in self.turns]

    def middle(self) -> list[dict[str, int]]:
        """Return the same of the turns in the middle after which all comes again."""
        period = lcm(*(rate.denominator for rate in self.rate.values()))
        start = self.turns[len(self.turns) // 2]
        return [self.after(turn) for turn in range(start, min(start + period, self.turns[-1]) + 1)]


def windows(found: Sequence[Link], schedule: Schedule) -> dict[str, Held]:
    """Return what a chain holds of every value that its layers read, by the turns in the middle of its schedule."""
    held: dict[str, Held] = {}
    middle = schedule.middle()
    for link in found[:-1]:
        y, most, stay, moved, turns = link.output, 0, 0, 0, 0
        readers = [reader for reader in found if y in reader.rowed]
        for before, after in pairwise(middle):
            if after[y] > before[y]:
                first = first_needed(readers, before, before[y])
                most, moved = max(most, after[y] - first), moved + before[y] - first
                stay = max(stay, before[y] - first, after[y] - first_needed(readers, after, after[y]))
                turns += 1
        added = middle[-1][y] - middle[0][y]
        times = schedule.total[y] / max(1, added)
        held[y] = Held(most or schedule.total[y], stay, turns * times if added else 1, moved * times)
    return held


def first_needed(readers: Sequence[Link], before: Mapping[str, int], default: int) -> int:
    """Return the first row of a value that its readers see in what they have not computed yet, or the default."""
    waiting = [(link, before[link.output]) for link in readers if before[link.output] < link.total]
    return min((min(max(0, link.needed(row, row + 1)[0]), default) for link, row in waiting), default=default)


def scheduled(found: Sequence[Link], rows: Fraction) -> Schedule:
    """Return when the rows of a chain are computed, ``rows`` of its result in a turn.

    Raises:
        UnsupportedOperatorError: two readers of a value need its rows at different rates.
    """
    result = found[-1].output
    total = {result: found[-1].total}
    at_zero, rate = {result: 0}, {result: rows}  # rows after the turn that ends with row 0 of the result
    for link in reversed(found[:-1]):
        y = link.output
        readers = [reader for reader in found if y in reader.rowed]
        rates = {rate[reader.output] * (reader.window or Window()).rate for reader in readers}
        if len(rates) > 1:
            raise UnsupportedOperatorError("layers read it at different rates").at(link.node.name)
        rate[y] = rates.pop()
        at_zero[y] = max(_ahead(reader, at_zero[reader.output], rate[reader.output], rate[y]) for reader in readers)
        needed = max(reader.needed(0, total[reader.output])[1] for reader in readers)
        total[y] = min(link.total, needed)
    turns = range(-max(ceil(at_zero[y] / rate[y]) for y in total), ceil(total[result] / rows) + 1)
    return Schedule(turns, at_zero, rate, total)


def _ahead(reader: Link, at_zero: int, rate: Fraction, needed: Fraction) -> int:
    """Return the rows of its operand that a layer needs at row 0 of the result, for all turns to have what they need.

    Args:
        reader: the layer.
        at_zero: rows of its output then.
        rate: of its output.
        needed: rate of its operand: rows that are picked at changing distances come early in some turns.
    """
    period = lcm(rate.denominator, needed.denominator)
    return max(reader.needed(0, at_zero + floor(t * rate))[1] - floor(t * needed) for t in range(period))
