"""Convolution on MAC16 with little scratch: one window at a time, its weights multiplied as they lie in flash."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from mcuq.kernels.channels import Rounding
from mcuq.kernels.mac16.channels import mac16_channels, portable_bias, unpacked_bias, window_overlap
from mcuq.kernels.mac16.fours import fits, in_fours, offsets, out_of_fours
from mcuq.ops.base import Overlap, Params, i32, i32_table, u8_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.tensor import Array

MOST_PIXELS = 2  # in a tile of the kernel that widens weights: with more, widening them pays


@dataclass(frozen=True, eq=False)
class Conv2dPixelsMac16Params(Params):
    """A window is a vector (``mcuq.kernels.mac16.fours``), so that nothing but its inputs needs scratch."""

    kernel: ClassVar[str] = "conv2d_s8_pixels_mac16"
    tile_rows: ClassVar[int] = 1
    tile_pixels: ClassVar[int] = 1

    input_h: i32
    input_w: i32
    input_c: i32  # a multiple of 4
    output_h: i32
    output_w: i32
    output_c: i32
    filter_h: i32
    filter_w: i32
    stride_h: i32
    stride_w: i32
    dilation_h: i32
    pad_top: i32
    pad_left: i32
    input_zero_point: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    reverse: i32  # 1: last pixel first, so that the output may lie behind the input
    weights: u8_table  # (output_c, filter_h, filter_w, input_c), even ones 128 more than they are
    bias: i32_table  # (output_c), negated, with what the offsets of x add; and right shifts
    multiplier: i32_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return 2 * self.filter_h * self.filter_w * self.input_c

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return window_overlap(self, self.output_c, reads_before_writing=True)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self._portable.run(*inputs)

    @cached_property
    def _portable(self) -> Conv2dParams:
        bias, exponent = unpacked_bias(self.bias)
        taps = self.weights.shape[1]
        weights = out_of_fours(self.weights, taps)
        window = (self.output_c, self.filter_h, self.filter_w, self.input_c)
        inside = portable_bias(weights, bias, self.input_zero_point, offsets(taps))
        return Conv2dParams(
            **{m.name: getattr(self, m.name) for m in Conv2dParams.members() if hasattr(self, m.name)}
            | {"weights": weights.reshape(window), "bias": inside, "per_channel": 1}
            | {"multiplier": np.broadcast_to(self.multiplier, exponent.shape)},
            dilation_w=1,
            groups=1,
            shift=-exponent,
        )


def pixel_by_pixel(p: Conv2dParams) -> Params | None:
    """Return the kernel for a convolution in one group without dilated columns; None: it does not serve it."""
    taps = p.filter_h * p.filter_w * p.input_c
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    rows = p.weights.reshape(p.output_c, taps)
    channels = mac16_channels(rows, p.bias, p.multiplier, p.shift, rounding, offset=offsets(taps))
    if p.input_c % 4 or channels is None or not fits(channels.bias, taps):
        return None
    names = {member.name for member in Conv2dPixelsMac16Params.members()}
    tables = {
        "weights": in_fours(channels.weights),
        "bias": channels.packed_bias(),
        "multiplier": channels.multiplier,
        "per_channel": int(channels.multiplier.size > 1),
    }
    kept = {member.name: getattr(p, member.name) for member in p.members() if member.name in names}
    return Conv2dPixelsMac16Params(**kept | tables)
