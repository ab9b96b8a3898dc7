"""Channels in groups of 16, as the cores take them: sums in lanes of 20 bits, requantized by floors in lanes of 16.

A sum leaves its lane in one of five forms: as an int16, where that is enough; as its lower 8 bits and twice an int8
above them, for 17 bits; the same, rounded by its sign; as its upper 5 bits and lower 15; or, a long sum, cut into
pieces, after each of which the bits from 15 on go to a counter of 8 bits. A record is what one group needs, in the
order in which it is read; every part begins at a multiple of 16 bytes:

- sums before the first tap, 16 of 20 bits: bits 0 to 127 of the first eight and of the last eight, then bits 128 to 159
  of both; an int32, of which bits 0 to 5 are the shift behind the last product, as many bits from 8 on are set as the
  form's number says, and bit 12 is set where outputs are limited within int8; 4 bytes of nothing; of long sums 16
  counters, and 15 bits each;
- weights (taps, 16), int8, or of few bits (``_few_bits``);
- twice, of eight channels, vectors of int16, as ``_vectors`` says: lower and upper half of the factor and of the
  addend, and of 16 times the factor where a sum leaves in two parts. Where it rounds by its sign the addend has more
  than 32 bits: what is above the upper half's lower 15 bits, negated, and the upper half of the kink. Lower halves are
  signed; upper ones make up for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from mcuq.floors import LARGEST, LEAST
from mcuq.ops.packing import pack_bits, unpack_bits
from mcuq.tensor import Array

LANES = 16
BYTE = 8  # bits
NARROW, MIDDLE, SIGNED, WIDE, LONG = range(5)  # forms
VECTORS = (4, 4, 6, 6, 8)  # of int16 for eight channels, by form
HEAD_BYTES = (48, 48, 48, 48, 64)
SHIFT_AT = 40
SHIFT_MASK, FORM_AT, LIMITED_AT = 63, 8, 12  # bits of the int32 there
LANE_BITS = 20
CUT_BITS = 15
PART_BITS = 4  # by which the factor of the upper part is larger, the lower 8 of whose 12 bits are in the product
EXTRA_BITS = 8  # that outputs have until they are packed


class Group(NamedTuple):
    """16 channels: sums start at ``start`` and become ``(sum * factor + addend - (sum < 0) * kink) >> shift``."""

    start: Array  # int64 [16]
    weights: Array  # int8 [16, taps]
    factor: Array  # int64 [16]
    addend: Array
    kink: Array  # 0 but for sums that round by their sign
    shift: int
    form: int
    limited: bool = False  # outputs are limited within int8

    def packed(self, bits: int = 8) -> bytes:
        """Return the record, with so many bits of every weight."""
        counter = self.start >> CUT_BITS if self.form == LONG else np.zeros(0, np.int64)
        start = self.start & (1 << CUT_BITS) - 1 if self.form == LONG else self.start
        lanes = [_lanes(start[half]) for half in (slice(0, 8), slice(8, 16))]
        flags = (1 << self.form) - 1 << FORM_AT | self.limited << LIMITED_AT
        last = np.int32(self.shift - EXTRA_BITS - 16 | flags).tobytes()
        head = lanes[0][:16] + lanes[1][:16] + lanes[0][16:] + lanes[1][16:] + last + bytes(4)
        head += counter.astype(np.int8).tobytes()
        parts = [values[half] for half in (slice(0, 8), slice(8, 16)) for values in self._vectors()]
        weights = self.weights.T if bits == BYTE else _few_bits(self.weights, bits)
        return head + weights.tobytes() + np.concatenate(parts).astype("<i2").tobytes()

    def outputs(self, sums: Array) -> Array:
        """Return the outputs, not limited within int8, of sums [..., 16] to which the start is still to be added."""
        x = sums + self.start
        scaled = x * self.factor + self.addend - (x < 0) * self.kink
        return np.asarray(np.clip(scaled >> self.shift, LEAST, LARGEST), np.int8)

    def _vectors(self) -> list[Array]:
        low, high = _halves(self.factor)
        added_low, added_high = _halves(self.addend)
        if self.form in (NARROW, MIDDLE):
            return [low, added_high, added_low, high]
        upper_low, upper_high = _halves(self.factor << PART_BITS)
        if self.form == WIDE:
            return [low, upper_low, added_low, added_high, high, upper_high]
        added_top = -(added_high >> CUT_BITS)
        added_high &= (1 << CUT_BITS) - 1
        if self.form == SIGNED:
            return [low, added_high, added_low, added_top, self.kink >> 16, high]
        return [low, upper_low, added_low, added_high, added_top, self.kink >> 16, high, upper_high]


def _lanes(values: Array) -> bytes:
    number = sum((int(value) & ((1 << LANE_BITS) - 1)) << (LANE_BITS * i) for i, value in enumerate(values))
    return number.to_bytes(LANE_BITS, "little")


def _halves(values: Array) -> tuple[Array, Array]:
    """Return the lower 16 bits, signed, and what is left above."""
    high = (values + (1 << 15)) >> 16
    return values - (high << 16), high


def _few_bits(weights: Array, bits: int) -> Array:
    """Return weights [16, taps] as vectors: a byte of each lane holds the first weight in its lowest bits."""
    stored = weights > 0 if bits == 1 else weights + (1 << bits - 1)
    return pack_bits(stored, bits).T


def record_bytes(taps: int, form: int) -> int:
    """Return the size of a record."""
    return HEAD_BYTES[form] + LANES * taps + 2 * LANES * VECTORS[form]


def unpacked(records: Array, taps: int, bits: int = 8) -> list[Group]:
    """Return the groups of a table of records."""
    data, stored = records.reshape(-1).tobytes(), taps * bits // BYTE
    found = [_group(data[at:end], stored, form) for at, end, form in _places(data, stored)]
    return found if bits == BYTE else [group._replace(weights=_whole(group.weights, bits)) for group in found]


def _whole(stored: Array, bits: int) -> Array:
    values = unpack_bits(stored.view(np.uint8), bits, stored.shape[1] * BYTE // bits).astype(np.int8)
    return 2 * values - 1 if bits == 1 else values - (1 << bits - 1)


def forms(records: Array, taps: int) -> list[int]:
    """Return the forms of the groups of a table of records."""
    return [form for _, _, form in _places(records.reshape(-1).tobytes(), taps)]


def _places(data: bytes, taps: int) -> Iterator[tuple[int, int, int]]:
    """Yield where every record begins, where it ends, and its form."""
    at = 0
    while at < len(data):
        flags = int.from_bytes(data[at + SHIFT_AT : at + SHIFT_AT + 4], "little") >> FORM_AT
        form = (flags & (1 << LIMITED_AT - FORM_AT) - 1).bit_length()
        end = at + record_bytes(taps, form)
        yield at, end, form
        at = end


def _group(record: bytes, taps: int, form: int) -> Group:
    halves = (record[:16] + record[32:36], record[16:32] + record[36:40])
    start = np.array([_lane(int.from_bytes(half, "little") >> (LANE_BITS * i)) for half in halves for i in range(8)])
    head = HEAD_BYTES[form]
    weights = np.frombuffer(record, np.int8, LANES * taps, head).reshape(taps, LANES).T
    floor = np.frombuffer(record[head + LANES * taps :], "<i2").astype(np.int64)
    vectors = floor.reshape(2, -1, 8).transpose(1, 0, 2).reshape(-1, LANES)
    low, added_high, added_low, high = vectors[
        [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 5], [0, 3, 2, 4], [0, 3, 2, 6]][form]
    ]
    kink = np.zeros(LANES, np.int64)
    if form in (SIGNED, LONG):
        top = 3 if form == SIGNED else 4
        added_high, kink = added_high - (vectors[top] << CUT_BITS), vectors[top + 1] << 16
    if form == LONG:
        start += np.frombuffer(record, np.int8, LANES, 48).astype(np.int64) << CUT_BITS
    word = int(np.frombuffer(record, "<i4", 1, SHIFT_AT)[0])
    shift = (word & SHIFT_MASK) + EXTRA_BITS + 16
    factor, addend = low + (high << 16), added_low + (added_high << 16)
    return Group(start, weights, factor, addend, kink, shift, form, bool(word >> LIMITED_AT & 1))


def _lane(bits: int) -> int:
    value = bits & ((1 << LANE_BITS) - 1)
    return value - (value >> (LANE_BITS - 1) << LANE_BITS)


def table(groups: Sequence[Group], bits: int = 8) -> Array:
    """Return the records, int8, one after the other, with so many bits of every weight."""
    return np.frombuffer(b"".join(group.packed(bits) for group in groups), np.int8)


def outputs(x: Array, groups: Sequence[Group]) -> Array:
    """Compute [..., taps], int8, to [..., channels], not limited within int8."""
    values = x.astype(np.float64)
    parts = [group.outputs((values @ group.weights.T.astype(np.float64)).astype(np.int64)) for group in groups]
    return np.concatenate(parts, axis=-1)
