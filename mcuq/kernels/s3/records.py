"""Channels in groups of 16, as the cores take them: sums in lanes of 20 bits, requantized by floors in lanes of 16.

A sum leaves its lane in one of three forms: as an int16, where that is enough; as its upper 8 and lower 12 bits; or, a
long sum, cut into pieces, after each of which the bits from 15 on go to a counter of 8 bits. A record is what one group
needs, in the order in which it is read; every part begins at a multiple of 16 bytes:

- sums before the first tap, 16 of 20 bits: bits 0 to 127 of the first eight and of the last eight, then bits 128 to 159
  of both; the shift behind the last product, int32; 4 bytes of nothing; of long sums 16 counters, and 15 bits each;
- weights (taps, 16), int8;
- twice, of eight channels, vectors of int16: lower half of the factor, upper of the addend, lower of the addend, upper
  of the factor. Where a sum leaves in two parts: lower half of the factor, lower of 16 times it, lower of the addend,
  upper of the addend, upper of the factor, upper of 16 times it; of long sums, whose addend has more than 32 bits and
  which round by their sign, behind the addend's upper half what is above its lower 15 bits, negated, and the upper half
  of the kink. Lower halves are signed; upper ones make up for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mcuq.floors import LARGEST, LEAST, Floors, Sums, floors
from mcuq.kernels.channels import Channels, Rounding
from mcuq.tensor import Array

LANES = 16
NARROW, WIDE, LONG = 0, 1, 2  # forms
VECTORS = (4, 6, 8)  # of int16 for eight channels, by form
HEAD_BYTES = (48, 48, 64)
SHIFT_AT = 40
LANE_BITS = 20
LANE = (-(1 << 19), (1 << 19) - 1)
INT16 = (-(1 << 15), (1 << 15) - 1)
CUT_BITS = 15
COUNTER = (-128, 127)
CUT_ENDS = (-121 * 4096 - 1 + 4096, 127 * 4096)  # outputs beyond must be the least and the largest, as those here
EXPONENTS = (-3, 24)  # of right shifts
PART_BITS = 4  # by which the factor of the upper part is larger, the lower 8 of whose 12 bits are in the product
EXTRA_BITS = 8  # that outputs have until they are packed


class Group(NamedTuple):
    """16 channels: sums start at ``start`` and become ``(sum * factor + addend - (sum < 0) * kink) >> shift``."""

    start: Array  # int64 [16]
    weights: Array  # int8 [16, taps]
    factor: Array  # int64 [16]
    addend: Array
    kink: Array  # 0 but for long sums
    shift: int
    form: int

    def packed(self) -> bytes:
        """Return the record."""
        counter = self.start >> CUT_BITS if self.form == LONG else np.zeros(0, np.int64)
        start = self.start & (1 << CUT_BITS) - 1 if self.form == LONG else self.start
        lanes = [_lanes(start[half]) for half in (slice(0, 8), slice(8, 16))]
        last = np.int32(self.shift - EXTRA_BITS - 16).tobytes()
        head = lanes[0][:16] + lanes[1][:16] + lanes[0][16:] + lanes[1][16:] + last + bytes(4)
        head += counter.astype(np.int8).tobytes()
        parts = [values[half] for half in (slice(0, 8), slice(8, 16)) for values in self._vectors()]
        return head + self.weights.T.tobytes() + np.concatenate(parts).astype("<i2").tobytes()

    def outputs(self, sums: Array) -> Array:
        """Return the outputs of sums [..., 16] to which the start is still to be added."""
        x = sums + self.start
        scaled = x * self.factor + self.addend - (x < 0) * self.kink
        return np.asarray(np.clip(scaled >> self.shift, LEAST, LARGEST), np.int8)

    def _vectors(self) -> list[Array]:
        low, high = _halves(self.factor)
        added_low, added_high = _halves(self.addend)
        if self.form == NARROW:
            return [low, added_high, added_low, high]
        upper_low, upper_high = _halves(self.factor << PART_BITS)
        if self.form == WIDE:
            return [low, upper_low, added_low, added_high, high, upper_high]
        added_top = -(added_high >> CUT_BITS)
        added_high &= (1 << CUT_BITS) - 1
        return [low, upper_low, added_low, added_high, added_top, self.kink >> 16, high, upper_high]


def _lanes(values: Array) -> bytes:
    number = sum((int(value) & ((1 << LANE_BITS) - 1)) << (LANE_BITS * i) for i, value in enumerate(values))
    return number.to_bytes(LANE_BITS, "little")


def _halves(values: Array) -> tuple[Array, Array]:
    """Return the lower 16 bits, signed, and what is left above."""
    high = (values + (1 << 15)) >> 16
    return values - (high << 16), high


def record_bytes(taps: int, form: int) -> int:
    """Return the size of a record."""
    return HEAD_BYTES[form] + LANES * taps + 2 * LANES * VECTORS[form]


def unpacked(records: Array, taps: int, form: int) -> list[Group]:
    """Return the groups of a table of records."""
    size, data = record_bytes(taps, form), records.reshape(-1).tobytes()
    return [_group(data[at : at + size], taps, form) for at in range(0, len(data) // size * size, size)]


def _group(record: bytes, taps: int, form: int) -> Group:
    halves = (record[:16] + record[32:36], record[16:32] + record[36:40])
    start = np.array([_lane(int.from_bytes(half, "little") >> (LANE_BITS * i)) for half in halves for i in range(8)])
    head = HEAD_BYTES[form]
    weights = np.frombuffer(record, np.int8, LANES * taps, head).reshape(taps, LANES).T
    floor = np.frombuffer(record[head + LANES * taps :], "<i2").astype(np.int64)
    vectors = floor.reshape(2, -1, 8).transpose(1, 0, 2).reshape(-1, LANES)
    low, added_high, added_low, high = vectors[[[0, 1, 2, 3], [0, 3, 2, 4], [0, 3, 2, 6]][form]]
    kink = np.zeros(LANES, np.int64)
    if form == LONG:
        start += np.frombuffer(record, np.int8, LANES, 48).astype(np.int64) << CUT_BITS
        added_high, kink = added_high - (vectors[4] << CUT_BITS), vectors[5] << 16
    shift = int(np.frombuffer(record, "<i4", 1, SHIFT_AT)[0]) + EXTRA_BITS + 16
    return Group(start, weights, low + (high << 16), added_low + (added_high << 16), kink, shift, form)


def _lane(bits: int) -> int:
    value = bits & ((1 << LANE_BITS) - 1)
    return value - (value >> (LANE_BITS - 1) << LANE_BITS)


class Grouping(NamedTuple):
    """A layer's groups, all in one form, and where its sums are cut if they are long."""

    groups: list[Group]
    form: int
    cuts: tuple[int, ...]


