"""Convolution on MAC16: one instruction per multiplication, for a tile of pixels filter by filter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from mcuq.kernels.channels import Rounding
from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16.channels import (
    MAX_SCRATCH,
    SCRATCH_BYTES,
    Channels,
    even_tiles,
    exchanged,
    mac16_channels,
    portable_bias,
    room,
    unpacked_bias,
    window_overlap,
)
from mcuq.kernels.mac16.conv2d_pixels import MOST_PIXELS, pixel_by_pixel
from mcuq.ops.base import Overlap, Params, i8_table, i32, i32_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class Conv2dMac16Params(Params):
    """Partial im2col: the columns under a tile of output pixels become int16 in scratch, one behind the other.

    A window is then filter_w columns in a row, and windows of neighbouring pixels share columns. Of every filter the
    weights become int16 once per tile.

    - Columns have an even number of values, windows a multiple of 4; what is missing has weight 0.
    - Where the input's channels are a multiple of 4, four bytes are widened together, and every four values of x have
      the second and third exchanged, and so have weights in their natural order; else the order of the packed weights
      makes up for that.
    """

    kernel: ClassVar[str] = "conv2d_s8_mac16"

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
    pad_top: i32
    pad_left: i32
    input_zero_point: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    reverse: i32  # 1: last row first, so that the output may lie behind the input
    column: i32  # values of one column of a window, filled up to an even number
    taps: i32  # values of one filter, filled up to a multiple of 4
    tile_rows: i32  # more than 1 only with tile_pixels = output_w
    tile_pixels: i32  # output pixels of a row that are computed together
    weights: i8_table  # (output_c, taps), column by column
    bias: i32_table  # (output_c), negated, with what x being 127 - input adds; and right shifts
    multiplier: i32_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        step = min(self.stride_w, self.filter_w)
        row = ((self.tile_pixels - 1) * step + self.filter_w) * self.column
        return 2 * (self.tile_rows * row + 2 * self.taps - self.filter_w * self.column)

    def with_scratch(self, limit: int) -> Conv2dMac16Params:
        """See :meth:`Params.with_scratch`."""
        h, w = self.output_h, self.output_w
        rows = (replace(self, tile_rows=r, tile_pixels=w) for r in even_tiles(h))
        pixels = (replace(self, tile_rows=1, tile_pixels=p) for p in even_tiles(w))
        fitting = (p for p in (*rows, *pixels) if p.scratch_bytes <= min(limit, MAX_SCRATCH) and p._room() <= limit)
        return next(fitting, replace(self, tile_rows=1, tile_pixels=1))

    def frugal(self, limit: int) -> Params:
        """See :meth:`Params.frugal`."""
        tiled = self.with_scratch(limit)
        few = tiled.tile_rows * tiled.tile_pixels <= MOST_PIXELS
        return (few and pixel_by_pixel(self._portable)) or tiled

    def _room(self) -> int:
        inputs, outputs = self.input_h * self.input_w * self.input_c, self.output_h * self.output_w * self.output_c
        return room(self, inputs, outputs)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return window_overlap(self, self.output_c, reads_before_writing=True)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self._portable.run(*inputs)

    @cached_property
    def _portable(self) -> Conv2dParams:
        weights = self._unpacked()
        bias, exponent = unpacked_bias(self.bias, self._larger)
        return Conv2dParams(
            **{m.name: getattr(self, m.name) for m in self.members() if m.name in PLAIN_MEMBERS},
            dilation_w=1,
            groups=1,
            weights=weights,
            bias=portable_bias(weights, bias, self.input_zero_point, larger=self._larger),
            multiplier=np.broadcast_to(self.multiplier, exponent.shape),
            shift=-exponent,
            per_channel=1,
        )

    @property
    def _larger(self) -> int:
        return 0

    def _in_bytes(self) -> Array:
        return self.weights

    def _unpacked(self) -> Array:
        natural = self._in_bytes() if self.input_c % 4 == 0 else exchanged(self._in_bytes())
        columns = natural[:, : self.filter_w * self.column].reshape(self.output_c, self.filter_w, self.column)
        taps = columns[:, :, : self.filter_h * self.input_c]
        return taps.reshape(self.output_c, self.filter_w, self.filter_h, self.input_c).transpose(0, 2, 1, 3)


PLAIN_MEMBERS = frozenset(
    """input_h input_w input_c output_h output_w output_c filter_h filter_w stride_h stride_w dilation_h pad_top
    pad_left input_zero_point output_zero_point activation_min activation_max reverse""".split()
)


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution; None for groups, dilated columns, or columns beyond the scratch."""
    p = along_a_row(layer.params)
    if p.groups != 1 or p.dilation_w != 1:
        return None
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    channels = mac16_channels(p.weights.reshape(p.output_c, -1), p.bias, p.multiplier, p.shift, rounding)
    return None if channels is None else tiled(p, channels)


def tiled(p: Conv2dParams, channels: Channels, multiple: int = 2) -> Conv2dMac16Params | None:
    """Return the kernel for channels that it serves; None for columns beyond the scratch.

    Args:
        p: the layer.
        channels: of it.
        multiple: of which the values of a column are one, 2 or 4.
    """
    column = -(-p.filter_h * p.input_c // multiple) * multiple
    taps = -(-p.filter_w * column // 4) * 4
    single = Conv2dMac16Params(
        **{m.name: getattr(p, m.name) for m in p.members() if m.name in PLAIN_MEMBERS},
        per_channel=int(channels.multiplier.size > 1),
        column=column,
        taps=taps,
        tile_rows=1,
        tile_pixels=1,
        weights=_packed(channels.weights.reshape(p.weights.shape), column, taps),
        bias=channels.packed_bias(),
        multiplier=channels.multiplier,
    )
    return single.with_scratch(SCRATCH_BYTES) if single.scratch_bytes <= MAX_SCRATCH else None


def _packed(weights: Array, column: int, taps: int) -> Array:
    """[channels, rows, columns, inputs] to [channels, taps]."""
    channels, rows, columns, depth = weights.shape
    packed = np.zeros((channels, taps), np.int8)
    by_column = packed[:, : columns * column].reshape(channels, columns, column)
    by_column[:, :, : rows * depth] = weights.transpose(0, 2, 1, 3).reshape(channels, columns, -1)
    packed[:, : columns * column] = by_column.reshape(channels, -1)
    return packed if depth % 4 == 0 else exchanged(packed)


def along_a_row(p: Conv2dParams) -> Conv2dParams:
    """Return the same convolution along one row where possible, so that tiles are as long as they may be."""
    if (p.filter_h, p.filter_w, p.stride_h, p.stride_w, p.pad_top, p.pad_left) == (1, 1, 1, 1, 0, 0):
        inside = (p.output_h, p.output_w) == (p.input_h, p.input_w)
        pixels = p.input_h * p.input_w
        if inside:
            return replace(p, input_h=1, input_w=pixels, output_h=1, output_w=pixels, dilation_h=1, dilation_w=1)
    if p.input_w == p.output_w == p.filter_w == 1 and p.pad_left == 0 and 1 in (p.dilation_h, p.filter_h):
        return replace(
            p,
            input_h=1,
            input_w=p.input_h,
            output_h=1,
            output_w=p.output_h,
            filter_h=1,
            filter_w=p.filter_h,
            stride_h=1,
            stride_w=p.stride_h,
            dilation_h=1,
            dilation_w=1,
            pad_top=0,
            pad_left=p.pad_top,
            weights=p.weights.transpose(0, 2, 1, 3),
        )
    if p.filter_w == 1:
        return replace(p, dilation_w=1)
    return p
