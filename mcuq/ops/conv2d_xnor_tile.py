"""Convolution of signs with signs: sums of four taps from tables that all output channels share, four pixels in a word.

For few pixels counting bits is faster (``conv2d_xnor.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mcuq.ops.base import Overlap, Params, i8_table, i32, i32_table
from mcuq.ops.conv2d_w1 import PORTABLE, fitting_size, from_words, members, scratch, served, tile_starts
from mcuq.ops.conv2d_xnor import is_of_signs, outputs_of_signs
from mcuq.ops.rv32 import Channels, Rounding, tile_overlap, window_bytes
from mcuq.ops.taps import Sliding
from mcuq.tensor import Array, QConstant, QTensor

if TYPE_CHECKING:
    from mcuq.ops.conv2d import Conv2dParams

LANES = 4  # pixels in a word
SIZES = ((4, 64), (4, 32), (1, 64))  # words of a sum, and taps whose tables are there at a time; the fastest first
MIN_PIXELS = 3  # with fewer, half of the tile is thrown away
MAX_TAPS = 64 * 170  # a sum of 32, with what keeps it positive, is at most 96, one of 64 at most 128: int16 holds them


@dataclass(frozen=True, eq=False)
class Conv2dXnorTileParams(Params):
    """Any window of one group that fits the scratch: sixteen windows at a time, or four."""

    kernel: ClassVar[str] = "conv2d_s8_xnor_tile"

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
    input_zero_point: i32  # 0
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    words: i32  # words of a sum in large tiles, four pixels each; 1 in small ones
    chunk: i32  # taps whose tables are there at a time
    general: i32  # 1: scales that mcuq_signs_scaled does not cover, or a zero point beyond the limits
    reverse: i32  # 1: last pixels first, so that the output may lie behind the input
    weights: i32_table  # (chunks, output_c, words of a chunk): 32 taps each, the last chunk's as many as it has
    bias: i32_table  # (output_c)
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return scratch(self._taps, self.output_c, LANES, (self.words, self.chunk))

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        needed = window_bytes(self._sliding(), (self.input_h, self.input_w, self.input_c))
        starts = tile_starts(self.output_h * self.output_w, LANES, self.words)
        return tile_overlap(needed, self.output_c, starts, buffered=True)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c)
        weights = from_words(self.weights, self.chunk, self.output_c, self._taps)
        channels = Channels(weights, self.bias, self.multiplier, self.shift)
        rounding = Rounding(0, self.output_zero_point, self.activation_min, self.activation_max)
        return outputs_of_signs(x, self._sliding(), channels, rounding)

    @property
    def _taps(self) -> int:
        return self.filter_h * self.filter_w * self.input_c

    def _sliding(self) -> Sliding:
        window, dilation = (self.filter_h, self.filter_w), (self.dilation_h, self.dilation_w)
        stride, origin = (self.stride_h, self.stride_w), (self.pad_top, self.pad_left)
        return Sliding(window, stride, origin, (self.output_h, self.output_w), dilation)


def specialize(p: Conv2dParams, x: QTensor, weights: QConstant, chip: str) -> Params | None:
    """Return the kernel for a convolution of signs with weights -1 and 1, or None for those that it does not serve."""
    pixels = p.output_h * p.output_w
    few = pixels < MIN_PIXELS or p.weights[0].size > MAX_TAPS
    if chip == PORTABLE or few or not is_of_signs(p, x, weights):
        return None
    layer, size = served(p), fitting_size(p, LANES, SIZES)
    if layer is None or size is None:
        return None
    between = p.activation_min <= p.output_zero_point <= p.activation_max
    own = {m.name for m in Conv2dXnorTileParams.members()}
    shared = {m.name: getattr(p, m.name) for m in p.members() if m.name in own}
    return Conv2dXnorTileParams(**shared | members(layer if between else layer._replace(general=1), size))
