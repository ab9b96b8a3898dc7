"""What a chip executes, and where everything lies: steps, buffers, and the proof that they may share memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from mcuq.graph import Graph
from mcuq.ops.base import Op, Overlap, Params
from mcuq.passes.chains import WHOLE, Strips

Region = Literal["arena", "input", "rows", "output", "state", "flash"]

ARENA_ALIGNMENT = 16
NO_STEP = -1  # of a pair of buffers that no single step lets share bytes
CALLER_ALIGNMENT = 1  # a model's header asks for no more of its inputs and outputs


@dataclass(frozen=True)
class Buffer:
    """Bytes with one address: ``offset`` counts within its region, ``first`` and ``last`` are step indices.

    Regions "input" and "output" are the caller's memory, "flash" is constant data; there the offset is 0. Region "rows"
    is an input that never lies anywhere as a whole: its rows come from outside one after the other. Region "state" is
    memory that nothing else may use between runs.
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
class Speedup:
    """What faster kernels cost and save, beside the plan without them; the instructions are an estimate.

    ``kept_back`` are layers for whose faster kernel the board has no memory left.
    """

    layers: tuple[str, ...]
    kept_back: tuple[str, ...]
    flash: int
    arena: int
    instructions: int


@dataclass(frozen=True)
class Plan:
    """What the chip executes, and where everything lies. Values not in ``views`` own the buffer of their name.

    ``families`` are the kernels that steps were chosen from. ``arena_bound`` is what no arrangement of these buffers
    can go below. ``strips``: what layers on strips of rows were made from; ``unchained`` is the plan without them,
    and without less scratch.
    ``speedup``: what was asked for, and got.
    """

    graph: Graph
    families: tuple[str, ...]
    steps: tuple[Step, ...]
    buffers: Mapping[str, Buffer]
    views: Mapping[str, View]
    arena_bound: int
    strips: Strips = WHOLE
    speedup: Speedup | None = None
    unchained: Plan | None = None

    def __repr__(self) -> str:
        """Return a line: model, steps, memory, kernels."""
        steps = f"{len(self.steps)} steps, arena {self.arena_bytes:,} bytes"
        return f"<Plan {self.graph.name}: {steps}, kernels {', '.join(self.families) or 'portable'}>"

    @property
    def arena_bytes(self) -> int:
        """Bytes of activation memory, scratch included, the caller's input and output not."""
        return max((b.end for b in self.buffers.values() if b.region == "arena"), default=0)

    @property
    def state_bytes(self) -> int:
        """Bytes that the model remembers from one run to the next, as a multiple of their alignment."""
        end = max((b.end for b in self.buffers.values() if b.region == "state"), default=0)
        return end + -end % ARENA_ALIGNMENT

    @property
    def io_in_arena(self) -> bool:
        """Whether the model's inputs and outputs lie in the arena."""
        return self.buffers[self.graph.inputs[0]].region == "arena"

    @property
    def rows_arrive(self) -> bool:
        """Whether the rows of the model's input come from outside, one after the other (:mod:`mcuq.plan.arrivals`)."""
        return self.buffers[self.graph.inputs[0]].region == "rows"

    @property
    def total_bytes(self) -> int:
        """Bytes of the arena and of the caller's inputs and outputs beside it."""
        return self.arena_bytes + sum(b.bytes for b in self.buffers.values() if b.region in ("input", "output"))

    @property
    def scratch_bytes(self) -> int:
        """Largest workspace of a step."""
        return max((step.params.scratch_bytes for step in self.steps), default=0)

    def locate(self, value: str) -> tuple[Buffer, int]:
        """Return the buffer that holds a value, and the value's offset in bytes within it."""
        view = self.views.get(value)
        return (self.buffers[view.buffer], view.offset) if view else (self.buffers[value], 0)

    def verify(self) -> Plan:
        """Prove that live buffers share bytes only as a step declares, and that values lie where kernels want them.

        What :mod:`mcuq.plan.states` adds to a plan, it proves itself.

        Raises:
            AssertionError: a bug in mcuq, never the user's.
        """
        near = near_pairs(self.steps, self.buffers, self.views)
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
                assert start + self.graph.tensor(value).bytes <= buffer.bytes, value
                assert buffer.region == "flash" or buffer.first <= index <= buffer.last, value
                self._verify_aligned(value, buffer, start, step.params.operand_alignment, step)
            if step.scratch:
                scratch = self.buffers[step.scratch]
                assert scratch.bytes >= step.params.scratch_bytes, step.scratch
                self._verify_aligned(step.scratch, scratch, 0, step.params.alignment, step)
        return self

    @staticmethod
    def _verify_aligned(name: str, buffer: Buffer, start: int, wanted: int, step: Step) -> None:
        """Check that a value lies where a kernel can use it; of memory of the caller's what the header asks counts."""
        most = CALLER_ALIGNMENT if buffer.region in {"input", "rows", "output"} else ARENA_ALIGNMENT
        where = (name, step.params.kernel, f"wants a multiple of {wanted}, has {buffer.region} + {start}")
        assert most % wanted == 0 and (buffer.offset + start) % wanted == 0, where

    def _verify_shared(self, name: str, other: str, near: Mapping[tuple[str, str], tuple[int, Overlap]]) -> None:
        """Check two live buffers that share bytes: input and output of one step, as near as it may be."""
        pair = (name, other) if (name, other) in near else (other, name)
        assert pair in near, (name, other)
        index, overlap = near[pair]
        distance = self.buffers[pair[1]].offset - self.buffers[pair[0]].offset
        if index == NO_STEP:
            assert overlap.before is not None and -distance >= overlap.before, (pair, distance, overlap)
            return
        assert distance % self.steps[index].params.distance == 0, (pair, distance)
        if self.steps[index].params.is_reversed:
            assert overlap.after is not None and distance >= overlap.after, (pair, distance, overlap)
        else:
            assert overlap.before is not None and -distance >= overlap.before, (pair, distance, overlap)


