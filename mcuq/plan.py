"""From a graph to steps with integers only, and to a place in memory for every value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mcuq.errors import McuqError
from mcuq.graph import Graph, Node
from mcuq.ops.base import Op, Params
from mcuq.tensor import QConstant

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
    """What the chip executes, and where everything lies. Values not in ``views`` own the buffer of their name."""

    graph: Graph
    chip: str
    steps: tuple[Step, ...]
    buffers: Mapping[str, Buffer]
    views: Mapping[str, View]

    @property
    def arena_bytes(self) -> int:
        """Bytes of activation memory, scratch included, the caller's input and output not."""
        return max((b.end for b in self.buffers.values() if b.region == "arena"), default=0)

    @property
    def arena_bound(self) -> int:
        """Lower bound of the arena without shared storage: the largest sum of bytes live during one step."""
        arena = [b for b in self.buffers.values() if b.region == "arena"]
        return max((sum(b.bytes for b in arena if b.first <= i <= b.last) for i in range(len(self.steps))), default=0)

    @property
    def scratch_bytes(self) -> int:
        """Largest workspace of a step."""
        return max((step.params.scratch_bytes for step in self.steps), default=0)

    def locate(self, value: str) -> tuple[Buffer, int]:
        """Return the buffer that holds a value, and the value's offset in bytes within it."""
        view = self.views.get(value)
        return (self.buffers[view.buffer], view.offset) if view else (self.buffers[value], 0)

    def verify(self) -> Plan:
        """Prove that no two buffers that are live together share a byte, and that every value is placed.

        Raises:
            AssertionError: a bug in mcuq, never the user's.
        """
        arena = sorted(((b.offset, name) for name, b in self.buffers.items() if b.region == "arena"))
        for i, (_, name) in enumerate(arena):
            buffer = self.buffers[name]
            assert buffer.offset >= 0 and buffer.offset % buffer.alignment == 0, name
            for offset, other in arena[i + 1 :]:
                if offset >= buffer.end:
                    break
                assert not buffer.is_live_with(self.buffers[other]), (name, other)
        for index, step in enumerate(self.steps):
            for value in (*step.inputs, *step.outputs):
                buffer, start = self.locate(value)
                assert start + self.graph.tensor(value).elements <= buffer.bytes, value
                assert buffer.region == "flash" or buffer.first <= index <= buffer.last, value
            assert not step.scratch or self.buffers[step.scratch].bytes >= step.params.scratch_bytes
        return self


def build_plan(graph: Graph, chip: str) -> Plan:
    """Lower a quantized graph for a chip and place its buffers.

    Raises:
        McuqError: naming the layer that cannot be lowered.
    """
    steps, views = _steps(graph, chip)
    buffers = _place(_live_ranges(graph, steps, views))
    return Plan(graph, chip, steps, buffers, views).verify()


def _steps(graph: Graph, chip: str) -> tuple[tuple[Step, ...], dict[str, View]]:
    """Lower every node to a step, or to a view where only the shape changes."""
    steps: list[Step] = []
    views: dict[str, View] = {}
    written_out: set[str] = set()  # roots that are a model output already
    for node in graph.nodes:
        output = node.outputs[0]
        root = views[node.inputs[0]].buffer if node.inputs and node.inputs[0] in views else node.inputs[0]
        borders = root in graph.inputs or root in graph.constants or root in graph.outputs or root in written_out
        step = _lower(graph, node, chip)  # its constraints hold for a view too
        if node.op.is_view and not (output in graph.outputs and borders):
            views[output] = View(root)
            if output in graph.outputs:
                written_out.add(root)
            continue
        steps.append(step)
    return tuple(steps), views


def _lower(graph: Graph, node: Node, chip: str) -> Step:
    tensors = [graph.tensor(name) for name in node.inputs]
    try:
        params = node.op.lower(tensors, graph.values[node.outputs[0]], chip)
    except McuqError as error:
        raise error.at(node.name) from None
    scratch = f"{node.name}.scratch" if params.scratch_bytes else ""
    return Step(node.name, node.op, params, node.inputs[: node.op.operands], node.outputs, scratch)


def _live_ranges(graph: Graph, steps: tuple[Step, ...], views: Mapping[str, View]) -> dict[str, Buffer]:
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
            buffers[name] = replace(old, first=first, last=last, alignment=max(old.alignment, alignment))

    for name in graph.inputs:
        touch(name, 0, 1)
        buffers[name] = replace(buffers[name], region="input")
    for index, step in enumerate(steps):
        for value in (*step.inputs, *step.outputs):
            touch(value, index, step.params.alignment)
        if step.scratch:
            alignment = max(step.params.alignment, SCRATCH_ALIGNMENT)
            buffers[step.scratch] = Buffer("arena", step.params.scratch_bytes, index, index, alignment)
    for name in graph.outputs:
        touch(name, len(steps), 1)
        root = views[name].buffer if name in views else name
        buffers[root] = replace(buffers[root], region="output")
    return buffers


def _place(buffers: dict[str, Buffer]) -> dict[str, Buffer]:
    """Give arena buffers their offsets: best fit in several orders, the smallest arena wins."""
    arena = {name: b for name, b in buffers.items() if b.region == "arena"}
    orders = (
        sorted(arena, key=lambda n: (-arena[n].bytes, arena[n].first, n)),
        sorted(arena, key=lambda n: (arena[n].first - arena[n].last, -arena[n].bytes, n)),
        sorted(arena, key=lambda n: (arena[n].first, -arena[n].bytes, n)),
    )
    layouts = [_best_fit(arena, order) for order in orders]
    best = min(layouts, key=lambda layout: max((b.end for b in layout.values()), default=0))
    return {**buffers, **best}


def _best_fit(buffers: Mapping[str, Buffer], order: Iterable[str]) -> dict[str, Buffer]:
    """Place buffers in order, each into the tightest gap between those already placed and live with it."""
    placed: dict[str, Buffer] = {}
    for name in order:
        buffer = buffers[name]
        neighbours = sorted((b for b in placed.values() if b.is_live_with(buffer)), key=lambda b: b.offset)
        gaps = [(room, start) for start, room in _gaps(neighbours, buffer.alignment) if room >= buffer.bytes]
        placed[name] = replace(buffer, offset=min(gaps)[1])
    return placed


def _gaps(neighbours: Iterable[Buffer], alignment: int) -> Iterator[tuple[int, float]]:
    """Yield (start, room) of the free stretches between placed buffers; the last one has no end."""
    start = 0
    for buffer in neighbours:
        if buffer.offset > start:
            yield start, buffer.offset - start
        start = max(start, -(-buffer.end // alignment) * alignment)
    yield start, float("inf")
