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
PARTS = (0.75, 0.5, 0.3, 0.15)  # of what is spare that are tried

# gives the buffers of steps their offsets, an arena of so many bytes is enough; returns its lower bound as well
Place = Callable[[Sequence["Step"], int], tuple[Mapping[str, "Buffer"], int]]
Known = dict[tuple[int, int], Params]  # strips of one shape have one object, as it is with scratch too
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
    known: Known = {}
    given = [0] * len(steps)
    best = _given(steps, given, room, known)
    buffers, _ = place(best, 0)
    smallest = _arena(buffers)
    more = -(-(smallest + min(smallest // 8, MOST_ROOM)) // GRAIN) * GRAIN
    limit = max(room, smallest) if room else more
    strips: dict[str, list[int]] = {}
    for index, step in enumerate(steps):
        strips.setdefault(layers.get(step.name, step.name), []).append(index)
    every = list(strips.values())
    others = beside(best, buffers)
    taken = [max(others[index] for index in indices) for indices in every]
    spare = [max(0, limit - bytes_) for bytes_ in taken]
    most = _of_steps(every, spare)
    for _ in range(ATTEMPTS):
        limits = _of_steps(every, spare)
        roomy = _given(steps, limits, room, known)
        buffers, bound = place(roomy, 0)
        arena = _arena(buffers)
        if arena <= limit:
            best, given = roomy, limits
            if arena == bound:
                break
        full = min(arena, limit) * 7 // 8
        for layer, indices in enumerate(every):
            scratch = max(roomy[index].params.scratch_bytes for index in indices)
            if taken[layer] + scratch > full:
                spare[layer] = min(spare[layer], scratch * 7 // 8)
    return _raised(steps, place, every, given, most, limit=limit, known=known) if room else best


def _of_steps(layers: Sequence[Sequence[int]], spare: Sequence[int]) -> list[int]:
    """Return by step what its layer has."""
    found = {index: bytes_ for indices, bytes_ in zip(layers, spare, strict=True) for index in indices}
    return [found[index] for index in range(len(found))]


def _raised(
    steps: Sequence[Step],
    place: Place,
    layers: Sequence[Sequence[int]],
    given: Sequence[int],
    most: Sequence[int],
    *,
    limit: int,
    known: Known,
) -> tuple[Step, ...]:
    """Give one layer after the other as much as fits the arena, where the attempts at all of them have left room."""

    def fits(tried: Sequence[Step]) -> bool:
        return _arena(place(tried, limit)[0]) <= limit

    if not any(given):
        parts = ([int(part * full) for full in most] for part in PARTS)
        given = next((limits for limits in parts if fits(_given(steps, limits, limit, known))), given)
    best = _given(steps, given, limit, known)
    for indices in layers:
        if not _has_choice(steps[indices[0]].params, limit):
            continue
        full = most[indices[0]] if _is_sized(steps[indices[0]].params) else limit
        for part in (1.0, *PARTS):
            more = int(part * full)
            if more <= given[indices[0]]:
                break
            limits = [more if index in indices else old for index, old in enumerate(given)]
            tried = _given(steps, limits, limit, known)
            if all(_same(tried[index].params, best[index].params) for index in indices):
                break
            if fits(tried):
                best, given = tried, limits
                break
    return best


def _same(a: Params, b: Params) -> bool:
    return a.kernel == b.kernel and a.scratch_bytes == b.scratch_bytes


def _has_choice(params: Params, room: int) -> bool:
    """Whether a kernel takes a choice of scratch, or in so much room of the arena has another one instead of it."""
    return _is_sized(params) or (room > 0 and type(params).frugal is not Params.frugal)


def _is_sized(params: Params) -> bool:
    """Whether a kernel takes as much scratch as there is; others take theirs, or other kernels do with less."""
    return type(params).with_scratch is not Params.with_scratch


def _given(steps: Sequence[Step], limits: Sequence[int], room: int, known: Known) -> tuple[Step, ...]:
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