def near_pairs(
    steps: Sequence[Step], buffers: Mapping[str, Buffer], views: Mapping[str, View]
) -> dict[tuple[str, str], tuple[int, Overlap]]:
    """Return (input buffer, output buffer) that a step lets run into each other, with the step and how far.

    Only buffers of the arena of which the input lies at the start and is not needed any more, and the output, which may
    lie further on, is the first that is written. With them come those that are written and read piece by piece, which
    no single step lets share bytes: see :func:`overtaken`.
    """
    near: dict[tuple[str, str], tuple[int, Overlap]] = {}
    for index, step in enumerate(steps):
        written = views.get(step.outputs[0], View(step.outputs[0]))
        output = written.buffer
        if buffers[output].region != "arena" or buffers[output].first != index or written.offset % step.params.distance:
            continue
        for name in dict.fromkeys(root_of(value, views) for value in step.inputs):
            operands = [k for k, value in enumerate(step.inputs) if root_of(value, views) == name]
            overlaps = [step.params.overlap(k) for k in operands]
            whole = all(views.get(step.inputs[k], View("")).offset == 0 for k in operands)
            dies = buffers[name].region == "arena" and buffers[name].last == index
            if dies and whole and len(overlaps) == 1 and overlaps[0] and name != output:
                near[name, output] = (index, _further_on(overlaps[0], written.offset))
    return {**overtaken(steps, buffers, views), **near}


def _further_on(overlap: Overlap, offset: int) -> Overlap:
    """Return how near a buffer may come whose output lies an offset behind its start."""
    before, after = overlap
    return Overlap(None if before is None else before + offset, None if after is None else after - offset)


def overtaken(
    steps: Sequence[Step], buffers: Mapping[str, Buffer], views: Mapping[str, View]
) -> dict[tuple[str, str], tuple[int, Overlap]]:
    """Return pairs of buffers of which the second is written bit by bit while the first is read for the last times.

    The second may lie where the first has been read: it must stay in front of what is still to be read.
    """
    reads: dict[str, list[tuple[int, int]]] = {}
    writes: dict[str, list[tuple[int, int]]] = {}
    for index, step in enumerate(steps):
        for values, found in ((step.inputs, reads), (step.outputs, writes)):
            for value in values:
                view = views.get(value, View(value))
                if buffers[view.buffer].region == "arena":
                    found.setdefault(view.buffer, []).append((index, view.offset))
    near = {}
    done = {a: written[-1][0] for a, written in writes.items()}
    for b, written in writes.items():
        starts = [offset for _, offset in written]
        if len(written) == 1 or starts != sorted(starts):
            continue
        ends = [*starts[1:], buffers[b].bytes]
        for a, read in reads.items():
            if a != b and done.get(a, -1) < written[0][0] < read[-1][0]:
                pieces = [(index, end) for (index, _), end in zip(written, ends, strict=True)]
                before = _most_written(pieces, read)
                if before < buffers[b].bytes:
                    near[a, b] = NO_STEP, Overlap(before, None)
    return near


def _most_written(pieces: Sequence[tuple[int, int]], read: Sequence[tuple[int, int]]) -> int:
    """Return by how much what has been written is more than what need not be read any more, at most.

    Args:
        pieces: step and end of what it writes, in their order.
        read: step and start of what it reads.
    """
    ats = [at for at, _ in read]
    still = list(accumulate((start for _, start in reversed(read)), min))[
        ::-1
    ]  # the least start of each and later ones
    return max(end - still[bisect_left(ats, index)] for index, end in pieces if index <= ats[-1])


def root_of(value: str, views: Mapping[str, View]) -> str:
    """Return the name of the buffer that holds a value."""
    return views[value].buffer if value in views else value
