"""Which layers of a model are computed in strips of rows, and in what room: the least memory for a few instructions.

Every run of layers that can be a chain, at several numbers of rows per turn, gets an estimate of the memory in use
meanwhile and of its instructions, which the scratch that the memory leaves decides too; the best way through the model
is exact for these estimates. What is found is planned for real, and taken only where it needs less memory in all and
its kernels as planned stay within the limit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mcuq.errors import DoesNotFitError, UnsupportedOperatorError
from mcuq.fit.cuts import Cuts
from mcuq.fit.parts import Part, Parts
from mcuq.fit.rereads import burden, expected
from mcuq.fit.strip_costs import instructions_of
from mcuq.graph import Graph
from mcuq.passes.arrivals import with_arrivals
from mcuq.passes.chains import Chain
from mcuq.passes.strips import in_strips
from mcuq.plan import Plan
from mcuq.plan.arrivals import PROGRESS_BYTES
from mcuq.plan.builder import build_plan
from mcuq.target.setup import Setup

STEPS = 64  # sizes of the arena that are tried between the least and that of the plan without chains
ATTEMPTS = 8  # that are planned for real
MORE = 1.04  # times the memory that is tried where that was too little for the time
TRIES = 3  # of the same chains
NEARLY = 1.02  # times the least memory: where so little decides, the time does
AS_FAST = 1.005  # times the least time: no estimate is nearer
SLOWEST = 2.5  # times the time without chains, by what is known before a board is: no default takes longer
OF_LIMIT = 0.98  # of the instructions allowed that an estimate may take: it is off by a little
OF_ARENA = 1 / 3  # that a layer needs as a whole for it to be worth a chain
OF_LEAST = 1 / 8  # the same, where the least memory counts
WORTH = 1024  # bytes that chains must save, as long as nobody asked for an amount: less is not worth their code


@dataclass(frozen=True)
class Found:
    """Chains that were found, the arena they are made for, whether inputs and outputs lie in it, instructions."""

    arena: int
    inside: bool
    chains: Sequence[Chain]
    instructions: float

    def total(self, graph: Graph) -> int:
        """Return the bytes of arena, inputs and outputs."""
        return self.arena + (0 if self.inside else _border(graph))


def planned(graph: Graph, families: tuple[str, ...], setup: Setup) -> Plan:
    """Lower a model, in strips of rows as far as the setup asks for it.

    Raises:
        DoesNotFitError: the setup says how much memory there is, and the model needs more.
        UnsupportedOperatorError: rows shall come from outside, and no chain takes them in.
    """
    if setup.push_rows:
        return _pushed(with_arrivals(graph), families, setup)
    whole = build_plan(graph, families, setup.io_in_arena)
    if (not setup.ram and (not setup.percent or needed(whole) <= WORTH)) or 0 < needed(whole) <= setup.ram:
        return whole
    if setup.ram:
        return within(graph, whole, every_way(graph, whole, setup.io_in_arena), setup.ram)
    most = instructions_of(whole) * (1 + OF_LIMIT * setup.percent / 100)
    cuts = Cuts(graph, whole.families, only_counted=True)
    parts = [Parts(cuts, whole, inside, int(OF_ARENA * whole.arena_bytes)) for inside in _places(setup.io_in_arena)]
    longest = SLOWEST * burden(whole)
    ways = [way for part in parts for way in _ways(part, most, longest)]
    return _cheap(graph, whole, [w for w in ways if expected(whole, cuts, w.chains, w.instructions) <= longest], most)


def _pushed(graph: Graph, families: tuple[str, ...], setup: Setup) -> Plan:
    """Return the plan of a model whose input arrives in rows: a chain takes them in, whatever it costs.

    Where no such chain stays within the limit of instructions, that of the fewest is taken.
    """
    whole = build_plan(graph, families)
    ways = every_way(graph, whole, True)
    if not ways:
        what = f"layer {graph.nodes[1].name} needs all rows of the input at once, or strips of them save nothing"
        raise UnsupportedOperatorError(f"{graph.name}: {what}")
    if setup.ram:
        return within(graph, whole, ways, setup.ram)
    most = instructions_of(whole) * (1 + OF_LIMIT * setup.percent / 100)
    smallest = sorted(ways, key=lambda w: (w.total(graph), w.instructions))
    allowed = [way for way in smallest if way.instructions <= most]
    looked_at = _distinct(smallest)[: ATTEMPTS // 2] + allowed[: ATTEMPTS // 2]  # an estimate may be high
    plans = [plan for plan in (_built(graph, whole, found) for found in looked_at) if instructions_of(plan) <= most]
    if plans:
        return min(plans, key=_size)
    return _built(graph, whole, min(ways, key=lambda way: (way.instructions, way.total(graph))))


def every_way(graph: Graph, whole: Plan, io_in_arena: bool | None) -> list[Found]:
    """Return chains for many sizes of the arena, whatever they cost.

    Args:
        graph: the model.
        whole: its plan without chains.
        io_in_arena: where inputs and outputs lie; None: anywhere.
    """
    cuts = Cuts(graph, whole.families, only_counted=False)
    places = _places(True if whole.rows_arrive else io_in_arena)
    parts = [Parts(cuts, whole, inside, int(OF_LEAST * whole.arena_bytes)) for inside in places]
    return [way for part in parts for way in _ways(part, math.inf, math.inf)]


def _places(io_in_arena: bool | None) -> tuple[bool, ...]:
    return (False, True) if io_in_arena is None else (io_in_arena,)


def _cheap(graph: Graph, whole: Plan, ways: Sequence[Found], most: float) -> Plan:
    """Return the plan of the least memory within a limit of instructions; of nearly equal ones, the fastest.

    Of those that are as fast, the one of the least memory again. What takes too many as planned is tried again in a
    little more memory.
    """
    plans: list[Plan] = []
    waiting = list(ways)
    tries: Counter[tuple[bool, Sequence[Chain]]] = Counter()
    while waiting and len(tries) < ATTEMPTS:
        found = min(waiting, key=lambda way: (way.total(graph), way.instructions))
        if plans and found.total(graph) > NEARLY * needed(plans[0]):
            break
        waiting.remove(found)
        plan = _built(graph, whole, found)
        tries[found.inside, found.chains] += 1
        if needed(plan) <= needed(whole) - WORTH and instructions_of(plan) <= most:
            plans.append(plan)
        elif tries[found.inside, found.chains] < TRIES:
            waiting.append(replace(found, arena=round(MORE * found.arena)))
    if not plans:
        return whole
    least = min(map(needed, plans))
    small = [(burden(plan), plan) for plan in plans if needed(plan) <= NEARLY * least]
    fastest = min(time for time, _ in small)
    return min((plan for time, plan in small if time <= AS_FAST * fastest), key=_size)


def within(graph: Graph, whole: Plan, ways: Sequence[Found], ram: int) -> Plan:
    """Return the plan of the fewest instructions that needs no more than an amount of memory.

    Args:
        graph: the model.
        whole: its plan without chains.
        ways: of :func:`every_way`.
        ram: bytes of arena, state, inputs and outputs.

    Raises:
        DoesNotFitError: none does.
    """
    beside = whole.state_bytes + (PROGRESS_BYTES if whole.rows_arrive else 0)
    fitting = sorted((w for w in ways if w.total(graph) <= ram), key=lambda w: w.instructions)
    plans: list[Plan] = []
    for found in _distinct(fitting)[: ATTEMPTS // 2]:
        room = ram - beside - (0 if found.inside else _border(graph))
        plan = _built(graph, whole, replace(found, arena=max(found.arena, room)))
        if needed(plan) <= ram:
            plans.append(plan)
            if instructions_of(plan) <= NEARLY * found.instructions:  # as many as the others are estimated at
                break
    if plans:
        return min(plans, key=instructions_of)
    smallest = least(graph, whole, ways)
    if needed(smallest) <= ram:
        return smallest
    raise DoesNotFitError(_shortfall(smallest, ram))


def least(graph: Graph, whole: Plan, ways: Sequence[Found]) -> Plan:
    """Return the plan of the least memory; of equal ones, that of the fewest instructions."""
    smallest = _distinct(sorted(ways, key=lambda w: w.total(graph)))[:ATTEMPTS]
    known = [] if whole.rows_arrive else [whole]  # which holds all rows
    return min([*known, *(_built(graph, whole, replace(found, arena=1)) for found in smallest)], key=_size)


def _distinct(ways: Sequence[Found]) -> list[Found]:
    """Return the first of every choice of chains, with inputs and outputs in the same place."""
    found: dict[tuple[bool, Sequence[Chain]], Found] = {}
    for way in ways:
        found.setdefault((way.inside, tuple(way.chains)), way)
    return list(found.values())


def needed(plan: Plan) -> int:
    """Return the bytes of arena, state, input and output together."""
    return plan.total_bytes + plan.state_bytes


def _size(plan: Plan) -> tuple[int, float]:
    return needed(plan), instructions_of(plan)


def _border(graph: Graph) -> int:
    return sum(graph.values[name].bytes for name in {*graph.inputs, *graph.outputs})


def _built(graph: Graph, whole: Plan, found: Found) -> Plan:
    strips, made = in_strips(graph, found.chains)
    plan = build_plan(strips, whole.families, found.inside, strips=made, room=found.arena)
    return replace(plan, unchained=whole)


def _shortfall(plan: Plan, ram: int) -> str:
    held = [sum(b.bytes for b in plan.buffers.values() if b.first <= i <= b.last and b.region != "flash")
            for i in range(len(plan.steps))]  # fmt: skip
    step = plan.steps[held.index(max(held))].name
    layer = plan.strips.layers.get(step, step)
    return f"{plan.graph.name} needs at least {needed(plan):,} bytes of RAM, of {ram:,}; layer {layer} decides"


def _ways(parts: Parts, most: float, longest: float) -> Iterator[Found]:
    """Yield for several sizes of the arena the chains of the fewest instructions, where these are not too many.

    None of them where kernels with less scratch do better, nor of a chain that alone makes a model too slow. Those
    whose windows hold the rows that stay come beside: what is estimated of them is nearer to what can be placed.
    """
    every = parts.every()
    if longest < math.inf:
        every = _quick(parts, every, longest)
    yield from _in_sizes(parts, every, most)
    if any(part.chain and part.chain.apart for part in every):
        yield from _in_sizes(parts, [part for part in every if not (part.chain and part.chain.apart)], most)


def _quick(parts: Parts, every: Sequence[Part], longest: float) -> list[Part]:
    """Return what does not make a model too slow if all other layers are computed as a whole."""
    whole, cuts, now = parts.whole, parts.cuts, instructions_of(parts.whole)
    alone = {part.first: part.cost(whole.arena_bytes) for part in every if not part.chain and part.needs}

    def is_quick(part: Part, chain: Chain) -> bool:
        instead = sum(alone.get(layer, 0) for layer in range(part.first, part.last + 1))
        return expected(whole, cuts, (chain,), now - instead + part.cost(whole.arena_bytes)) <= longest

    return [part for part in every if part.chain is None or is_quick(part, part.chain)]


def _in_sizes(parts: Parts, every: Sequence[Part], most: float) -> Iterator[Found]:
    layers = len(parts.graph.nodes)
    largest = max(max((part.least for part in every if part.chain is None and part.needs), default=0), 1)
    largest = max(largest, parts.whole.arena_bytes)
    bounds = sorted({part.least for part in every if part.needs})
    least = max(1, next((bound for bound in bounds if cheapest(every, layers, bound)[0] < math.inf), largest))
    seen: list[Sequence[Chain]] = []
    for step in range(STEPS + 1):
        arena = round(least * (largest / least) ** (step / STEPS)) // 16 * 16 + 16
        cost, chains = cheapest(every, layers, arena)
        is_less = bool(chains) or arena < parts.whole.arena_bytes
        if cost <= most and is_less and (most == math.inf or chains not in seen[-2:]):
            seen.append(chains)
            yield Found(arena, parts.inside, chains, cost)


def cheapest(parts: Sequence[Part], layers: int, arena: int) -> tuple[float, Sequence[Chain]]:
    """Return the fewest instructions, and the chains, of a way through all layers within an arena; infinite: none."""
    best: list[tuple[float, Sequence[Chain]]] = [(0.0, ()), *[(math.inf, ())] * layers]
    for part in sorted(parts, key=lambda part: part.last):
        before, chains = best[part.first]
        if before < best[part.last + 1][0] and part.least <= arena:
            cost = before + part.cost(arena)
            if cost < best[part.last + 1][0]:
                best[part.last + 1] = cost, (*chains, part.chain) if part.chain else chains
    return best[layers]
