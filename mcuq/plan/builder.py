"""From a graph to a plan: lower it, give kernels their scratch, and every value its place in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from mcuq import kernels
from mcuq.graph import Graph
from mcuq.ops.base import Params
from mcuq.passes.chains import WHOLE, Strips
from mcuq.plan import NO_STEP, Buffer, Plan, Region, Step, View, near_pairs, overtaken, states
from mcuq.plan.arrivals import PROGRESS_BYTES, is_arrival, with_progress
from mcuq.plan.lowering import lowered, with_kernels
from mcuq.plan.placement import Item, Near, place
from mcuq.plan.scratch import with_scratch
from mcuq.plan.turns import folded, moments, near_places, shared, taken
from mcuq.tensor import QConstant

BEFORE = -1  # the first step
BORDERS = ("input", "output")  # regions of the caller's memory
SCRATCH_ALIGNMENT = 4
ANY_CHIP = kernels.GENERIC  # families of kernels


def build_plan(
    graph: Graph,
    families: tuple[str, ...] = ANY_CHIP,
    io_in_arena: bool | None = False,
    instead: Mapping[str, Params] = MappingProxyType({}),
    *,
    strips: Strips = WHOLE,
    room: int = 0,
) -> Plan:
    """Lower a quantized graph, choose its kernels and place its buffers.

    Args:
        graph: the model.
        families: of kernels that the chip has, the best first, as ``boards/chips`` lists them; without: any chip's.
        io_in_arena: place the model's inputs and outputs in the arena too, instead of in memory of the caller's.
            None: where that takes less memory in all. If the input's rows arrive one by one, outputs always do.
        instead: by layer, kernels to take instead of those that would be chosen.
        strips: what the graph's layers on strips of rows were made from.
        room: bytes of the arena that kernels may fill with scratch; 0: as many as hardly enlarge it.

    Raises:
        McuqError: naming the layer that cannot be lowered.
    """
    if io_in_arena is None:
        apart, inside = (
            build_plan(graph, families, place, instead, strips=strips, room=room) for place in (False, True)
        )
        return inside if inside.total_bytes < apart.total_bytes else apart
    while True:
        steps, views = lowered(graph)
        steps = with_kernels(graph, steps, views, families=families, io_in_arena=io_in_arena, instead=instead)
        kept = states.with_copies(graph, steps, _live_ranges(graph, steps, views), views)
        if kept is graph:
            break
        graph = kept

    def placed(steps: Sequence[Step], enough: int = 0, *, exact: bool = False) -> tuple[dict[str, Buffer], int]:
        buffers = _live_ranges(graph, steps, views)
        inside = BORDERS if io_in_arena or any(map(is_arrival, steps)) else ()
        buffers = {n: replace(b, region="arena") if b.region in inside else b for n, b in buffers.items()}
        buffers = states.placed(graph, buffers)
        return _placed(steps, buffers, views, strips, exact=exact, enough=enough)

    def beside(steps: Sequence[Step], buffers: Mapping[str, Buffer]) -> list[int]:
        arena = {name: b for name, b in buffers.items() if b.region == "arena"}
        return taken(arena, steps, strips, overtaken(steps, buffers, views))

    steps = with_scratch(steps, placed, beside, strips.layers, room)
    buffers, bound = placed(steps, exact=True)
    if any(map(is_arrival, steps)):
        buffers, bound = with_progress(graph, steps, buffers), bound + PROGRESS_BYTES
    steps = _directed(steps, buffers, views)
    return states.verify(Plan(graph, families, steps, buffers, views, bound, strips).verify())


def _live_ranges(graph: Graph, steps: Sequence[Step], views: Mapping[str, View]) -> dict[str, Buffer]:
    """Return buffers with live ranges and alignment, still without offsets."""
    buffers: dict[str, Buffer] = {}

    def touch(value: str, index: int, alignment: int) -> None:
        name = views[value].buffer if value in views else value
        old = buffers.get(name)
        if old is None:
            tensor = graph.tensor(name)
            region: Region = "flash" if isinstance(tensor, QConstant) else "arena"
            alignment = math.lcm(alignment, tensor.bytes // tensor.elements)
            buffers[name] = Buffer(region, tensor.bytes, index, index, alignment)
        else:
            first, last = min(old.first, index), max(old.last, index)
            buffers[name] = replace(old, first=first, last=last, alignment=math.lcm(old.alignment, alignment))

    for name in graph.inputs:
        touch(name, 0, 1)
        buffers[name] = replace(buffers[name], region="input")
    for state in graph.states:
        touch(state.read, BEFORE, 1)
    for index, step in enumerate(steps):
        for value in (*step.inputs, *step.outputs):
            touch(value, index, math.lcm(step.params.operand_alignment, step.params.distance))
        if step.scratch:
            alignment = max(step.params.alignment, SCRATCH_ALIGNMENT)
            buffers[step.scratch] = Buffer("arena", step.params.scratch_bytes, index, index, alignment)
    for name in graph.outputs:
        touch(name, len(steps), 1)
        if graph.states:  # an answer may be asked for again after the next inputs have come
            touch(name, 0, 1)
        root = views[name].buffer if name in views else name
        buffers[root] = replace(buffers[root], region="output")
    for state in graph.states:
        touch(state.write, len(steps), 1)
    for name in {value for step in steps if is_arrival(step) for value in graph.inputs}:
        buffers[name] = replace(buffers[name], region="rows")
    return buffers | {name: replace(buffers[name], region="state") for name in states.kept(graph)}


def _placed(
    steps: Sequence[Step],
    buffers: Mapping[str, Buffer],
    views: Mapping[str, View],
    strips: Strips,
    *,
    exact: bool,
    enough: int,
) -> tuple[dict[str, Buffer], int]:
    """Give arena buffers their offsets; return them with the lower bound of the arena."""
    arena = {name: b for name, b in buffers.items() if b.region == "arena"}
    places = shared(arena, steps, strips)
    folds = folded(arena, moments(steps, strips), places)
    near = {pair: n for pair, n in near_pairs(steps, buffers, views).items() if pair[0] in arena and pair[1] in arena}
    number = {name: i for i, name in enumerate(folds)}
    pairs = {
        (number[a], number[b]): Near(
            min(_or(overlap.before, folds[b].bytes), folds[b].bytes),
            min(_or(overlap.after, folds[a].bytes), folds[a].bytes),
        )
        for (a, b), overlap in near_places(near, arena, folds, places).items()
    }
    placement = place([Item(b.bytes, b.first, b.last, b.alignment) for b in folds.values()], pairs, exact, enough)
    offsets = dict(zip(folds, placement.offsets, strict=True))
    moved = {name: replace(buffer, offset=offsets[places[name]]) for name, buffer in arena.items()}
    return {**buffers, **moved}, placement.bound


def _or(limit: int | None, apart: int) -> int:
    return apart if limit is None else limit


def _directed(steps: Sequence[Step], buffers: Mapping[str, Buffer], views: Mapping[str, View]) -> tuple[Step, ...]:
    """Let steps whose output lies behind their input begin with the last row."""
    directed = list(steps)
    for (a, b), (index, overlap) in near_pairs(steps, buffers, views).items():
        if index == NO_STEP:
            continue
        distance = buffers[b].offset - buffers[a].offset
        behind = overlap.before is None or -distance < overlap.before
        if behind and overlap.after is not None and distance < buffers[a].bytes:
            directed[index] = replace(steps[index], params=steps[index].params.reversed())
    return tuple(directed)
