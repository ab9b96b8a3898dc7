"""Convolution kernels: two pixels in one register, four channels at a time (``mcuq_lanes.h``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mcuq.kernels.channels import Channels, Rounding, fast_channels, outputs, products_of, tile_overlap, window_bytes
from mcuq.kernels.lanes.channels import MAX_SCRATCH, from_fours, in_fours
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Overlap, Params, i8_table, i32, i32_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.products import Products
from mcuq.ops.taps import Sliding, taps
from mcuq.tensor import Array

TILE = 4  # pixels
WORD_BYTES = 4
MAX_PAIR_SUM = 255  # of two weights: their products with any two int8 then sum to an int16


@dataclass(frozen=True, eq=False)
class Conv2d1x1LanesParams(Params):
    """1x1, stride 1: pixels in the order of memory, four at a time."""

    kernel: ClassVar[str] = "conv2d_1x1_s8_lanes"

    pixels: i32
    input_c: i32
    output_c: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    reverse: i32  # 1: last pixels first, so that the output may lie behind the input
    weights: i8_table  # (output_c / 4, input_c, 4), then (output_c % 4, input_c)
    bias: i32_table  # (output_c), the input's zero point included
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return 2 * lane_words(self.input_c) * WORD_BYTES

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        first = np.arange(self.pixels) * self.input_c
        starts = np.arange(0, self.pixels, TILE)
        return tile_overlap((first, first + self.input_c), self.output_c, starts, buffered=True)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return outputs(inputs[0].reshape(-1, self.input_c), self._products).reshape(len(inputs[0]), -1)

    @cached_property
    def _products(self) -> Products:
        return products_of(self, channels_of(self, self.input_c).weights)


@dataclass(frozen=True, eq=False)
class Conv2dLanesParams(Params):
    """Any window of one group that fits the scratch: two or four windows at a time."""

    kernel: ClassVar[str] = "conv2d_s8_lanes"

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
    pairs: i32  # pairs of pixels at a time: 2, or 1 where the windows are large
    reverse: i32  # 1: last pixels first, so that the output may lie behind the input
    weights: i8_table  # (output_c / 4, taps, 4), then (output_c % 4, taps); taps (filter_h, filter_w, input_c)
    bias: i32_table  # (output_c), the input's zero point included
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return window_scratch(self.filter_h, self.filter_w * self.input_c, self.pairs)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        needed = window_bytes(self._sliding(), (self.input_h, self.input_w, self.input_c))
        starts = np.arange(0, self.output_h * self.output_w, 2 * self.pairs)
        return tile_overlap(needed, self.output_c, starts, buffered=True)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c)
        columns = np.concatenate([values for _, _, values in taps(x, self._sliding(), self.input_zero_point)], axis=3)
        return outputs(columns, self._products).reshape(len(x), -1)

    @cached_property
    def _products(self) -> Products:
        return products_of(self, channels_of(self, self.filter_h * self.filter_w * self.input_c).weights)

    def _sliding(self) -> Sliding:
        window, dilation = (self.filter_h, self.filter_w), (self.dilation_h, self.dilation_w)
        stride, origin = (self.stride_h, self.stride_w), (self.pad_top, self.pad_left)
        return Sliding(window, stride, origin, (self.output_h, self.output_w), dilation)


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution, or None: several groups, windows beyond the scratch, unusual scales."""
    p, channels = layer.params, served(layer.params)
    if channels is None or not pairs_fit(channels.weights):
        return None
    window = (p.filter_h, p.filter_w, p.stride_h, p.stride_w, p.pad_top, p.pad_left)
    if window == (1, 1, 1, 1, 0, 0) and (p.output_h, p.output_w) == (p.input_h, p.input_w):
        return pointwise(p.output_h * p.output_w, channels, _rounding(p))
    return _windowed(p, channels)


def served(p: Conv2dParams) -> Channels | None:
    """Return the channels of a convolution of one group that the fast requantize serves, or None."""
    if p.groups != 1:
        return None
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    return fast_channels(Channels(p.weights.reshape(p.output_c, -1), p.bias, p.multiplier, p.shift), rounding)


def pointwise(pixels: int, channels: Channels, rounding: Rounding) -> Params | None:
    """Return the 1x1 kernel for channels that it can take; None if its scratch would be too large."""
    output_c, input_c = channels.weights.shape
    params = Conv2d1x1LanesParams(
        pixels=pixels,
        input_c=input_c,
        output_c=output_c,
        output_zero_point=rounding.output_zero_point,
        activation_min=rounding.low,
        activation_max=rounding.high,
        reverse=0,
        **packed(channels),
    )
    return params if params.scratch_bytes <= MAX_SCRATCH else None


def _windowed(p: Conv2dParams, channels: Channels) -> Params | None:
    fitting = [n for n in (2, 1) if window_scratch(p.filter_h, p.filter_w * p.input_c, n) <= MAX_SCRATCH]
    if not fitting:
        return None
    return Conv2dLanesParams(
        input_h=p.input_h,
        input_w=p.input_w,
        input_c=p.input_c,
        output_h=p.output_h,
        output_w=p.output_w,
        output_c=p.output_c,
        filter_h=p.filter_h,
        filter_w=p.filter_w,
        stride_h=p.stride_h,
        stride_w=p.stride_w,
        dilation_h=p.dilation_h,
        dilation_w=p.dilation_w,
        pad_top=p.pad_top,
        pad_left=p.pad_left,
        input_zero_point=p.input_zero_point,
        output_zero_point=p.output_zero_point,
        activation_min=p.activation_min,
        activation_max=p.activation_max,
        pairs=fitting[0],
        reverse=0,
        **packed(channels),
    )


def pairs_fit(weights: Array) -> bool:
    """Whether the products of every two neighbouring weights, [channels, taps], sum to an int16."""
    even = np.pad(np.abs(weights.astype(np.int16)), ((0, 0), (0, weights.shape[1] % 2)))
    return bool((even[:, ::2] + even[:, 1::2]).max(initial=0) <= MAX_PAIR_SUM)


def packed(channels: Channels) -> dict[str, Any]:
    """Return the members that both kernels have of their channels."""
    spare = 4 * (channels.weights.shape[1] % 2)  # the kernel reads an even number of taps
    return {
        "per_channel": int(channels.multiplier.size > 1),
        "weights": in_fours(channels.weights, spare),
        "bias": channels.bias,
        "multiplier": channels.multiplier,
        "shift": channels.shift,
    }


def lane_words(count: int) -> int:
    """Words that hold ``count`` taps of one pair of pixels: an even number.

    >>> lane_words(27), lane_words(64)
    (28, 64)
    """
    return count + count % 2


def window_scratch(rows: int, row: int, pairs: int) -> int:
    """Bytes of scratch for windows of some rows of ``row`` bytes: their taps in lanes, and two rows at the border."""
    return pairs * lane_words(rows * row) * WORD_BYTES + 2 * row


def channels_of(p: Conv2d1x1LanesParams | Conv2dLanesParams, count: int) -> Channels:
    """Return a kernel's channels, their weights of ``count`` taps unpacked."""
    return Channels(from_fours(p.weights, p.output_c, count), p.bias, p.multiplier, p.shift)


def _rounding(p: Conv2dParams | Conv2d1x1LanesParams | Conv2dLanesParams) -> Rounding:
    return Rounding(0, p.output_zero_point, p.activation_min, p.activation_max)
