"""What the MAC16 kernels share: channels that their requantize serves, tiles, and overlap tile by tile.

The kernels run on MAC16, whose accumulator has 40 bits. It holds -256 times the sum of a layer; its lower 32 bits are
read. They suffice: every finished sum is proven here to lie within 23 bits and a sign, and what is added on the way is
added modulo 2^40, which is a multiple of 2^32, so that partial sums may wrap (``mcuq_mac16_asm.h``). A task under
ESP-IDF has its own MAC16 registers, an interrupt handler has not: models run in tasks.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mcuq.fixedpoint import INT32_MAX, INT32_MIN
from mcuq.kernels.channels import Rounding, bytes_beside, output_of
from mcuq.ops.base import Overlap, Params
from mcuq.tensor import Array

TOP = 127  # activations go in as TOP - x, which is 0..255
MAX_SUM = (1 << 23) - (1 << 9)
MAX_EXPONENT = 24
SCRATCH_BYTES = 1536  # that any layer may take
MAX_SCRATCH = 4096
EXPONENT_BASE = 6  # right shifts are stored with it added: the left shift of the rounding


class Channels(NamedTuple):
    """Output channels: ``-(bias + sum of (-offset - x) * weights)``, requantized by multiplier * 2^(-31 - exponent)."""

    weights: Array  # int8 [channels, taps]
    bias: Array  # int32 [channels]
    multiplier: Array  # int32 [channels] or [1]
    exponent: Array  # int8 [channels] or [1]

    def packed_bias(self, larger: int = 0) -> Array:
        """Return biases modulo 2^24 and right shifts in one word each, as ``mcuq_mac16_channel.h`` has them.

        Args:
            larger: weights are multiplied in as if they were 2^larger times larger.
        """
        words = (self.bias.astype(np.int64) << (8 + larger)) + self.exponent + (EXPONENT_BASE + larger)
        return words.astype(np.uint32).view(np.int32)


def unpacked_bias(words: Array, larger: int = 0) -> tuple[Array, Array]:
    """Return biases, modulo 2^(24 - larger) about 0, and right shifts."""
    return words >> (8 + larger), (words & 255).astype(np.int8) - np.int8(EXPONENT_BASE + larger)


def mac16_channels(
    weights: Array,
    bias: Array,
    multiplier: Array,
    shift: Array,
    rounding: Rounding,
    *,
    offset: int | Array = -TOP,
    larger: int = 0,
    only_as_they_are: bool = False,
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
        larger: weights are multiplied in as if they were 2^larger times larger.
        only_as_they_are: channels whose outputs are constant, but not served, are none that can be.

    Returns:
        None when some channel cannot be served.
    """
    wide, m, exponent = weights.astype(np.int64), multiplier.astype(np.int64), -shift.astype(np.int64)
    low, high = _sum_limits(wide, bias, rounding.input_zero_point)
    own = -bias.astype(np.int64) + (wide * (rounding.input_zero_point + offset)).sum(axis=1)
    served = np.maximum(-low, high) <= MAX_SUM >> larger
    served &= (m > 0) & (exponent >= 1) & (exponent <= MAX_EXPONENT - larger)
    served &= np.abs(own) + 255 * np.abs(wide).sum(axis=1) <= INT32_MAX  # in C
    served &= _rounds_in_32_bits(np.stack([low, high]), m, exponent, rounding.output_zero_point, larger)
    if np.all(served):
        return Channels(weights.astype(np.int8), own.astype(np.int32), multiplier, exponent.astype(np.int8))
    if only_as_they_are:
        return None
    first, last = (output_of(acc, m, -exponent, rounding) for acc in (low, high))
    constant = (low == high) | ((first == last) & (m > 0) & (exponent >= 0))
    if not np.all(served | constant):
        return None
    quarters = -4 * (first.astype(np.int64) - rounding.output_zero_point)  # times 1/4: the last two below
    return Channels(
        np.where(served[:, np.newaxis], weights, 0).astype(np.int8),
        np.where(served, own, quarters).astype(np.int32),
        np.where(served, m, 1 << 30).astype(np.int32),
        np.where(served, exponent, 1).astype(np.int8),
    )


def _sum_limits(weights: Array, bias: Array, zero_point: int) -> tuple[Array, Array]:
    """Return the least and the largest sum of each channel over all inputs."""
    lowest, highest = (limit - zero_point for limit in (-128, 127))
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    return bias + lowest * positive + highest * negative, bias + highest * positive + lowest * negative


def _rounds_in_32_bits(sums: Array, multiplier: Array, exponent: Array, zero_point: int, larger: int) -> Array:
    """Whether ``t + rounding`` of ``mcuq_mac16_asm.h`` stays within 32 bits, per channel, for sums [n, channels]."""
    rounding = ((2 * zero_point + 1) << np.clip(exponent + larger + 6, 0, 30)) + (64 << larger)
    t = (np.clip(sums << larger, -MAX_SUM, MAX_SUM) * multiplier >> 24) + rounding
    return np.asarray(np.all((t - (128 << larger) >= INT32_MIN) & (t <= INT32_MAX), axis=0))


