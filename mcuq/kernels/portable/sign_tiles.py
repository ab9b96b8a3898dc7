"""What the kernels for weights of -1 and 1 share: sums of four taps from tables that all output channels use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mcuq.kernels.channels import Channels, Rounding, Served, any_channels, products_of, tile_overlap, window_bytes
from mcuq.ops.base import Overlap, Params, i8_table, i32, i32_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.products import Products
from mcuq.ops.taps import Sliding
from mcuq.tensor import Array

WORD = 32  # taps of a word of weights
TABLE_WORDS = 4  # per tap: 16 sums of 4 taps
EXPONENTS = (-20, 21)  # that mcuq_signs_scaled serves
MAX_SCRATCH = 8192  # bytes: 64 channels under a 3x3 window take 3200, 256 take 6272


@dataclass(frozen=True, eq=False)
class SignTilesParams(Params):
    """Any window of one group that fits the scratch, some pixels at a time."""

    lanes: ClassVar[int]  # pixels in a word

    input_h: i32
    input_w: i32
    input_c: i32
    output_h: i32
    output_w: i32
    output_c: i32
    filter_h: i32
    filter_w: i32
    stride_h: i32
    stride_w: i32
    dilation_h: i32
    dilation_w: i32
    pad_top: i32
    pad_left: i32
    input_zero_point: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    words: i32  # words of a sum in large tiles; 1 in small ones
    chunk: i32  # taps whose tables are there at a time
    general: i32  # 1: what mcuq_signs_scaled does not cover
    reverse: i32  # 1: last pixels first, so that the output may lie behind the input
    weights: i32_table  # (chunks, output_c, words of a chunk): 32 taps each, the last chunk's as many as it has
    bias: i32_table  # (output_c), the input's zero point included
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return scratch(self._taps, self.output_c, self.lanes, (self.words, self.chunk))

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        needed = window_bytes(self.sliding(), (self.input_h, self.input_w, self.input_c))
        starts = tile_starts(self.output_h * self.output_w, self.lanes, self.words)
        return tile_overlap(needed, self.output_c, starts, buffered=True)

    @property
    def _taps(self) -> int:
        return self.filter_h * self.filter_w * self.input_c

    @cached_property
    def products(self) -> Products:
        """The layer prepared; the input's zero point is in the biases."""
        return products_of(self, from_words(self.weights, self.chunk, self.output_c, self._taps))

    def sliding(self) -> Sliding:
        """Return how the windows lie."""
        window, dilation = (self.filter_h, self.filter_w), (self.dilation_h, self.dilation_w)
        stride, origin = (self.stride_h, self.stride_w), (self.pad_top, self.pad_left)
        return Sliding(window, stride, origin, (self.output_h, self.output_w), dilation)


def served(p: Conv2dParams) -> Served | None:
    """Return the channels of a convolution with weights -1 and 1, which they keep, or None."""
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    channels = Channels(p.weights.reshape(p.output_c, -1), p.bias, p.multiplier, p.shift)
    return any_channels(channels, rounding, keep_weights=True, exponents=EXPONENTS)


def members(layer: Served, size: tuple[int, int]) -> dict[str, Any]:
    """Return what a kernel does not have as the portable one has it; the size is words and chunk."""
    channels, general = layer
    return channels._asdict() | {
        "weights": in_words(channels.weights, size[1]),
        "words": size[0],
        "chunk": size[1],
        "general": general,
    }


def fitting_size(p: Conv2dParams, lanes: int, sizes: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Return the first size (words, chunk) whose large tiles the pixels fill and whose scratch is not too large."""
    pixels, count = p.output_h * p.output_w, p.filter_h * p.filter_w * p.input_c
    for words, chunk in sizes:
        filled = words == 1 or words * lanes <= pixels
        if filled and scratch(count, p.output_c, lanes, (words, chunk)) <= MAX_SCRATCH:
            return words, chunk
    return None


def scratch(count: int, channels: int, lanes: int, size: tuple[int, int]) -> int:
    """Bytes of scratch for windows of ``count`` taps: sums, tables of a chunk, and its taps of one word's pixels.

    >>> scratch(64, 64, 2, (2, 64)), scratch(576, 64, 2, (2, 64)), scratch(576, 64, 4, (4, 64))
    (3200, 3200, 6400)
    """
    words, chunk = size
    return 8 * words * channels + (4 * TABLE_WORDS * words + lanes) * min(count + -count % WORD, chunk)


def tile_starts(pixels: int, lanes: int, words: int) -> Array:
    """Return the first pixel of every tile: large ones, then those of one word; more than half of a large one is one.

    >>> tile_starts(13, 2, 2).tolist(), tile_starts(10, 2, 2).tolist(), tile_starts(11, 2, 2).tolist()
    ([0, 4, 8, 12], [0, 4, 8], [0, 4, 8])
    """
    large = lanes * words
    larges = (pixels + large // 2 - 1) // large
    return np.concatenate([np.arange(larges) * large, np.arange(larges * large, pixels, lanes)])


def in_words(weights: Array, chunk: int) -> Array:
    """Pack [channels, taps] of -1 and 1, 32 taps to a word, the first one lowest, chunk by chunk; 1 is stored as 1.

    >>> [hex(word) for word in in_words(np.array([[1, -1, 1, 1], [-1, -1, -1, 1]], np.int8), 64).tolist()]
    ['0xd', '0x8']
    """
    bits = np.pad(weights > 0, ((0, 0), (0, -weights.shape[1] % WORD)))
    words, step = np.packbits(bits, axis=1, bitorder="little").view("<i4"), chunk // WORD
    return np.concatenate([words[:, i : i + step].ravel() for i in range(0, words.shape[1], step)]).astype(np.int32)


def from_words(words: Array, chunk: int, channels: int, count: int) -> Array:
    """Undo :func:`in_words`: [channels, count]."""
    step = chunk // WORD * channels
    chunks = [words[i : i + step].reshape(channels, -1) for i in range(0, len(words), step)]
    raw = np.ascontiguousarray(np.concatenate(chunks, axis=1).astype("<i4")).view(np.uint8)
    return np.unpackbits(raw, axis=1, count=count, bitorder="little").astype(np.int8) * 2 - 1
