"""How much scratch each kernel gets: as much as makes it faster and hardly enlarges the arena."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mcuq.ops.base import Params

if TYPE_CHECKING:
    from mcuq.plan import Buffer, Step

MOST_ROOM = 1024  # bytes, or an eighth, that the arena may grow
GRAIN = 512  # its limit is a multiple of this
ATTEMPTS = 8

Place = Callable[[Sequence["Step"]], tuple[Mapping[str, "Buffer"], int]]  # buffers with offsets, the arena's lower bound


def with_workspaces(steps: Sequence[Step], place: Place) -> tuple[Step, ...]:
    """Give every kernel that takes a choice of scratch the memory that others leave free at its time.

    The limit is the arena with the least scratch, and a little more. What does not fit between the buffers, or leaves
    the arena above its lower bound, is tried again with less.

    Args:
        steps: as lowered.
        place: places the buffers of steps.
    """
    if all(type(step.params).with_scratch is Params.with_scratch for step in steps):
        return tuple(steps)
    best = _with_scratch(steps, [0] * len(steps))
    buffers, _ = place(best)
    smallest = _end(buffers.values())
    limit = -(-(smallest + min(smallest // 8, MOST_ROOM)) // GRAIN) * GRAIN
    taken = [_taken(step, index, buffers) for index, step in enumerate(best)]
    spare = [max(0, limit - bytes_) for bytes_ in taken]
    for _ in range(ATTEMPTS):
        roomy = _with_scratch(steps, spare)
        buffers, bound = place(roomy)
        arena = _end(buffers.values())
        if arena <= limit:
            best = roomy
            if arena == bound:
                break
        tight = [t + step.params.scratch_bytes > min(arena, limit) * 7 // 8 for t, step in zip(taken, roomy, strict=True)]
        less = [step.params.scratch_bytes * 7 // 8 for step in roomy]
        spare = [min(s, part) if is_tight else s for s, part, is_tight in zip(spare, less, tight, strict=True)]
    return best


def _with_scratch(steps: Sequence[Step], limits: Sequence[int]) -> tuple[Step, ...]:
    changed = (replace(s, params=s.params.with_scratch(limit)) for s, limit in zip(steps, limits, strict=True))
    return tuple(changed)


def _end(buffers: Sequence[Buffer] | object) -> int:
    return max((b.end for b in buffers if b.region == "arena"), default=0)  # type: ignore[attr-defined]


def _taken(step: Step, index: int, buffers: Mapping[str, Buffer]) -> int:
    """Return the bytes of the arena that a step's time leaves to nobody else, if its output lay in its input."""
    live = {n: b for n, b in buffers.items() if b.region == "arena" and b.first <= index <= b.last}
    total = sum(b.bytes for name, b in live.items() if name != step.scratch)
    dying = [b.bytes for b in live.values() if b.last == index and b.first < index]
    born = [b.bytes for b in live.values() if b.first == index and b.last > index]
    return total - min(max(dying, default=0), max(born, default=0))
