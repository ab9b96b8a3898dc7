"""How much scratch each kernel gets: as much as makes it faster and hardly enlarges the arena.

Where an amount of memory is to be met, kernels may be others that do with less.
"""

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
PARTS = (0.75, 0.5, 0.3, 0.15)  # of what is spare, for all kernels, where the attempts have failed

# gives the buffers of steps their offsets, an arena of so many bytes is enough; returns its lower bound as well
Place = Callable[[Sequence["Step"], int], tuple[Mapping[str, "Buffer"], int]]
Beside = Callable[[Sequence["Step"], Mapping[str, "Buffer"]], list[int]]


def with_scratch(
    steps: Sequence[Step], place: Place, beside: Beside, layers: Mapping[str, str], room: int = 0
) -> tuple[Step, ...]:
    """Give every kernel that takes a choice of scratch the memory that others leave free at its time.

    The limit is the arena with the least scratch, and a little more. What does not fit between the buffers, or leaves
    the arena above its lower bound, is tried again with less.

    Args:
        steps: as lowered.
        place: places the buffers of steps.
        beside: tells what is taken at the time of each step, scratch not counted.
        layers: by step, the layer that it is a strip of; all strips of a layer get the same.
        room: bytes of the arena that may be filled; 0: a little more than it is with the least scratch.
    """
    if not any(_has_choice(step.params, room) for step in steps):
        return tuple(steps)
    best = least = _given(steps, [0] * len(steps), room)
    buffers, _ = place(best, 0)
    smallest = _arena(buffers)
    more = -(-(smallest + min(smallest // 8, MOST_ROOM)) // GRAIN) * GRAIN
    limit = max(room, smallest) if room else more
    strips: dict[str, list[int]] = {}
    for index, step in enumerate(steps):
        strips.setdefault(layers.get(step.name, step.name), []).append(index)
    every = strips.values()
    others = beside(best, buffers)
    taken = [max(others[index] for index in indices) for indices in every]
    spare = [max(0, limit - bytes_) for bytes_ in taken]
    most_spare = list(spare)
    for _ in range(ATTEMPTS):
        limits = {index: most for indices, most in zip(every, spare, strict=True) for index in indices}
        roomy = _given(steps, [limits[index] for index in range(len(steps))], room)
        buffers, bound = place(roomy, 0)
        arena = _arena(buffers)
        if arena <= limit:
            best = roomy
            if arena == bound:
                break
        full = min(arena, limit) * 7 // 8
        for layer, indices in enumerate(every):
            scratch = max(roomy[index].params.scratch_bytes for index in indices)
            if taken[layer] + scratch > full:
                spare[layer] = min(spare[layer], scratch * 7 // 8)
    return _by_parts(steps, place, list(every), most_spare, limit) if room and best is least else best


def _by_parts(
    steps: Sequence[Step], place: Place, layers: Sequence[Sequence[int]], spare: Sequence[int], limit: int
) -> tuple[Step, ...]:
    """Give all layers a part of what is spare, then one after the other all of it, as long as all fit the arena."""

    def fits(limits: Sequence[int]) -> bool:
        return _arena(place(_given(steps, limits, limit), limit)[0]) <= limit

    full = [0] * len(steps)
    for indices, most in zip(layers, spare, strict=True):
        for index in indices:
            full[index] = most
    parts = ([int(part * most) for most in full] for part in PARTS)
    given = next((limits for limits in parts if fits(limits)), [0] * len(steps))
    for indices in layers:
        if _has_choice(steps[indices[0]].params, limit):
            tried = [full[index] if index in indices else old for index, old in enumerate(given)]
            given = tried if fits(tried) else given
    return _given(steps, given, limit)


def _has_choice(params: Params, room: int) -> bool:
    """Whether a kernel takes a choice of scratch, or in so much room of the arena has another one instead of it."""
    kind = type(params)
    return kind.with_scratch is not Params.with_scratch or (room > 0 and kind.frugal is not Params.frugal)


def _given(steps: Sequence[Step], limits: Sequence[int], room: int) -> tuple[Step, ...]:
    known: dict[tuple[int, int], Params] = {}  # strips of one shape have one object, as it is with scratch too

    def given(params: Params, limit: int) -> Params:
        key = id(params), limit
        if key not in known:
            known[key] = params.frugal(limit) if room else params.with_scratch(limit)
        return known[key]

    chosen = [given(step.params, limit) for step, limit in zip(steps, limits, strict=True)]
    return tuple(
        replace(step, params=params, scratch=step.scratch if params.scratch_bytes else "")
        for step, params in zip(steps, chosen, strict=True)
    )


def _arena(buffers: Mapping[str, Buffer]) -> int:
    return max((b.end for b in buffers.values() if b.region == "arena"), default=0)
