"""Where buffers lie in the arena: heuristics, the lower bound, and the exact solver where they differ.

A buffer is bytes that live from one step to another. Two that live at the same time must not share a byte, except
where a step lets its output run into its input: then the output's offset may be anything but ``-before < output -
input < after``.
"""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

Offsets = npt.NDArray[np.int64]

FIXED_ORDERS = 4
ATTEMPTS = 32  # from each of them on
STRIDES = 5  # places that a buffer comes sooner: 1 to so many
SHUFFLES = 64  # orders tried beside the fixed ones, while there is a gap
SHUFFLED_BUFFERS = 400  # with more buffers than this, a shuffle costs more than it gains
EXACT_BUFFERS = 300
EXACT_SECONDS = 5.0  # CP-SAT's deterministic time, near to seconds


@dataclass(frozen=True)
class Item:
    """A buffer: bytes, and the first and last step that use it."""

    bytes: int
    first: int
    last: int
    alignment: int = 1


@dataclass(frozen=True)
class Near:
    """How near the second of two buffers may come: ``before`` bytes ahead of the first's start, ``after`` behind it."""

    before: int
    after: int


Pairs = Mapping[tuple[int, int], Near]  # (input, output) of one step


@dataclass(frozen=True)
class Placement:
    """Offsets per buffer; ``bytes`` is the arena they need, ``bound`` what no arrangement can go below."""

    offsets: tuple[int, ...]
    bytes: int
    bound: int

    @property
    def gap(self) -> int:
        """Bytes between the arena and its lower bound."""
        return self.bytes - self.bound


def place(items: Sequence[Item], pairs: Pairs, exact: bool = True, enough: int = 0) -> Placement:
    """Find offsets; deterministic. An arena of ``enough`` bytes or less is as good as any, and all others are as bad.

    Best fit in several orders; shuffled ones while the lower bound is not reached, then those in which the buffer that
    ends last comes sooner; then, where OR-tools is installed (``pip install "mcuq[solver]"``) and the model is not too
    large, CP-SAT under a time limit. The last two not unless ``exact``.
    """
    if not items:
        return Placement((), 0, 0)
    arena = _Arena(items, pairs)
    bound = lower_bound(items, pairs)
    best: Offsets | None = None
    for order in _orders(items):
        offsets = arena.best_fit(order)
        if best is None or arena.end(offsets) < arena.end(best):
            best = offsets
        if arena.end(best) <= max(bound, enough) or 0 < enough < bound:
            break
    assert best is not None
    if exact and arena.end(best) > bound and len(items) <= EXACT_BUFFERS:
        best = min((best, *_sooner(arena, bound)), key=arena.end)
    if exact and arena.end(best) > bound and len(items) <= EXACT_BUFFERS:
        best = _solve(arena, best, bound)
    return Placement(tuple(int(o) for o in best), arena.end(best), bound)


def _orders(items: Sequence[Item]) -> Iterator[list[int]]:
    """Yield orders of placing: by size, by time, by life, then shuffles of the first (fixed seed)."""
    every = range(len(items))
    by_size = sorted(every, key=lambda i: (-items[i].bytes, items[i].first))
    yield by_size
    yield sorted(every, key=lambda i: (items[i].first, -items[i].bytes))
    yield sorted(every, key=lambda i: (items[i].first - items[i].last, -items[i].bytes))
    yield sorted(every, key=lambda i: (-items[i].bytes * (items[i].last - items[i].first + 1), items[i].first))
    if len(items) > SHUFFLED_BUFFERS:
        return
    rng = random.Random(0)
    for _ in range(SHUFFLES):
        weights = [items[i].bytes * rng.uniform(0.5, 1.5) for i in every]
        yield sorted(every, key=lambda i: -weights[i])


def _sooner(arena: _Arena, bound: int) -> Iterator[Offsets]:
    """Yield placements of each fixed order in which, step by step, a buffer that ends last is placed sooner."""
    for order in islice(_orders(arena.items), FIXED_ORDERS):
        for attempt in range(ATTEMPTS):
            offsets = arena.best_fit(order)
            yield offsets
            last = order.index(int(np.argmax(offsets + arena.bytes)))
            if arena.end(offsets) <= bound or last == 0:
                break
            order.insert(max(0, last - 1 - attempt % STRIDES), order.pop(last))


