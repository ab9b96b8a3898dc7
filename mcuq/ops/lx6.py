"""What the ESP32's kernels share: channels that their requantize serves, tiles, and overlap tile by tile.

The kernels run on MAC16, whose accumulator has 40 bits. It holds -256 times the sum of a layer, of which 32 bits are read:
that is exact because every sum is proven here to stay within 23 bits (``mcuq_lx6_asm.h``). A task under ESP-IDF has its own
MAC16 registers, an interrupt handler has not: models run in tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mcuq.fixedpoint import INT32_MAX, INT32_MIN, clamp, requantize
from mcuq.ops.base import Overlap, Params
from mcuq.tensor import Array

TOP = 127  # activations go in as TOP - x, which is 0..255
MAX_SUM = (1 << 23) - (1 << 9)
SCRATCH_BYTES = 1536  # that any layer may take
MAX_SCRATCH = 4096
EXPONENT_BASE = 6  # right shifts are stored with it added: the left shift of the rounding


class Rounding(NamedTuple):
    """How accumulators become outputs: zero points and limits."""

    input_zero_point: int
    output_zero_point: int
    low: int
    high: int


class Channels(NamedTuple):
    """Output channels: ``-(bias + sum of (-offset - x) * weights)`` is requantized with ``multiplier * 2^-exponent``."""

    weights: Array  # int8 [channels, taps]
    bias: Array  # int32 [channels]
    multiplier: Array  # int32 [channels] or [1]
    exponent: Array  # int8 [channels] or [1]

    def packed_bias(self) -> Array:
        """Return biases modulo 2^24 and right shifts in one word each, as ``mcuq_lx6_channel.h`` has them."""
        words = (self.bias.astype(np.int64) << 8) + self.exponent + EXPONENT_BASE
        return words.astype(np.uint32).view(np.int32)


def unpacked_bias(words: Array) -> tuple[Array, Array]:
    """Return biases, modulo 2^24 about 0, and right shifts."""
    return words >> 8, (words & 255).astype(np.int8) - np.int8(EXPONENT_BASE)


def mac16_channels(
    weights: Array, bias: Array, multiplier: Array, shift: Array, rounding: Rounding, offset: int | Array = -TOP
) -> Channels | None:
    """Negate the sums, fold the zero point into the bias, and prove that the requantize of the cores serves them.

    A channel with the same output for every input (filters of zeros often have biases near 2^30) becomes one of zero
    weights whose bias gives this output.

    Args:
        weights: int8 [channels, taps], as the portable kernel multiplies them with ``x - input_zero_point``.
        bias: int32 [channels].
        multiplier: int32 [channels] or [1].
        shift: int8 [channels] or [1]; negative = right.
        rounding: zero points and limits.
        offset: activations go in as ``-offset - x``; one for all taps, or [taps].

    Returns:
        None when some channel cannot be served.
    """
    weights = weights.astype(np.int64)
    lowest, highest = (limit - rounding.input_zero_point for limit in (-128, 127))
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    low = bias + lowest * positive + highest * negative
    high = bias + highest * positive + lowest * negative
    m = np.broadcast_to(multiplier, bias.shape).astype(np.int64)
    e = np.broadcast_to(-shift.astype(np.int64), bias.shape)
    own = -bias.astype(np.int64) + (weights * (rounding.input_zero_point + offset)).sum(axis=1)
    served = (m > 0) & (e >= 1) & (e <= 24) & (np.maximum(-low, high) <= MAX_SUM)
    served &= np.abs(own) + 255 * (positive - negative) <= INT32_MAX
    offset = ((2 * rounding.output_zero_point + 1) << np.clip(e + 6, 0, 30)) + 64
    for extreme in (low, high):
        t = (np.clip(extreme, -MAX_SUM, MAX_SUM) * m >> 24) + offset
        served &= (t - 128 >= INT32_MIN) & (t <= INT32_MAX)
    first, last = (_output(acc, m, -e, rounding) for acc in (low, high))
    constant = (low == high) | ((first == last) & (m > 0) & (e >= 0))
    if not np.all(served | constant):
        return None
    if np.all(served):
        exponent = (-shift.astype(np.int64)).astype(np.int8)
        return Channels(weights.astype(np.int8), own.astype(np.int32), multiplier, exponent)
    fixed = constant & ~served
    quarters = -4 * (first.astype(np.int64) - rounding.output_zero_point)  # times 1/4: the next two
    return Channels(
        np.where(fixed[:, np.newaxis], 0, weights).astype(np.int8),
        np.where(fixed, quarters, own).astype(np.int32),
        np.where(fixed, 1 << 30, m).astype(np.int32),
        np.where(fixed, 1, e).astype(np.int8),
    )


def _output(acc: Array, multiplier: Array, shift: Array, rounding: Rounding) -> Array:
    return clamp(requantize(acc, multiplier, shift) + rounding.output_zero_point, rounding.low, rounding.high)


def portable_bias(weights: Array, bias: Array, input_zero_point: int, offset: int | Array = -TOP) -> Array:
    """Undo what :func:`mac16_channels` did to a bias, which may have lost all but 24 bits.

    Sums are within 23 bits and a sign for every input, thus also for all inputs at the zero point, where they are the
    portable bias: so 24 bits tell it.
    """
    folded = (weights.reshape(len(weights), -1).astype(np.int64) * (input_zero_point + offset)).sum(axis=1)
    total = -bias.astype(np.int64) + folded
    return np.asarray(((total + (1 << 23)) & 0xFFFFFF) - (1 << 23), np.int32)


def exchanged(packed: Array) -> Array:
    """Exchange the second and third of every four values along the last axis, whose length is a multiple of 4."""
    return packed.reshape(*packed.shape[:-1], -1, 4)[..., [0, 2, 1, 3]].reshape(packed.shape)


def even_tiles(length: int) -> list[int]:
    """Return the sizes of tiles of which all are about equal, the largest first.

    >>> even_tiles(10)
    [10, 5, 4, 3, 2, 1]
    """
    return sorted({-(-length // tiles) for tiles in range(1, length + 1)}, reverse=True)


class Tile(NamedTuple):
    """Bytes of the input that one tile reads, and of the output that it writes: [first, end)."""

    reads: tuple[int, int]
    writes: tuple[int, int]


def tile_overlap(tiles: Iterator[Tile], reads_before_writing: bool) -> Overlap:
    """Return how near the output of a kernel that works tile by tile may come to its input.

    Args:
        tiles: in the order of the output.
        reads_before_writing: a tile's input is read before any of its output is written.
    """
    reads, writes = (np.array(part, np.int64).reshape(-1, 2) for part in zip(*tiles, strict=True))
    later = np.minimum.accumulate(reads[::-1, 0])[::-1]  # the first byte that a tile or a later one reads
    earlier = np.maximum.accumulate(reads[:, 1])
    skip = int(reads_before_writing)
    before = (writes[: len(writes) - skip, 1] - later[skip:]).max(initial=0)
    after = (earlier[: len(earlier) - skip] - writes[skip:, 0]).max(initial=0)
    return Overlap(int(before), int(after))


def room(p: Params, input_bytes: int, output_bytes: int) -> int:
    """Return what a kernel takes of the arena beside its larger buffer: scratch, and the distance it needs."""
    overlap = p.overlap(0) or Overlap(None, None)
    sides = [input_bytes + output_bytes]
    if overlap.before is not None:
        sides.append(max(input_bytes + overlap.before, output_bytes))
    if overlap.after is not None:
        sides.append(max(input_bytes, output_bytes + overlap.after))
    return p.scratch_bytes + min(sides) - max(input_bytes, output_bytes)