def grouped(channels: Channels, rounding: Rounding, cuttings: Sequence[tuple[int, ...]] = ()) -> Grouping | None:
    """Return a layer's groups, the last one filled up with channels of 0, in the first form that serves all of them.

    Args:
        channels: of the portable kernel, which subtracts the input's zero point; weights in the order of the taps.
        rounding: of the layer.
        cuttings: ways to cut a long sum, to try in order: numbers of taps behind which a cut is, last of all taps.

    Returns:
        None where a floor is not proven, a sum may leave its lane, or outputs are limited within int8.
    """
    if (rounding.low, rounding.high) != (LEAST, LARGEST):
        return None
    channels = _filled_up(channels)
    folded = channels.bias.astype(np.int64) - rounding.input_zero_point * channels.weights.sum(axis=1, dtype=np.int64)
    sums = _sums(channels, folded, rounding.output_zero_point)
    for form, cuts in ((NARROW, ()), (WIDE, ()), *((LONG, cuts) for cuts in cuttings)):
        groups = []
        for first in range(0, len(folded), LANES):
            part = slice(first, first + LANES)
            group = _floored(channels.weights[part], folded[part], sums.of(part), form, cuts)
            if group is None:
                break
            groups.append(group)
        else:
            return Grouping(groups, form, cuts)
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


def _floored(weights: Array, folded: Array, sums: Sums, form: int, cuts: tuple[int, ...]) -> Group | None:
    first, last = (sums.outputs(x) for x in (sums.low, sums.high))
    constant = first == last
    exponents = -sums.shift[~constant]
    if np.any((sums.multiplier <= 0) & ~constant) or np.any((exponents < EXPONENTS[0]) | (exponents > EXPONENTS[1])):
        return None
    found = floors(sums, int(exponents.min(initial=EXPONENTS[1])) - (0 if form == NARROW else PART_BITS), form == LONG)
    start = folded - found.origin
    reach = np.stack([sums.low, sums.high]) - found.origin
    if form == LONG:
        served = _cut(weights, start, cuts) & _kept(reach, found, LANE, CUT_ENDS)
        served &= np.abs(found.addend) < 1 << 16 + CUT_BITS + 15
    else:
        window = INT16 if form == NARROW else LANE
        served = _held(weights, start, found) & ((form == WIDE) | _kept(reach, found, window, window))
    if not np.all(constant | (served & (found.found == 1))):
        return None
    return _with_constants(
        Group(start, weights, found.factor, found.addend, found.kink, found.shift, form), constant, first
    )


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
    top = -((found.addend - (LARGEST << found.shift)) // found.factor)  # from here on the output is the largest
    bottom = ((LEAST + 1 << found.shift) - 1 - found.addend) // found.factor  # up to here it is the least
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
    most, room = (30, 8) if group.form == NARROW else (30 - PART_BITS, LANE_BITS - 8)
    factor = min(most, group.shift)
    if np.any(constant) and group.shift - factor > room:
        return None
    return Group(
        np.where(constant, output << (group.shift - factor), group.start),
        np.where(constant[:, np.newaxis], 0, group.weights).astype(np.int8),
        np.where(constant, 1 << factor, group.factor),
        np.where(constant, 0, group.addend),
        np.where(constant, 0, group.kink),
        group.shift,
        group.form,
    )


def table(groups: list[Group]) -> Array:
    """Return the records, int8, one after the other."""
    return np.frombuffer(b"".join(group.packed() for group in groups), np.int8)


def outputs(x: Array, groups: list[Group]) -> Array:
    """Compute [..., taps], int8, to [..., channels]."""
    values = x.astype(np.float64)
    parts = [group.outputs((values @ group.weights.T.astype(np.float64)).astype(np.int64)) for group in groups]
    return np.concatenate(parts, axis=-1)
