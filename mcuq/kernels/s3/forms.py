"""Which form serves a group of 16 channels on the ESP32-S3's vector unit, with the proof that it gives every output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mcuq.floors import LARGEST, LEAST, Floors, Sums, floors
from mcuq.kernels.channels import Channels, Rounding
from mcuq.kernels.s3.records import CUT_BITS, LANE_BITS, LANES, LONG, MIDDLE, NARROW, PART_BITS, SIGNED, WIDE, Group
from mcuq.tensor import Array

LANE = (-(1 << 19), (1 << 19) - 1)
COUNTER = (-128, 127)
WINDOWS = {  # of sums: what is beyond becomes one of these
    NARROW: (-(1 << 15), (1 << 15) - 1),
    MIDDLE: (-(1 << 16), (1 << 16) - 257),
    SIGNED: (-(1 << 16), (1 << 16) - 257),
    WIDE: LANE,
    LONG: LANE,
}
ROOM = {NARROW: 0, MIDDLE: 0, SIGNED: 1, WIDE: PART_BITS, LONG: PART_BITS}  # bits of factors, or of kinks, left free
CUT_ENDS = (-121 * 4096 - 1 + 4096, 127 * 4096)  # outputs beyond must be the least and the largest, as those here
EXPONENTS = (-3, 24)  # of right shifts
SIGNED_ADDENDS = 1 << 16 + CUT_BITS + 15
LIMITED = (
    (SIGNED, False),
    (SIGNED, True),
    (WIDE, False),
    (LONG, False),
    (LONG, True),
)  # the cores limit what these give
TRIED = ((NARROW, False), (MIDDLE, False), *LIMITED)  # the fewest instructions first


class Grouping(NamedTuple):
    """A layer's groups, and where its long sums are cut."""

    groups: list[Group]
    cuts: tuple[int, ...]  # () if there are none

    @property
    def is_long(self) -> int:
        """1 where some sums are long."""
        return int(any(group.form == LONG for group in self.groups))


class Part(NamedTuple):
    """The channels of one group: weights [16, taps], what sums begin with, and what becomes of them."""

    weights: Array
    folded: Array
    sums: Sums


def grouped(channels: Channels, rounding: Rounding, cuttings: Sequence[tuple[int, ...]] = ()) -> Grouping | None:
    """Return a layer's groups, each in the first form that serves it.

    Args:
        channels: of the portable kernel, which subtracts the input's zero point; weights in the order of the taps.
        rounding: of the layer.
        cuttings: ways to cut long sums, to try in order: numbers of taps behind which a cut is, last of all taps.

    Returns:
        None where a floor is not proven, or a sum may leave its lane.
    """
    channels = _filled_up(channels)
    folded = channels.bias.astype(np.int64) - rounding.input_zero_point * channels.weights.sum(axis=1, dtype=np.int64)
    sums = _sums(channels, folded, rounding.output_zero_point)
    slices = [slice(first, first + LANES) for first in range(0, len(folded), LANES)]
    parts = [Part(channels.weights[at], folded[at], sums.of(at)) for at in slices]
    return served(parts, (rounding.low, rounding.high) != (LEAST, LARGEST), cuttings)


def served(parts: Sequence[Part], limited: bool, cuttings: Sequence[tuple[int, ...]] = ()) -> Grouping | None:
    """Return the groups of 16 channels each in the first form that serves it; see :func:`grouped`.

    Args:
        parts: of the channels.
        limited: whether outputs are limited within int8.
        cuttings: ways to cut long sums.
    """
    forms = LIMITED if limited else TRIED
    short = [_first(part, [(form, kinked) for form, kinked in forms if form != LONG], ()) for part in parts]
    for cuts in ((), *cuttings):
        long = [(form, kinked) for form, kinked in forms if form == LONG and cuts]
        groups = [found or _first(part, long, cuts) for part, found in zip(parts, short, strict=True)]
        all_found = [group._replace(limited=limited) for group in groups if group]
        if len(all_found) == len(parts):
            return Grouping(all_found, cuts)
    return None


def _filled_up(channels: Channels) -> Channels:
    """Add channels of zeros until they are a multiple of 16; their multiplier is one that a neighbour has."""
    count = len(channels.weights)
    scales = (np.broadcast_to(values, count) for values in (channels.multiplier, channels.shift))
    more = -count % LANES
    multiplier, shift = (np.pad(values, (0, more), mode="edge") for values in scales)
    return Channels(np.pad(channels.weights, ((0, more), (0, 0))), np.pad(channels.bias, (0, more)), multiplier, shift)


def _sums(channels: Channels, folded: Array, zero_point: int) -> Sums:
    weights = channels.weights.astype(np.int64)
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    shape = folded.shape
    return Sums(
        folded + LEAST * positive + LARGEST * negative,
        folded + LARGEST * positive + LEAST * negative,
        np.broadcast_to(channels.multiplier, shape).astype(np.int64),
        np.broadcast_to(channels.shift, shape).astype(np.int64),
        zero_point,
    )


def _first(part: Part, forms: Sequence[tuple[int, bool]], cuts: tuple[int, ...]) -> Group | None:
    found = (_floored(part, form, kinked, cuts) for form, kinked in forms)
    return next((group for group in found if group), None)


