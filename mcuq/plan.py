"""From a graph to steps with integers only, and to a place in memory for every value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, cast

from mcuq import kernels
from mcuq.errors import McuqError
from mcuq.graph import Graph, Node
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Op, Overlap, Params
from mcuq.ops.concatenation import Concatenation
from mcuq.placement import Item, Near, place
from mcuq.tensor import QConstant
from mcuq.workspace import with_workspaces

if TYPE_CHECKING:
    from mcuq.faster import Speedup

Region = Literal["arena", "input", "output", "flash"]

ARENA_ALIGNMENT = 16
SCRATCH_ALIGNMENT = 4


@dataclass(frozen=True)
class Buffer:
    """Bytes with one address: ``offset`` counts within its region, ``first`` and ``last`` are step indices.

    Regions "input" and "output" are the caller's memory, "flash" is constant data; there the offset is 0.
    """

    region: Region
    bytes: int
    first: int
    last: int
    alignment: int = 1
    offset: int = 0

    @property
    def end(self) -> int:
        """Return the first byte after the buffer."""
        return self.offset + self.bytes

    def is_live_with(self, other: Buffer) -> bool:
        """Whether both hold data during some step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class View:
    """A value that lies within another's buffer, ``offset`` bytes from its start."""

    buffer: str
    offset: int = 0


@dataclass(frozen=True)
class Step:
    """One kernel call. Inputs and outputs are values; ``scratch`` names a buffer or is empty."""

    name: str
    op: Op
    params: Params
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    scratch: str = ""


@dataclass(frozen=True)
class Plan:
    """What the chip executes, and where everything lies. Values not in ``views`` own the buffer of their name.

    ``families`` are the kernels that steps were chosen from. ``arena_bound`` is what no arrangement of these buffers
    can go below. ``speedup``: what was asked for, and got.
    """

    graph: Graph
    families: tuple[str, ...]
    steps: tuple[Step, ...]
    buffers: Mapping[str, Buffer]
    views: Mapping[str, View]
    arena_bound: int
    speedup: Speedup | None = None

    @property
    def arena_bytes(self) -> int:
        """Bytes of activation memory, scratch included, the caller's input and output not."""
        return max((b.end for b in self.buffers.values() if b.region == "arena"), default=0)

    @property
    def io_in_arena(self) -> bool:
        """Whether the model's inputs and outputs lie in the arena."""
        return self.buffers[self.graph.inputs[0]].region == "arena"

    @property
    def scratch_bytes(self) -> int:
        """Largest workspace of a step."""
        return max((step.params.scratch_bytes for step in self.steps), default=0)

    def locate(self, value: str) -> tuple[Buffer, int]:
        """Return the buffer that holds a value, and the value's offset in bytes within it."""
        view = self.views.get(value)
        return (self.buffers[view.buffer], view.offset) if view else (self.buffers[value], 0)

    def verify(self) -> Plan:
        """Prove that live buffers share bytes only as a step declares, and that every value is placed.

        Raises:
            AssertionError: a bug in mcuq, never the user's.
        """
        near = _near_pairs(self.steps, self.buffers, self.views)
        arena = sorted((b.offset, name) for name, b in self.buffers.items() if b.region == "arena")
        for i, (_, name) in enumerate(arena):
            buffer = self.buffers[name]
            assert buffer.offset >= 0 and buffer.offset % buffer.alignment == 0, name
            for offset, other in arena[i + 1 :]:
                if offset >= buffer.end:
                    break
                if buffer.is_live_with(self.buffers[other]):
                    self._verify_shared(name, other, near)
        for index, step in enumerate(self.steps):
            for value in (*step.inputs, *step.outputs):
                buffer, start = self.locate(value)
                assert start + self.graph.tensor(value).elements <= buffer.bytes, value
                assert buffer.region == "flash" or buffer.first <= index <= buffer.last, value
            assert not step.scratch or self.buffers[step.scratch].bytes >= step.params.scratch_bytes
        return self

    def _verify_shared(self, name: str, other: str, near: Mapping[tuple[str, str], tuple[int, Overlap]]) -> None:
        """Check two live buffers that share bytes: input and output of one step, as near as it may be."""
        pair = (name, other) if (name, other) in near else (other, name)
        assert pair in near, (name, other)
        index, overlap = near[pair]
        distance = self.buffers[pair[1]].offset - self.buffers[pair[0]].offset
        assert distance % self.steps[index].params.distance == 0, (pair, distance)
        if self.steps[index].params.is_reversed:
            assert overlap.after is not None and distance >= overlap.after, (pair, distance, overlap)
        else:
            assert overlap.before is not None and -distance >= overlap.before, (pair, distance, overlap)


