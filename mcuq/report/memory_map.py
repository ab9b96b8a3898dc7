"""The arena over time as text: what is live when, where the peak is, which tensor to shrink first."""

from __future__ import annotations

from dataclasses import dataclass

from mcuq.plan import Buffer, Plan

WIDTH = 64  # characters for the whole arena
FREE, LIVE, INPUT, OUTPUT, SCRATCH, SHARED = " ", "-", "i", "o", "s", "x"


@dataclass(frozen=True)
class Row:
    """One step: the bytes in use during it and a bar of ``WIDTH`` characters over the arena."""

    step: str
    bytes: int
    bar: str


@dataclass(frozen=True)
class MemoryMap:
    """The arena during every step.

    ``bound`` is what no arrangement can go below. ``peak`` is the step with the most bytes in use, ``largest`` the
    values in use there, largest first: shrinking the first helps most.
    """

    arena: int
    bound: int
    rows: tuple[Row, ...]
    peak: str
    largest: tuple[tuple[str, int], ...]


def memory_map(plan: Plan) -> MemoryMap:
    """Draw the arena of a plan."""
    rows = tuple(_row(plan, index) for index in range(len(plan.steps)))
    peak = max(range(len(rows)), key=lambda index: rows[index].bytes)
    live = sorted(_live(plan, peak).items(), key=lambda item: (-item[1].bytes, item[0]))
    largest = tuple((name, buffer.bytes) for name, buffer in live)
    return MemoryMap(plan.arena_bytes, plan.arena_bound, rows, plan.steps[peak].name, largest)


def _live(plan: Plan, index: int) -> dict[str, Buffer]:
    return {n: b for n, b in plan.buffers.items() if b.region == "arena" and b.first <= index <= b.last}


def _row(plan: Plan, index: int) -> Row:
    step, arena = plan.steps[index], max(plan.arena_bytes, 1)
    used = bytearray(plan.arena_bytes)
    bar = [FREE] * WIDTH
    for name, buffer in _live(plan, index).items():
        used[buffer.offset : buffer.end] = b"\1" * buffer.bytes
        mark = _mark(plan, step.inputs, step.outputs[0], name)
        start, end = (
            buffer.offset * WIDTH // arena,
            max(buffer.end * WIDTH // arena, buffer.offset * WIDTH // arena + 1),
        )
        for i in range(start, min(end, WIDTH)):
            bar[i] = mark if bar[i] == FREE else SHARED
    return Row(step.name, sum(used), "".join(bar))


def _mark(plan: Plan, inputs: tuple[str, ...], output: str, name: str) -> str:
    def root(value: str) -> str:
        return plan.views[value].buffer if value in plan.views else value

    if name == root(output):
        return OUTPUT
    if name in {root(value) for value in inputs}:
        return INPUT
    return LIVE if name in plan.graph.values else SCRATCH
