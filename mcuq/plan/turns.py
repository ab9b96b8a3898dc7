"""When buffers are in use where chains run in turns: all strips of a value have one place, in use at one time of each.

Time is counted in places of a turn. A buffer that lives from one turn to the next is in use during all of a turn.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from mcuq.ops.base import Overlap
from mcuq.passes.chains import Strips
from mcuq.plan import NO_STEP, Buffer, Step

Nearness = Mapping[tuple[str, str], tuple[int, Overlap]]


def moments(steps: Sequence[Step], strips: Strips) -> list[int]:
    """Return the time of every step: its index, or that of its place in the turns of its chain."""
    found: list[int] = []
    start, chain, last = 0, -1, -1
    for step in steps:
        number, place = strips.turns.get(step.name, (-1, 0))
        if number != chain or number < 0:
            start, chain = last + 1, number
        found.append(start + place)
        last = max(last, found[-1])
    return found


def shared(buffers: Mapping[str, Buffer], steps: Sequence[Step], strips: Strips) -> dict[str, str]:
    """Return for every buffer the name of the place that it lies in: its own, or that of all strips of a value.

    Strips of a value whose buffers live at the same time, beyond the step that moves rows from one to the next, have
    places of their own.
    """
    scratch = {step.scratch: f"{strips.layers.get(step.name, step.name)}.scratch" for step in steps if step.scratch}
    places = {name: scratch.get(name) or strips.memory.get(name, name) for name in buffers}
    at: dict[str, list[Buffer]] = {}
    for name, buffer in buffers.items():
        at.setdefault(places[name], []).append(buffer)
    apart = {place for place, held in at.items() if not _take_turns(held)}
    return {name: name if place in apart else place for name, place in places.items()}


def _take_turns(held: Sequence[Buffer]) -> bool:
    ordered = sorted(held, key=lambda buffer: (buffer.first, buffer.last))
    return all(b.first >= a.last for a, b in pairwise(ordered))


def folded(buffers: Mapping[str, Buffer], times: Sequence[int], places: Mapping[str, str]) -> dict[str, Buffer]:
    """Return one buffer per place: as large as the largest that lies there, in use whenever one of them is."""
    found: dict[str, Buffer] = {}
    end = max(times, default=-1) + 1
    for name, buffer in buffers.items():
        during = times[max(buffer.first, 0) : buffer.last + 1]
        first = -1 if buffer.first < 0 else min(during, default=end)
        last = end if buffer.last >= len(times) else max(during, default=first)
        old = found.get(places[name])
        if old is None:
            found[places[name]] = replace(buffer, first=first, last=last)
        else:
            size, alignment = max(old.bytes, buffer.bytes), math.lcm(old.alignment, buffer.alignment)
            first, last = min(old.first, first), max(old.last, last)
            found[places[name]] = replace(old, bytes=size, alignment=alignment, first=first, last=last)
    return found


def taken(buffers: Mapping[str, Buffer], steps: Sequence[Step], strips: Strips, overtaken: Nearness) -> list[int]:
    """Return by step the bytes of the arena that its time leaves to nobody else, if its output lay in its input.

    Args:
        buffers: of the arena.
        steps: of the plan.
        strips: what they were made from.
        overtaken: pairs that no single step lets share bytes.
    """
    places, times = shared(buffers, steps, strips), moments(steps, strips)
    folds = folded(buffers, times, places)
    near = near_places(overtaken, buffers, folds, places)
    spared = {(a, b): _spared(folds[a], folds[b], overlap) for (a, b), overlap in near.items()}
    scratch = {places[step.scratch] for step in steps if step.scratch}
    known: dict[tuple[int, str], int] = {}
    for step, time in zip(steps, times, strict=True):
        own = places.get(step.scratch, "")
        if (time, own) not in known:
            live = {name: b for name, b in folds.items() if name != own and b.first <= time <= b.last}
            known[time, own] = _taken(live, time, scratch, spared)
    return [known[time, places.get(step.scratch, "")] for step, time in zip(steps, times, strict=True)]


def _taken(
    live: Mapping[str, Buffer], time: int, scratch: Collection[str], spared: Mapping[tuple[str, str], int]
) -> int:
    total = sum(b.bytes for b in live.values())
    dying = [b.bytes for name, b in live.items() if b.last == time and name not in scratch]  # the model's input too
    born = [b.bytes for b in live.values() if b.first == time and b.last > time]
    lasting = sum(size for (a, b), size in spared.items() if a in live and b in live)
    return total - min(max(dying, default=0), max(born, default=0)) - lasting


def _spared(a: Buffer, b: Buffer, overlap: Overlap) -> int:
    """Return the bytes that two buffers have in common where the second lies as near the first as it may."""
    return a.bytes + b.bytes - max(a.bytes + max(overlap.before or 0, 0), b.bytes)


def near_places(
    near: Nearness, buffers: Mapping[str, Buffer], folds: Mapping[str, Buffer], places: Mapping[str, str]
) -> dict[tuple[str, str], Overlap]:
    """Return the pairs of places that a step lets run into each other whenever both are in use."""
    found: dict[tuple[str, str], Overlap] = {}
    for (a, b), (index, overlap) in near.items():
        pair = places[a], places[b]
        if pair[0] == pair[1] or (index != NO_STEP and folds[pair[0]].last != folds[pair[1]].first):
            continue
        old = found.get(pair, overlap)
        found[pair] = Overlap(_larger(old.before, overlap.before), _larger(old.after, overlap.after))
    at: dict[str, list[str]] = {}
    for name, place in places.items():
        at.setdefault(place, []).append(name)
    return {pair: overlap for pair, overlap in found.items() if _always(near, buffers, at[pair[0]], at[pair[1]])}


def _always(near: Nearness, buffers: Mapping[str, Buffer], first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether a step connects any two buffers of two places that live at the same time."""
    if len(first) == len(second) == 1:
        return True
    return all((a, b) in near for a in first for b in second if buffers[a].is_live_with(buffers[b]))


def _larger(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else max(a, b)
