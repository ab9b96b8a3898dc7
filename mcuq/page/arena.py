"""The arena over time as boxes: what lies where during which steps, and how much is in use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mcuq.plan import Buffer, Plan
from mcuq.plan.arrivals import progress_of
from mcuq.tensor import shown

Kind = Literal["tensor", "rows", "scratch"]


@dataclass(frozen=True)
class Box:
    """Bytes ``offset`` to ``end`` of the arena that hold something during steps ``first`` to ``last``, both counted.

    ``kind`` "rows": of a chain, all strips of a value, one after the other.
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    offset: int
    bytes: int
    first: int
    last: int

    @property
    def end(self) -> int:
        """Return the first byte after the box."""
        return self.offset + self.bytes


@dataclass(frozen=True)
class Span:
    """Steps ``first`` to ``last`` compute a chain of layers in strips of rows."""

    name: str
    first: int
    last: int


@dataclass(frozen=True)
class Arena:
    """The arena during every step.

    ``bound`` is what no arrangement can go below, ``used`` the bytes in use by step, ``peak`` the step with the most.
    """

    bytes: int
    bound: int
    steps: tuple[str, ...]
    used: tuple[int, ...]
    peak: int
    boxes: tuple[Box, ...]
    chains: tuple[Span, ...]

    @property
    def at_peak(self) -> tuple[Box, ...]:
        """What is in use at the peak, the largest first."""
        live = [box for box in self.boxes if box.first <= self.peak <= box.last]
        return tuple(sorted(live, key=lambda box: (-box.bytes, box.name)))


def arena_of(plan: Plan) -> Arena:
    """Return what lies in a plan's arena, and when."""
    used = tuple(_used(plan, index) for index in range(len(plan.steps)))
    peak = max(range(len(used)), key=used.__getitem__, default=0)
    names = tuple(step.name for step in plan.steps)
    return Arena(plan.arena_bytes, plan.arena_bound, names, used, peak, tuple(_boxes(plan)), tuple(_chains(plan)))


def _used(plan: Plan, index: int) -> int:
    """Return how many bytes are in use during a step: those that buffers share count once."""
    live = [(b.offset, b.end) for b in plan.buffers.values() if b.region == "arena" and b.first <= index <= b.last]
    total, reached = 0, 0
    for start, end in sorted(live):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _boxes(plan: Plan) -> Iterator[Box]:
    """Yield the boxes; of strips that follow each other at one place a single one."""
    strips: dict[tuple[str, int], list[Box]] = {}
    for name, buffer in plan.buffers.items():
        if buffer.region != "arena":
            continue
        box = _box(plan, name, buffer)
        if not (name in plan.strips.memory or _strip_scratch(plan, name)):
            yield box
        else:
            strips.setdefault((box.name, box.offset), []).append(box)
    for boxes in strips.values():
        yield from _merged(sorted(boxes, key=lambda box: box.first))


def _box(plan: Plan, name: str, buffer: Buffer) -> Box:
    last = min(buffer.last, len(plan.steps) - 1)
    place = (buffer.offset, buffer.bytes, max(buffer.first, 0), last)
    if name == progress_of(plan.graph.inputs[0]):
        return Box("how far the rows have come", "scratch", (buffer.bytes,), *place)
    if name not in plan.graph.values:
        layer = _strip_scratch(plan, name) or name.removesuffix("_scratch").removesuffix(".scratch")
        return Box(f"scratch of {layer}", "scratch", (buffer.bytes,), *place)
    shape = plan.graph.values[name].shape
    if name in plan.strips.memory:
        return Box(f"rows of {plan.strips.memory[name].removesuffix('.strips')}", "rows", shape, *place)
    return Box(name, "tensor", shape, *place)


def _strip_scratch(plan: Plan, name: str) -> str:
    """Return the layer whose strip a scratch buffer is of; empty: of none."""
    step = next((step.name for step in plan.steps if step.scratch == name), "")
    return plan.strips.layers.get(step, "")


def _merged(boxes: Sequence[Box]) -> Iterator[Box]:
    """Join boxes of one place that follow each other; between strips of a turn there is but a step or two."""
    now = boxes[0]
    for box in boxes[1:]:
        if box.first <= now.last + len(boxes):
            larger = box if box.bytes > now.bytes else now
            now = replace(larger, first=now.first, last=max(now.last, box.last))
        else:
            yield now
            now = box
    yield now


def _chains(plan: Plan) -> Iterator[Span]:
    """Yield the chains that are computed in strips."""
    steps: dict[int, list[int]] = {}
    for index, step in enumerate(plan.steps):
        if step.name in plan.strips.turns:
            steps.setdefault(plan.strips.turns[step.name][0], []).append(index)
    for (_, places), name in zip(sorted(steps.items()), plan.strips.spans, strict=True):
        yield Span(shown([name]), min(places), max(places))


@dataclass(frozen=True)
class Label:
    """A name in the middle of its box, in percent from the left and from the bottom."""

    text: str
    left: float
    bottom: float


LEAST_PLOT = (540, 210)  # pixels of the plot where labels are shown, at the least
LETTER, LINE = 6.9, 15  # pixels
HEIGHTS = (0.5, 0.7, 0.3, 0.85, 0.15)  # in a box, where its name may stand


def labels(arena: Arena) -> tuple[Label, ...]:
    """Return names for the boxes that have room for theirs, the largest first."""
    found: list[Label] = []
    taken: list[tuple[float, float, float]] = []  # middle, in pixels, and half a width
    for box in sorted(arena.boxes, key=lambda box: (-box.bytes * (box.last - box.first + 1), box.offset, box.first)):
        left, width = (n / len(arena.steps) * LEAST_PLOT[0] for n in (box.first, box.last - box.first + 1))
        bottom, height = (n / arena.bytes * LEAST_PLOT[1] for n in (box.offset, box.bytes))
        half = len(box.name) * LETTER / 2 + 3
        if width < 2 * half or height < LINE:
            continue
        places = [(left + width / 2, bottom + part * height, half) for part in HEIGHTS]
        place = next((p for p in places if _within(p, height, bottom) and not any(_meet(p, q) for q in taken)), None)
        if place:
            taken.append(place)
            found.append(
                Label(box.name, *(round(100 * n / most, 2) for n, most in zip(place, LEAST_PLOT, strict=False)))
            )
    return tuple(found)


def _within(place: tuple[float, float, float], height: float, bottom: float) -> bool:
    return bottom + LINE / 2 <= place[1] <= bottom + height - LINE / 2


def _meet(a: tuple[float, float, float], b: tuple[float, float, float]) -> bool:
    return abs(a[0] - b[0]) < a[2] + b[2] and abs(a[1] - b[1]) < LINE
