"""Depthwise convolution on MAC16: a channel's taps beside each other, two in a word."""

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
    even_tiles,
    mac16_channels,
    portable_bias,
    room,
    unpacked_bias,
    window_overlap,
)
from mcuq.ops.base import Overlap, Params, i8_table, i32, i32_table
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.tensor import Array

ENOUGH_PIXELS = 10  # in a tile of rows: more would cost the arena more than they save


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dMac16Params(Params):
    """The columns under a tile of output pixels become int16 in scratch, one behind the other, four channels at a time.

    Bytes of four channels are one word, which widens to two words of two channels; MAC16 takes one half. If the tile is
    the whole image, four channels are read before any output of theirs is written: the output may lie in the input, any
    number of pixels away.
    """

    kernel: ClassVar[str] = "depthwise_conv2d_s8_mac16"

    input_h: i32
    input_w: i32
    input_c: i32
    output_h: i32
    output_w: i32
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
    tile_rows: i32  # more than 1 only with tile_pixels = output_w
    tile_pixels: i32  # output pixels of a row that are computed together
    weights: i8_table  # (channels / 2, taps / 2, tap, channel), both even, taps column by column
    bias: i32_table  # (input_c), negated, with what x being 127 - input adds; and right shifts
    multiplier: i32_table  # (input_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        columns = (self.tile_pixels - 1) * self.stride_w + self.filter_w
        rows = (self.tile_rows - 1) * self.stride_h + self.filter_h
        taps = self.filter_h * self.filter_w
        even = taps + taps % 2
        read = max(even, 6 if taps <= 6 else 10)  # the core has code for few taps, as if there were so many
        return 2 * 4 * (rows * columns + read - taps) + 2 * even

    @property
    def is_whole(self) -> bool:
        """Whether one tile is the whole image."""
        return self.tile_rows >= self.output_h and self.tile_pixels >= self.output_w

    @property
    def distance(self) -> int:
        """See :meth:`Params.distance`."""
        return self.input_c if self.is_whole else 1

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        if self.is_whole:
            return Overlap(0, 0)
        return window_overlap(self, self.input_c, reads_before_writing=False)

    def with_scratch(self, limit: int) -> DepthwiseConv2dMac16Params:
        """See :meth:`Params.with_scratch`; what rows in a tile keep the output from the input counts as well."""
        h, w = self.output_h, self.output_w
        shared = (self.filter_h, self.filter_w, self.dilation_h) == (3, 3, 1)  # rows of a tile may share columns
        most = min(h, -(-ENOUGH_PIXELS // w)) if shared else 1
        whole = replace(self, tile_rows=h if shared else 1, tile_pixels=w)
        rows = (replace(whole, tile_rows=r) for r in even_tiles(h) if r <= most)
        pixels = (replace(whole, tile_rows=1, tile_pixels=p) for p in even_tiles(w))
        tiles = ((whole,) if whole.is_whole else ()) + (*rows, *pixels)
        fitting = (p for p in tiles if p.scratch_bytes <= min(limit, MAX_SCRATCH) and p._room() <= limit)
        return next(fitting, replace(whole, tile_rows=1, tile_pixels=1))

    def _room(self) -> int:
        return room(self, self.input_h * self.input_w * self.input_c, self.output_h * self.output_w * self.input_c)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self._portable.run(*inputs)

    @cached_property
    def _portable(self) -> DepthwiseConv2dParams:
        weights = self._unpacked()
        bias, exponent = unpacked_bias(self.bias)
        return DepthwiseConv2dParams(
            **{m.name: getattr(self, m.name) for m in self.members() if m.name in PLAIN_MEMBERS},
            channel_multiplier=1,
            dilation_w=1,
            weights=weights,
            bias=portable_bias(weights.reshape(-1, self.input_c).T, bias, self.input_zero_point),
            multiplier=np.broadcast_to(self.multiplier, exponent.shape),
            shift=-exponent,
            per_channel=1,
        )

    def filters(self) -> Array:
        """Return the weights [channels, taps], column by column."""
        taps = self.filter_h * self.filter_w
        return self._in_bytes().transpose(0, 3, 1, 2).reshape(-1, taps + taps % 2)[: self.input_c, :taps]

    def _in_bytes(self) -> Array:
        return self.weights

    def _unpacked(self) -> Array:
        return self.filters().reshape(self.input_c, self.filter_w, self.filter_h).transpose(2, 1, 0)


PLAIN_MEMBERS = frozenset(
    """input_h input_w input_c output_h output_w filter_h filter_w stride_h stride_w dilation_h pad_top pad_left
    input_zero_point output_zero_point activation_min activation_max reverse""".split()
)


def take(layer: Layer[DepthwiseConv2dParams]) -> Params | None:
    """Return the kernel for a convolution; None for dilated columns, and for several outputs per input."""
    p = _along_a_row(layer.params)
    if p.channel_multiplier != 1 or p.dilation_w != 1:
        return None
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    channels = mac16_channels(p.weights.reshape(-1, p.input_c).T, p.bias, p.multiplier, p.shift, rounding)
    if channels is None:
        return None
    single = DepthwiseConv2dMac16Params(
        **{m.name: getattr(p, m.name) for m in p.members() if m.name in PLAIN_MEMBERS},
        per_channel=int(channels.multiplier.size > 1),
        tile_rows=1,
        tile_pixels=1,
        weights=in_words(_by_column(channels.weights, p.filter_h)),
        bias=channels.packed_bias(),
        multiplier=channels.multiplier,
    )
    return single.with_scratch(SCRATCH_BYTES) if single.scratch_bytes <= MAX_SCRATCH else None


def in_words(filters: Array) -> Array:
    """[channels, taps] to [channels / 2, taps / 2, 2 taps, 2 channels], filled up with 0."""
    channels, taps = filters.shape
    packed = np.zeros((channels + channels % 2, taps + taps % 2), np.int8)
    packed[:channels, :taps] = filters
    return packed.reshape(len(packed) // 2, 2, -1, 2).transpose(0, 2, 3, 1)


def _by_column(filters: Array, rows: int) -> Array:
    """[channels, taps] row by row to the same column by column."""
    return filters.reshape(len(filters), rows, -1).transpose(0, 2, 1).reshape(filters.shape)


def _along_a_row(p: DepthwiseConv2dParams) -> DepthwiseConv2dParams:
    """Return the same convolution along one row if the image is one column: its windows then share what they see."""
    is_dilated = p.dilation_h > 1 and p.filter_h > 1
    if is_dilated or not (p.input_w == p.output_w == p.filter_w == 1 and p.pad_left == 0):
        return replace(p, dilation_w=1) if p.filter_w == 1 else p
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
        weights=p.weights.transpose(1, 0, 2),
    )