def _floored(part: Part, form: int, kinked: bool, cuts: tuple[int, ...]) -> Group | None:
    weights, folded, sums = part
    first, last = (sums.outputs(x) for x in (sums.low, sums.high))
    constant = first == last
    exponents = -sums.shift[~constant]
    if np.any((sums.multiplier <= 0) & ~constant) or np.any((exponents < EXPONENTS[0]) | (exponents > EXPONENTS[1])):
        return None
    found = floors(sums, int(exponents.min(initial=EXPONENTS[1])) - ROOM[form], kinked)
    proven = _proven(part, found, form, cuts)
    if form in (SIGNED, LONG) and not kinked:
        centered = _centered(found, sums)
        found, proven = found.where(proven, centered), proven | _proven(part, centered, form, cuts)
    if not np.all(constant | proven):
        return None
    group = Group(folded - found.origin, weights, found.factor, found.addend, found.kink, found.shift, form)
    return _with_constants(group, constant, first)


def _proven(part: Part, found: Floors, form: int, cuts: tuple[int, ...]) -> Array:
    """Whether a form gives every output, per channel."""
    start = part.folded - found.origin
    reach = np.stack([part.sums.low, part.sums.high]) - found.origin
    ends = CUT_ENDS if form == LONG else WINDOWS[form]
    held = _cut(part.weights, start, cuts) if form == LONG else _held(part.weights, start, found)
    kept = _kept(reach, found, WINDOWS[form], ends)
    return np.asarray((found.found == 1) & held & kept & (np.abs(found.addend) < SIGNED_ADDENDS))


def _centered(found: Floors, sums: Sums) -> Floors:
    """Return the same floors with the middle of all sums as the origin: for large biases beside small weights."""
    middle = (sums.low + sums.high) >> 1
    return found._replace(origin=middle, addend=found.addend + (middle - found.origin) * found.factor)


def _products(weights: Array) -> tuple[Array, Array]:
    """Return the least and the largest product of every tap with an input."""
    products = np.stack([LEAST * weights.astype(np.int64), LARGEST * weights.astype(np.int64)])
    return products.min(axis=0), products.max(axis=0)


def _cut(weights: Array, start: Array, cuts: tuple[int, ...]) -> Array:
    """Whether no lane and no counter of a sum saturates that is cut behind some taps, per channel."""
    lowest, highest = _products(weights)
    low, high = start.copy(), start.copy()
    served = np.ones(len(start), bool)
    for first, end in zip((0, *cuts[:-1]), cuts, strict=True):
        served &= (low >> CUT_BITS >= COUNTER[0]) & (high >> CUT_BITS <= COUNTER[1])
        rest = (1 << CUT_BITS) - 1  # what a lane may hold before the piece
        served &= np.cumsum(lowest[:, first:end], axis=1).min(axis=1, initial=0) >= LANE[0]
        served &= np.cumsum(highest[:, first:end], axis=1).max(axis=1, initial=0) + rest <= LANE[1]
        low += lowest[:, first:end].sum(axis=1)
        high += highest[:, first:end].sum(axis=1)
    return np.asarray(served & (low >> CUT_BITS >= COUNTER[0]) & (high >> CUT_BITS <= COUNTER[1]))


def _held(weights: Array, start: Array, found: Floors) -> Array:
    """Whether lanes of 20 bits give every output, per channel.

    A sum that saturates on its way is wrong from there on, which does not matter where the taps that follow cannot
    bring it back to where outputs differ: in the order of the taps, for all inputs.
    """
    products = _products(weights)
    lowest, highest = (start[:, np.newaxis] + np.cumsum(part, axis=1) for part in products)
    falls, rises = (part.sum(axis=1, keepdims=True) - np.cumsum(part, axis=1) for part in products)
    # from the top on the output is the largest, whatever the sign, and up to the bottom it is the least
    top = -((found.addend - found.kink - (LARGEST << found.shift)) // found.factor)
    bottom = ((LEAST + 1 << found.shift) - 1 - found.addend) // found.factor
    up = (highest <= LANE[1]) | (LANE[1] + falls >= top[:, np.newaxis])
    down = (lowest >= LANE[0]) | (LANE[0] + rises <= bottom[:, np.newaxis])
    inside = (start >= LANE[0]) & (start <= LANE[1])
    return np.asarray(inside & np.all(up & down, axis=1))


def _kept(reach: Array, found: Floors, window: tuple[int, int], ends: tuple[int, int]) -> Array:
    """Whether sums beyond a window, which become some others beyond its ends, give their outputs, per channel."""
    at_low, at_high = (found.factor * end + found.addend - found.kink * (end < 0) >> found.shift for end in ends)
    return np.asarray(((reach[0] >= window[0]) | (at_low <= LEAST)) & ((reach[1] <= window[1]) | (at_high >= LARGEST)))


def _with_constants(group: Group, constant: Array, output: Array) -> Group | None:
    """Let channels of one output have weights of 0, and a sum that the shift makes their output."""
    room = LANE_BITS - 8 if group.form in (WIDE, LONG) else 8
    factor = min(30 - ROOM[group.form], group.shift)
    if np.any(constant) and group.shift - factor > room:
        return None
    return group._replace(
        start=np.where(constant, output << (group.shift - factor), group.start),
        weights=np.where(constant[:, np.newaxis], 0, group.weights).astype(np.int8),
        factor=np.where(constant, 1 << factor, group.factor),
        addend=np.where(constant, 0, group.addend),
        kink=np.where(constant, 0, group.kink),
    )