class _Arena:
    """Buffers as arrays, for the search."""

    def __init__(self, items: Sequence[Item], pairs: Pairs) -> None:
        self.items, self.pairs = items, pairs
        self.bytes = np.array([item.bytes for item in items], np.int64)
        self.first = np.array([item.first for item in items], np.int64)
        self.last = np.array([item.last for item in items], np.int64)
        self._near: dict[int, list[tuple[int, int, int]]] = {i: [] for i in range(len(items))}
        for (a, b), near in pairs.items():
            self._near[b].append((a, *self.apart(a, b)))
            self._near[a].append((b, near.after, near.before))

    def apart(self, a: int, b: int) -> tuple[int, int]:
        """Return (lo, hi): the offset of b less that of a is at most -lo or at least hi."""
        near = self.pairs.get((a, b))
        if near:
            return near.before, near.after
        return self.items[b].bytes, self.items[a].bytes

    def end(self, offsets: Offsets) -> int:
        """Return the bytes of the arena."""
        return int((offsets + self.bytes).max())

    def best_fit(self, order: Sequence[int]) -> Offsets:
        """Place in this order, each at the lowest offset that those placed before it allow."""
        offsets = np.full(len(order), -1, np.int64)
        for b in order:
            live = (offsets >= 0) & (self.first <= self.last[b]) & (self.first[b] <= self.last)
            low, high = offsets - self.bytes[b], offsets + self.bytes
            for a, lo, hi in self._near[b]:
                low[a], high[a] = offsets[a] - lo, offsets[a] + hi
            alignment, position = self.items[b].alignment, 0
            blocked = np.flatnonzero(live & (high > low + 1))
            for a in blocked[np.argsort(low[blocked], kind="stable")]:
                if low[a] < position < high[a]:
                    position = -(-int(high[a]) // alignment) * alignment
            offsets[b] = position
        return offsets


def lower_bound(items: Sequence[Item], pairs: Pairs) -> int:
    """Return the largest sum of bytes live during one step, outputs lying in inputs as far as they may.

    A pair that shares bytes for more than one step does so beside others.
    """
    steps = max(item.last for item in items) + 1
    total = np.zeros(steps + 1, np.int64)
    for item in items:
        total[item.first] += item.bytes
        total[item.last + 1] -= item.bytes
    live = np.cumsum(total)[:-1]
    saved, lasting = np.zeros(steps, np.int64), np.zeros(steps, np.int64)
    for (a, b), near in pairs.items():
        together = min(
            max(items[a].bytes + max(near.before, 0), items[b].bytes),
            max(items[a].bytes, items[b].bytes + max(near.after, 0)),
        )
        both = slice(max(items[a].first, items[b].first), min(items[a].last, items[b].last) + 1)
        spared = items[a].bytes + items[b].bytes - together
        if both.stop - both.start > 1:
            lasting[both] += spared
        else:
            saved[both] = np.maximum(saved[both], spared)
    largest = max(item.bytes for item in items)
    return max(int((live - saved - lasting).max()), largest)


def _solve(arena: _Arena, hint: Offsets, bound: int) -> Offsets:
    """Minimize exactly with CP-SAT, starting from ``hint``; without OR-tools return the hint.

    CP-SAT runs in a process of its own: in one with TensorFlow its library crashes.
    """
    if importlib.util.find_spec("ortools") is None:
        return hint
    problem = {
        "items": [(item.bytes, item.alignment) for item in arena.items],
        "apart": [(a, b, *(int(d) for d in arena.apart(a, b))) for a, b in _together(arena)],
        "hint": [int(offset) for offset in hint],
        "bound": bound,
        "end": int(arena.end(hint)),
        "seconds": EXACT_SECONDS,
    }
    program = [sys.executable, "-P", str(Path(__file__).with_name("exact_placement.py"))]
    done = subprocess.run(program, input=json.dumps(problem), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return hint
    found = json.loads(done.stdout)
    return np.array(found, np.int64) if found else hint


def _together(arena: _Arena) -> Iterator[tuple[int, int]]:
    """Yield pairs of buffers that live at the same time, (input, output) for those of one step."""
    for b in range(len(arena.items)):
        for a in range(b):
            if arena.first[a] <= arena.last[b] and arena.first[b] <= arena.last[a]:
                yield (b, a) if (b, a) in arena.pairs else (a, b)
