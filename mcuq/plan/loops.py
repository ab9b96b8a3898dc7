"""Steps that repeat: turns of a chain that are alike but for where they read and write, which C writes once."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from mcuq.plan import Plan, root_of
from mcuq.plan.arrivals import stages
from mcuq.plan.tables import distinct_params

LEAST_TURNS = 3  # fewer are not worth a loop
MOST_STEPS = 200  # of a turn


class Place(NamedTuple):
    """Where a value lies: the region that all its addresses count from, or the name of an object, and bytes from it."""

    base: str
    offset: int


class Loop(NamedTuple):
    """Steps ``first`` to ``first + length - 1``, done ``turns`` times; one that is done once is a loop of one turn.

    ``moves`` are, by step of the first turn, the bytes that its places go on by from turn to turn, in the order of
    :func:`places`.
    """

    first: int
    length: int
    turns: int
    moves: tuple[tuple[int, ...], ...]

    @property
    def steps(self) -> range:
        """The steps of the first turn."""
        return range(self.first, self.first + self.length)

    @property
    def end(self) -> int:
        """The first step after all turns."""
        return self.first + self.length * self.turns


def place_of(plan: Plan, value: str) -> Place:
    """Return where a value, or the scratch of a step, lies."""
    buffer, start = plan.locate(value)
    if buffer.region in ("arena", "state"):
        return Place(buffer.region, buffer.offset + start)
    return Place(root_of(value, plan.views), start)


def places(plan: Plan, index: int) -> list[Place]:
    """Return where the inputs, the outputs and the scratch of a step lie."""
    step = plan.steps[index]
    return [place_of(plan, v) for v in (*step.inputs, *step.outputs, *([step.scratch] if step.scratch else []))]


def loops(plan: Plan) -> list[Loop]:
    """Return all steps in their order, as few loops as are found from the first step on.

    Where rows of the input arrive, a loop is one of whole stages, which are alike with the arrival of the next rows, or
    it lies within a stage.
    """
    at = [places(plan, index) for index in range(len(plan.steps))]
    params = distinct_params(plan)
    kinds: list[Hashable] = [(params[step.name], *(place.base for place in at[i])) for i, step in enumerate(plan.steps)]
    offsets = [tuple(place.offset for place in where) for where in at]
    cut = stages(plan)
    ends = [min(steps.stop + 1, len(plan.steps)) for steps in cut]  # what comes next is a part of it
    whole = [tuple(kinds[steps.start : end]) for steps, end in zip(cut, ends, strict=True)]
    moved = [tuple(chain.from_iterable(offsets[steps.start : end])) for steps, end in zip(cut, ends, strict=True)]
    found: list[Loop] = []
    stage = 0
    while stage < len(cut):
        best = _longest(whole, moved, stage)
        if best.turns == 1:
            found += _within(kinds, offsets, cut[stage])
        else:
            first, behind = cut[best.first].start, cut[best.first + best.length].start
            moves = tuple(_moves(offsets, index, behind - first) for index in range(first, behind))
            found.append(Loop(first, behind - first, best.turns, moves))
        stage = best.end
    return found


def _within(kinds: Sequence[Hashable], offsets: Sequence[tuple[int, ...]], steps: range) -> list[Loop]:
    """Return the loops of some steps, which end with them."""
    found: list[Loop] = []
    at = steps.start
    while at < steps.stop:
        found.append(_longest(kinds[: steps.stop], offsets, at))
        at = found[-1].end
    return found


def _longest(kinds: Sequence[Hashable], offsets: Sequence[tuple[int, ...]], first: int) -> Loop:
    """Return the loop from a step on (or from a stage on) that spares most of them."""
    best = Loop(first, 1, 1, ((0,) * len(offsets[first]),))
    for length in _lengths(kinds, first):
        moves = tuple(_moves(offsets, first + k, length) for k in range(length))
        turns = 1 + sum(1 for _ in _alike(kinds, offsets, Loop(first, length, 1, moves)))
        if turns >= LEAST_TURNS and (turns - 1) * length > (best.turns - 1) * best.length:
            best = Loop(first, length, turns, moves)
    return best


def _lengths(kinds: Sequence[Hashable], first: int) -> Iterator[int]:
    """Yield the lengths of turns that begin again with the kind of step that the first is."""
    most = min(MOST_STEPS, (len(kinds) - first) // LEAST_TURNS)
    return (n for n in range(1, most + 1) if kinds[first : first + n] == kinds[first + n : first + 2 * n])


def _moves(offsets: Sequence[tuple[int, ...]], index: int, length: int) -> tuple[int, ...]:
    return tuple(after - before for before, after in zip(offsets[index], offsets[index + length], strict=True))


def _alike(kinds: Sequence[Hashable], offsets: Sequence[tuple[int, ...]], loop: Loop) -> Iterator[int]:
    """Yield the turns after the first for as long as they go on as the second does."""
    starts = range(loop.first, len(kinds) - loop.length + 1, loop.length)
    for before, after in pairwise(starts):
        same = all(
            kinds[before + k] == kinds[after + k] and _moves(offsets, before + k, loop.length) == loop.moves[k]
            for k in range(loop.length)
        )
        if not same:
            return
        yield after