def build_plan(
    graph: Graph,
    families: tuple[str, ...] = kernels.GENERIC,
    io_in_arena: bool = False,
    instead: Mapping[str, Params] = MappingProxyType({}),
) -> Plan:
    """Lower a quantized graph, choose its kernels and place its buffers.

    Args:
        graph: the model.
        families: of kernels that the chip has, the best first, as ``boards/chips`` lists them; without: any chip's.
        io_in_arena: place the model's inputs and outputs in the arena too, instead of in memory of the caller's.
        instead: by layer, kernels to take instead of those that would be chosen.

    Raises:
        McuqError: naming the layer that cannot be lowered.
    """
    steps, views = _steps(graph)
    steps = _chosen(graph, steps, views, families=families, io_in_arena=io_in_arena, instead=instead)

    def placed(steps: Sequence[Step], exact: bool = False) -> tuple[dict[str, Buffer], int]:
        buffers = _live_ranges(graph, steps, views)
        if io_in_arena:
            buffers = {n: replace(b, region="arena") if b.region != "flash" else b for n, b in buffers.items()}
        return _placed(buffers, _near_pairs(steps, buffers, views), exact)

    steps = with_workspaces(steps, placed)
    buffers, bound = placed(steps, exact=True)
    steps = _directed(steps, buffers, views)
    return Plan(graph, families, steps, buffers, views, bound).verify()


def _steps(graph: Graph) -> tuple[tuple[Step, ...], dict[str, View]]:
    """Lower every node to a step with its portable kernel, or to views where no byte need be moved."""
    steps: list[Step] = []
    views: dict[str, View] = {}
    for node in graph.nodes:
        step = _lower(graph, node)  # its constraints hold for a view too
        if step.params.is_view and _can_be_view(graph, views, node):
            views[node.outputs[0]] = View(node.inputs[0])
        elif isinstance(node.op, Concatenation) and _can_be_joined(graph, views, node):
            offset = 0
            for name in node.inputs:
                views[name] = View(node.outputs[0], offset)
                offset += graph.values[name].bytes
        else:
            steps.append(step)
    return tuple(steps), {name: _resolved(name, views) for name in views}


def _lower(graph: Graph, node: Node) -> Step:
    tensors = [graph.tensor(name) for name in node.inputs]
    try:
        params = node.op.lower(tensors, graph.values[node.outputs[0]])
    except McuqError as error:
        raise error.at(node.name) from None
    return Step(node.name, node.op, params, node.inputs[: node.op.operands], node.outputs)


def _chosen(
    graph: Graph,
    steps: Sequence[Step],
    views: Mapping[str, View],
    *,
    families: Sequence[str],
    io_in_arena: bool,
    instead: Mapping[str, Params],
) -> tuple[Step, ...]:
    """Give every step the kernel that serves it best, and the name of its scratch."""
    nodes = {node.name: node for node in graph.nodes}
    border = set() if io_in_arena else {_root(name, views) for name in (*graph.inputs, *graph.outputs)}
    chosen = []
    for step in steps:
        roots = [views.get(value, View(value)) for value in (*step.inputs, *step.outputs)]
        at_border = any(v.buffer in border or v.offset % ARENA_ALIGNMENT for v in roots)
        layer = Layer(step.params, [graph.tensor(name) for name in nodes[step.name].inputs], at_border)
        params = instead.get(step.name) or kernels.chosen(layer, families)
        scratch = f"{step.name}.scratch" if params.scratch_bytes else ""  # no value can have this name
        chosen.append(replace(step, params=params, scratch=scratch))
    return tuple(chosen)


def _resolved(value: str, views: Mapping[str, View]) -> View:
    """Follow views to the buffer that holds a value."""
    offset = 0
    while value in views:
        offset += views[value].offset
        value = views[value].buffer
    return View(value, offset)


