"""From a graph to a plan: lower it, give kernels their scratch, and every value its place in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from mcuq import kernels
from mcuq.graph import Graph
from mcuq.ops.base import Overlap, Params
from mcuq.plan import Buffer, Plan, Region, Step, View, near_pairs, states
from mcuq.plan.lowering import lowered, with_kernels
from mcuq.plan.placement import Item, Near, place
from mcuq.plan.scratch import with_scratch
from mcuq.tensor import QConstant

BEFORE = -1  # the first step
BORDERS = ("input", "output")  # regions of the caller's memory
SCRATCH_ALIGNMENT = 4


def build_plan(
    graph: Graph,
    families: tuple[str, ...] = kernels.GENERIC,
    io_in_arena: bool | None = False,
    instead: Mapping[str, Params] = MappingProxyType({}),
) -> Plan:
    """Lower a quantized graph, choose its kernels and place its buffers.

    Args:
        graph: the model.
        families: of kernels that the chip has, the best first, as ``boards/chips`` lists them; without: any chip's.
        io_in_arena: place the model's inputs and outputs in the arena too, instead of in memory of the caller's.
            None: where that takes less memory in all.
        instead: by layer, kernels to take instead of those that would be chosen.

    Raises:
        McuqError: naming the layer that cannot be lowered.
    """
    if io_in_arena is None:
        apart, inside = (build_plan(graph, families, place, instead) for place in (False, True))
        return inside if inside.total_bytes < apart.total_bytes else apart
    while True:
        steps, views = lowered(graph)
        steps = with_kernels(graph, steps, views, families=families, io_in_arena=io_in_arena, instead=instead)
        kept = states.with_copies(graph, steps, _live_ranges(graph, steps, views), views)
        if kept is graph:
            break
        graph = kept

    def placed(steps: Sequence[Step], exact: bool = False) -> tuple[dict[str, Buffer], int]:
        buffers = _live_ranges(graph, steps, views)
        if io_in_arena:
            buffers = {n: replace(b, region="arena") if b.region in BORDERS else b for n, b in buffers.items()}
        buffers = states.placed(graph, buffers)
        return _placed(buffers, near_pairs(steps, buffers, views), exact)

    steps = with_scratch(steps, placed)
    buffers, bound = placed(steps, exact=True)
    steps = _directed(steps, buffers, views)
    return states.verify(Plan(graph, families, steps, buffers, views, bound).verify())


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
    return buffers | {name: replace(buffers[name], region="state") for name in states.kept(graph)}


def _placed(
    buffers: Mapping[str, Buffer], near: Mapping[tuple[str, str], tuple[int, Overlap]], exact: bool
) -> tuple[dict[str, Buffer], int]:
    """Give arena buffers their offsets; return them with the lower bound of the arena."""
    names = [name for name, b in buffers.items() if b.region == "arena"]
    number = {name: i for i, name in enumerate(names)}
    items = [Item(b.bytes, b.first, b.last, b.alignment) for b in (buffers[name] for name in names)]
    pairs = {
        (number[a], number[b]): Near(
            min(_or(overlap.before, buffers[b].bytes), buffers[b].bytes),
            min(_or(overlap.after, buffers[a].bytes), buffers[a].bytes),
        )
        for (a, b), (_, overlap) in near.items()
    }
    placement = place(items, pairs, exact)
    moved = {name: replace(buffers[name], offset=o) for name, o in zip(names, placement.offsets, strict=True)}
    return {**buffers, **moved}, placement.bound


def _or(limit: int | None, apart: int) -> int:
    return apart if limit is None else limit


def _directed(steps: Sequence[Step], buffers: Mapping[str, Buffer], views: Mapping[str, View]) -> tuple[Step, ...]:
    """Let steps whose output lies behind their input begin with the last row."""
    directed = list(steps)
    for (a, b), (index, overlap) in near_pairs(steps, buffers, views).items():
        distance = buffers[b].offset - buffers[a].offset
        behind = overlap.before is None or -distance < overlap.before
        if behind and overlap.after is not None and distance < buffers[a].bytes:
            directed[index] = replace(steps[index], params=steps[index].params.reversed())
    return tuple(directed)
