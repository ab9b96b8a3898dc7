"""Convolution with 4-bit and 2-bit weights: pixels in lanes, sums of 30 taps or more in 16 bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from mcuq.kernels.lanes import conv2d_blocks
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.kernels.lanes.conv2d_blocks import Conv2dBlocksParams, filled
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params, i32_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.tensor import Array, QConstant

MAX_CHUNK_SUM = 255  # of weights: their products with any int8 then sum to an int16
WORD_WEIGHTS = {2: 16, 4: 8}


@dataclass(frozen=True, eq=False)
class Conv2dW4LanesParams(Conv2dBlocksParams):
    """Weights -8..7."""

    kernel: ClassVar[str] = "conv2d_s8_w4_lanes"
    group: ClassVar[int] = 4
    grain: ClassVar[int] = 2

    weights: i32_table  # (output_c / 4, taps / 2), rounded up: eight weights, four channels of one tap lowest

    def unpacked(self) -> Array:
        """See :meth:`Conv2dBlocksParams.unpacked`."""
        return from_words(self.weights, 4, self.output_c, self.taps)


@dataclass(frozen=True, eq=False)
class Conv2dW2LanesParams(Conv2dBlocksParams):
    """Weights -2..1."""

    kernel: ClassVar[str] = "conv2d_s8_w2_lanes"
    group: ClassVar[int] = 4
    grain: ClassVar[int] = 4

    weights: i32_table  # (output_c / 4, taps / 4), rounded up: 16 weights, four channels of one tap lowest

    def unpacked(self) -> Array:
        """See :meth:`Conv2dBlocksParams.unpacked`."""
        return from_words(self.weights, 2, self.output_c, self.taps)


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution whose weights are integers of 2 or 4 bits, of a codebook or not, or None."""
    p, bits = layer.params, stored_bits(layer.few_bits)
    served = conv2d_blocks.served(p) if bits else None
    if served is None:
        return None
    channels = served.channels
    kind = Conv2dW2LanesParams if bits == 2 else Conv2dW4LanesParams

    @cache
    def allows(taps: int) -> bool:
        return chunks_fit(channels.weights, taps)

    blocks = conv2d_blocks.blocks_of(p, kind, MAX_SCRATCH, allows)
    if blocks is None:
        return None
    shared = conv2d_blocks.members(p, served, blocks)
    chunks = -(-channels.weights.shape[1] // blocks.taps)
    return kind(**shared, chunks=chunks, weights=in_words(channels.weights, bits))


def stored_bits(weights: QConstant | None) -> int:
    """Return how many bits, 2 or 4, hold the values as they are; 0 if they do not, or fewer bits were asked for."""
    if weights is None or weights.bits == 1:
        return 0
    bits = 2 if weights.bits <= 2 else 4
    limit = 1 << (bits - 1)
    fit = weights.values.min() >= -limit and weights.values.max() < limit
    return bits if weights.bits <= 4 and fit else 0


def chunks_fit(weights: Array, size: int) -> bool:
    """Whether the products of every ``size`` weights, [channels, taps], with any int8 sum to an int16.

    >>> [chunks_fit(np.full((1, 64), w), n) for w, n in ((-8, 30), (-8, 32), (7, 36), (7, 38))]
    [True, False, True, False]
    """
    starts = np.arange(0, weights.shape[1], size)
    return bool(np.add.reduceat(np.abs(weights.astype(np.int64)), starts, axis=1).max() <= MAX_CHUNK_SUM)


def in_words(weights: Array, bits: int) -> Array:
    """Pack [channels, taps] of few bits into words: some taps of four channels; zeros fill up both.

    >>> [hex(word) for word in in_words(np.array([[1, 2], [3, 4], [5, 6]], np.int8), 4).ravel().tolist()]
    ['0x6420531']
    """
    count = WORD_WEIGHTS[bits]
    rows, taps = filled(len(weights), 4), filled(weights.shape[1], count // 4)
    padded = np.pad(weights, ((0, rows - len(weights)), (0, taps - weights.shape[1])))
    groups = padded.reshape(rows // 4, 4, taps).transpose(0, 2, 1).reshape(rows // 4, -1, count)
    fields = (groups.astype(np.uint32) & (2**bits - 1)) << np.arange(0, 32, bits, dtype=np.uint32)
    return np.asarray(np.bitwise_or.reduce(fields, axis=2).astype(np.uint32).view(np.int32))


def from_words(words: Array, bits: int, channels: int, taps: int) -> Array:
    """Undo :func:`in_words`: [channels, taps]."""
    fields = words.view(np.uint32)[..., np.newaxis] >> np.arange(0, 32, bits, dtype=np.uint32) & (2**bits - 1)
    sign = 1 << (bits - 1)
    signed = ((fields ^ sign).astype(np.int16) - sign).astype(np.int8)
    rows: Array = signed.reshape(len(words), -1, 4).transpose(0, 2, 1).reshape(4 * len(words), -1)
    return rows[:channels, :taps]