def _can_be_view(graph: Graph, views: Mapping[str, View], node: Node) -> bool:
    """Whether the output may lie where the input lies: not from one of the caller's buffers to another."""
    if node.outputs[0] not in graph.outputs:
        return True
    root = _resolved(node.inputs[0], views).buffer
    taken = any(_resolved(name, views).buffer == root for name in graph.outputs if name != node.outputs[0])
    return not (root in graph.inputs or root in graph.constants or taken)


def _can_be_joined(graph: Graph, views: Mapping[str, View], node: Node) -> bool:
    """Whether the inputs of a concatenation may be written where the output has them.

    They must lie there one after the other, and each must own its buffer.
    """
    axis = cast(Concatenation, node.op).axis % len(graph.values[node.outputs[0]].shape)
    together = math.prod(graph.values[node.outputs[0]].shape[:axis]) == 1
    borders = {*graph.inputs, *graph.outputs, *graph.constants}
    own = [name for name in node.inputs if name not in views and name not in borders]
    return together and len(set(own)) == len(node.inputs)


def _live_ranges(graph: Graph, steps: Sequence[Step], views: Mapping[str, View]) -> dict[str, Buffer]:
    """Return buffers with live ranges and alignment, still without offsets."""
    buffers: dict[str, Buffer] = {}

    def touch(value: str, index: int, alignment: int) -> None:
        name = views[value].buffer if value in views else value
        old = buffers.get(name)
        if old is None:
            tensor = graph.tensor(name)
            region: Region = "flash" if isinstance(tensor, QConstant) else "arena"
            size = tensor.elements if isinstance(tensor, QConstant) else tensor.bytes
            buffers[name] = Buffer(region, size, index, index, alignment)
        else:
            first, last = min(old.first, index), max(old.last, index)
            buffers[name] = replace(old, first=first, last=last, alignment=math.lcm(old.alignment, alignment))

    for name in graph.inputs:
        touch(name, 0, 1)
        buffers[name] = replace(buffers[name], region="input")
    for index, step in enumerate(steps):
        for value in (*step.inputs, *step.outputs):
            touch(value, index, math.lcm(step.params.alignment, step.params.distance))
        if step.scratch:
            alignment = max(step.params.alignment, SCRATCH_ALIGNMENT)
            buffers[step.scratch] = Buffer("arena", step.params.scratch_bytes, index, index, alignment)
    for name in graph.outputs:
        touch(name, len(steps), 1)
        root = views[name].buffer if name in views else name
        buffers[root] = replace(buffers[root], region="output")
    return buffers


def _near_pairs(
    steps: Sequence[Step], buffers: Mapping[str, Buffer], views: Mapping[str, View]
) -> dict[tuple[str, str], tuple[int, Overlap]]:
    """Return (input buffer, output buffer) that a step lets run into each other, with the step and how far.

    Only buffers of the arena that hold nothing but the input or the output, when the input is not needed any more.
    """
    near: dict[tuple[str, str], tuple[int, Overlap]] = {}
    for index, step in enumerate(steps):
        output = step.outputs[0]
        if output in views or buffers[output].region != "arena" or buffers[output].first != index:
            continue
        for name in dict.fromkeys(_root(value, views) for value in step.inputs):
            operands = [k for k, value in enumerate(step.inputs) if _root(value, views) == name]
            overlaps = [step.params.overlap(k) for k in operands]
            whole = all(views.get(step.inputs[k], View("")).offset == 0 for k in operands)
            dies = buffers[name].region == "arena" and buffers[name].last == index
            if dies and whole and len(overlaps) == 1 and overlaps[0] and name != output:
                near[name, output] = (index, overlaps[0])
    return near


def _root(value: str, views: Mapping[str, View]) -> str:
    return views[value].buffer if value in views else value


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
    for (a, b), (index, overlap) in _near_pairs(steps, buffers, views).items():
        distance = buffers[b].offset - buffers[a].offset
        behind = overlap.before is None or -distance < overlap.before
        if behind and overlap.after is not None and distance < buffers[a].bytes:
            directed[index] = replace(steps[index], params=steps[index].params.reversed())
    return tuple(directed)
