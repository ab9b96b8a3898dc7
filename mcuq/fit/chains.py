"""Which layers of a model are computed in strips of rows: the least memory for a few more instructions.

Every run of layers that can be a chain, at several numbers of rows per turn, gets an estimate of the memory in use
meanwhile and of the instructions that it adds; the best way through the model is exact for these estimates. What is
found is planned for real, and taken only where it needs less memory in all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from mcuq.errors import DoesNotFitError, UnsupportedOperatorError
from mcuq.graph import Graph
from mcuq.ops.pixel_sums import SUM_BYTES
from mcuq.passes.chains import AXIS, Chain, Link, ends, links, windows
from mcuq.passes.rows import Window
from mcuq.passes.strips import in_strips
from mcuq.plan import Plan
from mcuq.plan.builder import build_plan
from mcuq.target.setup import Setup

FIRST_ROWS = (1, 2, 3, 4, 6, 8, 12)  # that the first layer of a chain computes in a turn
MOST_CALLS = 1000  # of a chain: beyond, its code would take more flash than is worth it
ATTEMPTS = 5


class Cost(NamedTuple):
    """Instructions of a layer per multiplication and per output, and of one more call of it per output channel."""

    mac: float
    output: float
    call: float


# Counted on the emulated chips: DS-CNN layer by layer, as a whole and in strips of two rows (2026-11).
COSTS = {"mac16": Cost(1.4, 22, 160), "lanes": Cost(2.5, 22, 47)}
PER_BYTE = 1  # that is moved


class Part(NamedTuple):
    """A chain, or one layer as a whole (no chain): layers, most bytes in use, instructions that it adds."""

    first: int
    last: int
    chain: Chain | None
    bytes: int
    added: float


def planned(graph: Graph, families: tuple[str, ...], setup: Setup) -> Plan:
    """Lower a model, in strips of rows as far as the setup asks for it.

    Raises:
        DoesNotFitError: the setup says how much memory there is, and the model needs more.
    """
    whole = build_plan(graph, families, setup.io_in_arena)
    if not setup.slower and (not setup.ram or needed(whole) <= setup.ram):
        return whole
    cost = next((COSTS[family] for family in families if family in COSTS), COSTS["lanes"])
    parts = list(possible_parts(graph, whole, cost))
    most = setup.slower / 100 * sum(_instructions(graph, cost)) if setup.slower else math.inf
    best = whole
    for chains in _ways(parts, len(graph.nodes), most, setup.ram):
        strips, made = in_strips(graph, chains)
        plan = build_plan(strips, families, setup.io_in_arena, strips=made)
        if needed(plan) < needed(best):
            best = plan
        if setup.ram and needed(best) <= setup.ram:
            break
    if setup.ram and needed(best) > setup.ram:
        raise DoesNotFitError(_shortfall(best, setup.ram))
    return best


def needed(plan: Plan) -> int:
    """Return the bytes of arena, state, input and output together."""
    return plan.total_bytes + plan.state_bytes


def _shortfall(plan: Plan, ram: int) -> str:
    held = [sum(b.bytes for b in plan.buffers.values() if b.first <= i <= b.last and b.region != "flash")
            for i in range(len(plan.steps))]  # fmt: skip
    step = plan.steps[held.index(max(held))].name
    layer = plan.strips.layers.get(step, step)
    return f"{plan.graph.name} needs at least {needed(plan):,} bytes of RAM, of {ram:,}; layer {layer} decides"


def _ways(parts: Sequence[Part], layers: int, most: float, ram: int) -> Iterator[list[Chain]]:
    """Yield chains that add at most so many instructions, each time of less memory at its peak.

    Without an amount of RAM: the least memory first, and a little more, for estimates are no plans.
    """
    limits = sorted({part.bytes for part in parts})
    low, high = 0, len(limits) - 1
    while low < high:  # the smallest limit with which there is a way
        middle = (low + high) // 2
        found = _cheapest(parts, layers, limits[middle])[0]
        low, high = (low, middle) if math.isfinite(found) and found <= most else (middle + 1, high)
    index = sum(limit <= ram for limit in limits) - 1 if ram else low
    step = -1 if ram else 1
    seen: list[list[Chain]] = []
    for limit in limits[max(index, low) :: step] if ram else limits[low:]:
        added, chains = _cheapest(parts, layers, limit)
        if added <= most and chains and chains not in seen:
            seen.append(chains)
            yield chains
        if len(seen) == ATTEMPTS:
            break
    added, chains = _cheapest(parts, layers, limits[low])
    if added <= most and chains and chains not in seen:
        yield chains


def _cheapest(parts: Sequence[Part], layers: int, most_bytes: int) -> tuple[float, list[Chain]]:
    """Return the fewest instructions added, and the chains, of a way through all layers within some bytes."""
    nothing: list[Chain] = []
    best = [(0.0, nothing), *[(math.inf, nothing)] * layers]
    for part in sorted(parts, key=lambda part: part.last):
        before, chains = best[part.first]
        if part.bytes <= most_bytes and before + part.added < best[part.last + 1][0]:
            best[part.last + 1] = before + part.added, [*chains, part.chain] if part.chain else chains
    return best[layers]


def possible_parts(graph: Graph, whole: Plan, cost: Cost) -> Iterator[Part]:
    """Yield every layer as a whole, and every chain with some numbers of rows."""
    scratch = {step.name: step.params.with_scratch(0).scratch_bytes for step in whole.steps}
    lives = _lives(graph)
    for i, node in enumerate(graph.nodes):
        beside = sum(graph.values[v].bytes for v, (made, last) in lives.items() if made < i <= last)
        ends_here = max((graph.values[v].bytes for v in node.inputs if v in lives and lives[v][1] == i), default=0)
        new = sum(graph.values[v].bytes for v in node.outputs)
        yield Part(i, i, None, beside + max(0, new - ends_here) + scratch.get(node.name, 0), 0)
    for first in range(len(graph.nodes)):
        for last in range(first, len(graph.nodes)):
            if not _is_chain(graph, last, last):
                break
            if last > first and _is_chain(graph, first, last):
                beside = sum(graph.values[v].bytes for v, (made, end) in lives.items() if made < first <= end)
                yield from _chains(graph, (first, last), beside, scratch, cost)


def _is_chain(graph: Graph, first: int, last: int) -> bool:
    try:
        links(graph, first, last)
    except UnsupportedOperatorError:
        return False
    return True


def _lives(graph: Graph) -> dict[str, tuple[int, int]]:
    """Return for every value the layer that makes it, -1 for inputs, and the last one that reads it."""
    lives = dict.fromkeys(graph.inputs, (-1, 0))
    for i, node in enumerate(graph.nodes):
        lives |= dict.fromkeys(node.outputs, (i, i))
        lives |= {name: (lives[name][0], i) for name in node.inputs if name in lives}
    return lives | {name: (lives[name][0], len(graph.nodes)) for name in graph.outputs}


def _chains(
    graph: Graph, layers: tuple[int, int], beside: int, scratch: Mapping[str, int], cost: Cost
) -> Iterator[Part]:
    """Yield a chain with several numbers of rows per turn; ``beside``: bytes in use during all of it."""
    first, last = layers
    found = links(graph, first, last)
    strides = _strides(found)
    result = graph.values[found[-1].output]
    beside += SUM_BYTES * result.elements if found[-1].pool else result.bytes
    for rows in FIRST_ROWS:
        chain = Chain(first, last, Fraction(rows, strides))
        try:
            schedule = ends(found, chain.rows)
        except UnsupportedOperatorError:
            return
        held = windows(found, schedule)
        calls = sum(h.turns for h in held.values())
        if calls > MOST_CALLS or max(h.turns for h in held.values()) < 2:
            continue
        size = {y: _row_bytes(graph, y) for y in held}
        kept = sum(h.rows * size[y] for y, h in held.items() if h.stays)
        passing = [y for y, h in held.items() if not h.stays]
        peak = max(
            sum(held[y].rows * size[y] for y in passing if _passes(found, i, y)) + scratch.get(link.node.name, 0)
            for i, link in enumerate(found)
        )
        added = sum(
            (h.turns - 1) * cost.call * graph.values[y].shape[-1] + PER_BYTE * h.moved * size[y]
            for y, h in held.items()
        )
        yield Part(first, last, chain, beside + kept + peak, added)


def _strides(found: Sequence[Link]) -> Fraction:
    """Return how many rows of the first layer's output one row of the result stands for."""
    rates = {found[-1].output: Fraction(1)}
    for link in reversed(found[:-1]):
        reader = next(reader for reader in found if link.output in reader.rowed)
        rates[link.output] = rates[reader.output] * (reader.window or Window()).stride
    return rates[found[0].output]


def _passes(found: Sequence[Link], index: int, value: str) -> bool:
    """Whether a value that no turn keeps is in use while a layer is computed."""
    made = next(i for i, link in enumerate(found) if link.output == value)
    return made <= index <= max(i for i, link in enumerate(found) if value in link.rowed)


def _row_bytes(graph: Graph, value: str) -> int:
    tensor = graph.values[value]
    return tensor.bytes // tensor.shape[AXIS]


def _instructions(graph: Graph, cost: Cost) -> Iterator[float]:
    """Yield an estimate of what every layer takes."""
    for node in graph.nodes:
        shapes = [graph.tensor(name).shape for name in node.inputs]
        outputs = sum(graph.values[name].elements for name in node.outputs)
        yield cost.mac * node.op.macs(*shapes) + cost.output * outputs