def portable_bias(
    weights: Array, bias: Array, input_zero_point: int, offset: int | Array = -TOP, larger: int = 0
) -> Array:
    """Undo what :func:`mac16_channels` did to a bias, which may have lost all but 24 - larger bits.

    Sums are within one bit less and a sign for every input, thus also for all inputs at the zero point, where they are
    the portable bias: so that many bits tell it.
    """
    folded = (weights.reshape(len(weights), -1).astype(np.int64) * (input_zero_point + offset)).sum(axis=1)
    total = -bias.astype(np.int64) + folded
    half = 1 << (23 - larger)
    return np.asarray(((total + half) & (2 * half - 1)) - half, np.int32)


def exchanged(packed: Array) -> Array:
    """Exchange the second and third of every four values along the last axis, whose length is a multiple of 4."""
    return packed.reshape(*packed.shape[:-1], -1, 4)[..., [0, 2, 1, 3]].reshape(packed.shape)


def even_tiles(length: int) -> list[int]:
    """Return the sizes of tiles of which all are about equal, the largest first.

    >>> even_tiles(10)
    [10, 5, 4, 3, 2, 1]
    """
    sizes, tiles = [length], 1
    while sizes[-1] > 1:
        tiles = -(-length // (sizes[-1] - 1))  # the fewest that are smaller
        sizes.append(-(-length // tiles))
    return sizes


class Tile(NamedTuple):
    """Bytes of the input that one tile reads, and of the output that it writes: [first, end)."""

    reads: tuple[int, int]
    writes: tuple[int, int]


def tile_overlap(tiles: Iterable[Tile], reads_before_writing: bool) -> Overlap:
    """Return how near the output of a kernel that works tile by tile may come to its input.

    Args:
        tiles: in the order of the output.
        reads_before_writing: a tile's input is read before any of its output is written.
    """
    reads, writes = (np.array(part, np.int64).reshape(-1, 2) for part in zip(*tiles, strict=True))
    return _nearest(reads, writes, reads_before_writing)


def _nearest(reads: Array, writes: Array, reads_before_writing: bool) -> Overlap:
    later = np.minimum.accumulate(reads[::-1, 0])[::-1]  # the first byte that a tile or a later one reads
    earlier = np.maximum.accumulate(reads[:, 1])
    skip = int(reads_before_writing)
    before = (writes[: len(writes) - skip, 1] - later[skip:]).max(initial=0)
    after = (earlier[: len(earlier) - skip] - writes[skip:, 0]).max(initial=0)
    return Overlap(int(before), int(after))


class Windows(NamedTuple):
    """The tiles of a convolution; the names are those of its parameters."""

    input_h: int
    input_w: int
    input_c: int
    output_h: int
    output_w: int
    filter_h: int
    filter_w: int
    stride_h: int
    stride_w: int
    dilation_h: int
    pad_top: int
    pad_left: int
    tile_rows: int
    tile_pixels: int


def window_overlap(p: Params, output_c: int, *, reads_before_writing: bool) -> Overlap:
    """Return how near the output of a convolution may come to its input; see :func:`tile_overlap`.

    Args:
        p: has the members of :class:`Windows`.
        output_c: channels of the output.
        reads_before_writing: see :func:`tile_overlap`.
    """
    windows = Windows(**{name: getattr(p, name) for name in Windows._fields})
    return _window_overlap(windows, output_c, reads_before_writing)


@lru_cache(maxsize=4096)
def _window_overlap(p: Windows, output_c: int, reads_before_writing: bool) -> Overlap:
    y, x = np.arange(0, p.output_h, p.tile_rows)[:, np.newaxis], np.arange(0, p.output_w, p.tile_pixels)
    end_y, end_x = np.minimum(y + p.tile_rows, p.output_h), np.minimum(x + p.tile_pixels, p.output_w)
    reach = (p.filter_h - 1) * p.dilation_h + 1
    top = np.clip(y * p.stride_h - p.pad_top, 0, p.input_h)
    bottom = np.clip((end_y - 1) * p.stride_h - p.pad_top + reach, top, p.input_h)
    left = np.clip(x * p.stride_w - p.pad_left, 0, p.input_w)
    right = np.clip((end_x - 1) * p.stride_w - p.pad_left + p.filter_w, left, p.input_w)
    first = top * p.input_w + left
    reads = np.stack([first, np.maximum((bottom - 1) * p.input_w + right, first)], axis=-1) * p.input_c
    writes = np.stack([y * p.output_w + x, (end_y - 1) * p.output_w + end_x], axis=-1) * output_c
    return _nearest(reads.reshape(-1, 2), writes.reshape(-1, 2), reads_before_writing)


def room(p: Params, input_bytes: int, output_bytes: int) -> int:
    """Return what a kernel takes of the arena beside its larger buffer: scratch, and the distance it needs."""
    return p.scratch_bytes + bytes_beside(p.overlap(0), input_bytes, output_bytes)
