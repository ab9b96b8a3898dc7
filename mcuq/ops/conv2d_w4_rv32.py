"""Convolution with 4-bit weights for RV32IMC: two pixels in one register, sums of 30 taps or more in 16 bits.

Not for depthwise and single vectors, which have no pixels that meet the same weights, and not for codebooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mcuq.ops.base import RV32_CHIPS, Overlap, Params, i8_table, i32, i32_table
from mcuq.ops.rv32 import Channels, Rounding, fast_channels, outputs, tile_overlap, window_bytes
from mcuq.ops.taps import Sliding, taps
from mcuq.tensor import Array, QConstant

if TYPE_CHECKING:
    from mcuq.ops.conv2d import Conv2dParams

TILE = 4  # pixels
MIN_PIXELS = 3  # with fewer, half of the tile is thrown away
MAX_CHUNK_SUM = 255  # of weights: their products with any int8 then sum to an int16
MAX_SCRATCH = 8192  # bytes: 64 channels under a 3x3 window take 4992


@dataclass(frozen=True, eq=False)
class Conv2dW4Rv32Params(Params):
    """Any window of one group that fits the scratch: four windows at a time."""

    kernel: ClassVar[str] = "conv2d_s8_w4_rv32"

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
    chunk: i32  # words of weights whose products are summed in 16 bits
    reverse: i32  # 1: last pixels first, so that the output may lie behind the input
    weights: i32_table  # (output_c / 4, taps / 2), rounded up: eight weights, four channels of one tap lowest
    bias: i32_table  # (output_c), the input's zero point included
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return scratch(self.filter_h, self.filter_w * self.input_c)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        needed = window_bytes(self._sliding(), (self.input_h, self.input_w, self.input_c))
        starts = np.arange(0, self.output_h * self.output_w, TILE)
        return tile_overlap(needed, self.output_c, starts, buffered=True)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c)
        columns = np.concatenate([values for _, _, values in taps(x, self._sliding(), self.input_zero_point)], axis=3)
        weights = from_words(self.weights, self.output_c, columns.shape[3])
        channels = Channels(weights, self.bias, self.multiplier, self.shift)
        rounding = Rounding(0, self.output_zero_point, self.activation_min, self.activation_max)
        return outputs(columns, channels, rounding).reshape(len(x), -1)

    def _sliding(self) -> Sliding:
        window, dilation = (self.filter_h, self.filter_w), (self.dilation_h, self.dilation_w)
        stride, origin = (self.stride_h, self.stride_w), (self.pad_top, self.pad_left)
        return Sliding(window, stride, origin, (self.output_h, self.output_w), dilation)


def specialize(p: Conv2dParams, weights: QConstant, chip: str) -> Params | None:
    """Return the kernel for a convolution with 3 or 4 bits per weight, or None for those that it does not serve."""
    uniform = weights.codebook is None and weights.bits in {3, 4}
    if chip not in RV32_CHIPS or not uniform or p.groups != 1 or p.output_h * p.output_w < MIN_PIXELS:
        return None
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    flat = Channels(p.weights.reshape(p.output_c, -1), p.bias, p.multiplier, p.shift)
    channels = fast_channels(flat, rounding)
    if channels is None or scratch(p.filter_h, p.filter_w * p.input_c) > MAX_SCRATCH:
        return None
    own = {m.name for m in Conv2dW4Rv32Params.members()}
    members = {m.name: getattr(p, m.name) for m in p.members() if m.name in own} | channels._asdict()
    members |= {"weights": in_words(channels.weights), "chunk": chunk_words(channels.weights)}
    return Conv2dW4Rv32Params(**members | {"per_channel": int(channels.multiplier.size > 1)})


def chunk_words(weights: Array) -> int:
    """Return the most words (of two taps) whose products with any int8 sum to an int16, in every chunk alike.

    >>> chunk_words(np.full((1, 64), -8)), chunk_words(np.full((1, 64), 7)), chunk_words(np.full((1, 64), 3))
    (11, 16, 32)
    """
    words = (int(weights.shape[1]) + 1) // 2
    for chunks in range(1, words + 1):
        size = -(-words // chunks)
        starts = np.arange(0, weights.shape[1], 2 * size)
        if np.add.reduceat(np.abs(weights.astype(np.int64)), starts, axis=1).max() <= MAX_CHUNK_SUM:
            return size
    return 1


def in_words(weights: Array) -> Array:
    """Pack [channels, taps] of 4 bits, eight to a word: two taps of four channels; zeros fill up both.

    >>> [hex(word) for word in in_words(np.array([[1, 2], [3, 4], [5, 6]], np.int8)).ravel().tolist()]
    ['0x6420531']
    """
    padded = np.pad(weights, ((0, -len(weights) % 4), (0, weights.shape[1] % 2)))
    groups = padded.reshape(-1, 4, padded.shape[1] // 2, 2).transpose(0, 2, 3, 1).reshape(len(padded) // 4, -1, 8)
    nibbles = (groups.astype(np.uint32) & 15) << np.arange(0, 32, 4, dtype=np.uint32)
    return np.asarray(np.bitwise_or.reduce(nibbles, axis=2).astype(np.uint32).view(np.int32))


def from_words(words: Array, channels: int, count: int) -> Array:
    """Undo :func:`in_words`: [channels, count]."""
    nibbles = words.view(np.uint32)[..., np.newaxis] >> np.arange(0, 32, 4, dtype=np.uint32) & 15
    signed = ((nibbles ^ 8).astype(np.int16) - 8).astype(np.int8)
    rows = signed.reshape(len(words), -1, 2, 4).transpose(0, 3, 1, 2).reshape(4 * len(words), -1)
    return rows[:channels, :count]


def scratch(rows: int, row: int) -> int:
    """Bytes of scratch for windows of some rows of ``row`` bytes: their taps in lanes, and two rows at the border."""
    count = rows * row
    return 2 * 4 * (count + count % 2) + 2 * row
