"""Channels in groups of 16, as the cores take them: sums in lanes of 20 bits, requantized by floors in lanes of 16.

A sum leaves its lane as an int16, where that is enough, or as its upper 8 and lower 12 bits. A record is what one group
needs, in the order in which it is read; every part begins at a multiple of 16 bytes:

- sums before the first tap, 16 of 20 bits: bits 0 to 127 of the first eight and of the last eight, then bits 128 to 159
  of both; the shift behind the last product, int32; 4 bytes of nothing;
- weights (taps, 16), int8;
- twice, of eight channels, vectors of int16: lower half of the factor, upper of the addend, lower of the addend, upper
  of the factor; where a sum leaves in two parts: lower half of the factor, lower of 16 times it, lower of the addend,
  upper of the addend, upper of the factor, upper of 16 times it. Lower halves are signed; upper ones make up for that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcuq.floors import LARGEST, LEAST, Floors, Sums, floors
from mcuq.kernels.channels import Channels, Rounding
from mcuq.tensor import Array

LANES = 16
HEAD_BYTES = 48
SHIFT_AT = 40
LANE_BITS = 20
LANE = (-(1 << 19), (1 << 19) - 1)
NARROW = (-(1 << 15), (1 << 15) - 1)
EXPONENTS = (-3, 24)  # of right shifts
PART_BITS = 4  # by which the factor of the upper part is larger, the lower 8 of whose 12 bits are in the product
EXTRA_BITS = 8  # that outputs have until they are packed


class Group(NamedTuple):
    """16 channels: their sums start at ``start`` and become ``(sum * factor + addend) >> shift``."""

    start: Array  # int64 [16]
    weights: Array  # int8 [16, taps]
    factor: Array  # int64 [16]
    addend: Array
    shift: int

    wide: bool

    def packed(self) -> bytes:
        """Return the record."""
        lanes = [_lanes(self.start[half]) for half in (slice(0, 8), slice(8, 16))]
        last = np.int32(self.shift - EXTRA_BITS - 16).tobytes()
        head = lanes[0][:16] + lanes[1][:16] + lanes[0][16:] + lanes[1][16:] + last + bytes(4)
        low, high = _halves(self.factor)
        added_low, added_high = _halves(self.addend)
        vectors = [low, added_high, added_low, high]
        if self.wide:
            upper_low, upper_high = _halves(self.factor << PART_BITS)
            vectors = [low, upper_low, added_low, added_high, high, upper_high]
        parts = [values[half] for half in (slice(0, 8), slice(8, 16)) for values in vectors]
        return head + self.weights.T.tobytes() + np.concatenate(parts).astype("<i2").tobytes()


def _lanes(values: Array) -> bytes:
    number = sum((int(value) & ((1 << LANE_BITS) - 1)) << (LANE_BITS * i) for i, value in enumerate(values))
    return number.to_bytes(LANE_BITS, "little")


def _halves(values: Array) -> tuple[Array, Array]:
    """Return the lower 16 bits, signed, and what is left above."""
    high = (values + (1 << 15)) >> 16
    return values - (high << 16), high


def record_bytes(taps: int, wide: bool) -> int:
    """Return the size of a record."""
    return HEAD_BYTES + LANES * taps + 2 * LANES * (6 if wide else 4)


def unpacked(records: Array, taps: int, wide: bool) -> list[Group]:
    """Return the groups of a table of records."""
    size, data = record_bytes(taps, wide), records.reshape(-1).tobytes()
    return [_group(data[at : at + size], taps, wide) for at in range(0, len(data) // size * size, size)]


def _group(record: bytes, taps: int, wide: bool) -> Group:
    halves = (record[:16] + record[32:36], record[16:32] + record[36:40])
    start = [_lane(int.from_bytes(half, "little") >> (LANE_BITS * i)) for half in halves for i in range(8)]
    weights = np.frombuffer(record, np.int8, LANES * taps, HEAD_BYTES).reshape(taps, LANES).T
    floor = np.frombuffer(record[HEAD_BYTES + LANES * taps :], "<i2").astype(np.int64)
    vectors = floor.reshape(2, -1, 8).transpose(1, 0, 2).reshape(-1, LANES)
    low, added_high, added_low, high = vectors[[0, 3, 2, 4]] if wide else vectors
    shift = int(np.frombuffer(record, "<i4", 1, SHIFT_AT)[0]) + EXTRA_BITS + 16
    return Group(np.array(start), weights, low + (high << 16), added_low + (added_high << 16), shift, wide)


def _lane(bits: int) -> int:
    value = bits & ((1 << LANE_BITS) - 1)
    return value - (value >> (LANE_BITS - 1) << LANE_BITS)


def grouped(channels: Channels, rounding: Rounding) -> list[Group] | None:
    """Return a layer's groups, all wide or none.

    Args:
        channels: of the portable kernel, which subtracts the input's zero point.
        rounding: of the layer.

    Returns:
        None where a floor is not proven, a sum may leave its lane, or outputs are limited within int8.
    """
    if len(channels.weights) % LANES or (rounding.low, rounding.high) != (LEAST, LARGEST):
        return None
    folded = channels.bias.astype(np.int64) - rounding.input_zero_point * channels.weights.sum(axis=1, dtype=np.int64)
    sums = _sums(channels, folded, rounding.output_zero_point)
    for wide in (False, True):
        groups = []
        for first in range(0, len(folded), LANES):
            part = slice(first, first + LANES)
            own = sums.of(part)
            groups.append(_floored(channels.weights[part], folded[part], own, wide))
            if groups[-1] is None:
                break
        else:
            return [group for group in groups if group]
    return None


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


def _floored(weights: Array, folded: Array, sums: Sums, wide: bool) -> Group | None:
    first, last = (sums.outputs(x) for x in (sums.low, sums.high))
    constant = first == last
    exponents = -sums.shift[~constant]
    if np.any((sums.multiplier <= 0) & ~constant) or np.any((exponents < EXPONENTS[0]) | (exponents > EXPONENTS[1])):
        return None
    found = floors(sums, int(exponents.min(initial=EXPONENTS[1])) - (PART_BITS if wide else 0))
    start = folded - found.origin
    reach = np.stack([sums.low, sums.high]) - found.origin
    served = (found.found == 1) & _held(weights, start, found) & (wide | _kept(reach, found, NARROW))
    if not np.all(constant | served):
        return None
    group = Group(start, weights, found.factor, found.addend, found.shift, wide)
    return _with_constants(group, constant, first)


def _held(weights: Array, start: Array, found: Floors) -> Array:
    """Whether lanes of 20 bits give every output, per channel.

    A sum that saturates on its way is wrong from there on, which does not matter where the taps that follow cannot
    bring it back to where outputs differ: in the order of the taps, for all inputs.
    """
    products = np.sort(np.stack([LEAST * weights.astype(np.int64), LARGEST * weights.astype(np.int64)]), axis=0)
    lowest, highest = (start[:, np.newaxis] + np.cumsum(part, axis=1) for part in products)
    falls, rises = (part.sum(axis=1, keepdims=True) - np.cumsum(part, axis=1) for part in products)
    top = -((found.addend - (LARGEST << found.shift)) // found.factor)  # from here on the output is the largest
    bottom = ((LEAST + 1 << found.shift) - 1 - found.addend) // found.factor  # up to here it is the least
    up = (highest <= LANE[1]) | (LANE[1] + falls >= top[:, np.newaxis])
    down = (lowest >= LANE[0]) | (LANE[0] + rises <= bottom[:, np.newaxis])
    inside = (start >= LANE[0]) & (start <= LANE[1])
    return np.asarray(inside & np.all(up & down, axis=1))


def _kept(reach: Array, found: Floors, window: tuple[int, int]) -> Array:
    """Whether sums that saturate to the window give the outputs of those that do not, per channel."""
    low, high = window
    at_low, at_high = ((found.factor * limit + found.addend) >> found.shift for limit in window)
    return np.asarray(((reach[0] >= low) | (at_low <= LEAST)) & ((reach[1] <= high) | (at_high >= LARGEST)))


def _with_constants(group: Group, constant: Array, output: Array) -> Group | None:
    """Let channels of one output have weights of 0, and a sum that the shift makes their output."""
    most, room = (30 - PART_BITS, LANE_BITS - 8) if group.wide else (30, 8)
    factor = min(most, group.shift)
    if np.any(constant) and group.shift - factor > room:
        return None
    return Group(
        np.where(constant, output << (group.shift - factor), group.start),
        np.where(constant[:, np.newaxis], 0, group.weights).astype(np.int8),
        np.where(constant, 1 << factor, group.factor),
        np.where(constant, 0, group.addend),
        group.shift,
        group.wide,
    )


def table(groups: list[Group]) -> Array:
    """Return the records, int8, one after the other."""
    return np.frombuffer(b"".join(group.packed() for group in groups), np.int8)


def outputs(x: Array, groups: list[Group]) -> Array:
    """Compute [..., taps], int8, to [..., channels]."""
    parts = []
    for group in groups:
        sums = np.asarray(x.astype(np.float64) @ group.weights.astype(np.float64).T, np.int64) + group.start
        parts.append(np.clip((sums * group.factor + group.addend) >> group.shift, LEAST, LARGEST))
    return np.concatenate(parts, axis=-1).astype(np.int8)
