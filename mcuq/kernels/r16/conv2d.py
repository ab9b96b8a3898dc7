"""Convolution with two pixels in one register, four channels at a time, weights as bytes without a sign."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from mcuq.kernels.channels import Channels, outputs, products_of, tile_overlap, window_bytes
from mcuq.kernels.lanes import conv2d as lanes
from mcuq.kernels.lanes.channels import MAX_SCRATCH, from_fours, in_fours
from mcuq.kernels.lanes.conv2d import Conv2dLanesParams, pairs_fit, served
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Overlap, Params, i8_table, i32, i32_table, u8_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.products import Products
from mcuq.ops.taps import Sliding, taps
from mcuq.tensor import Array

TILE = 2  # pixels
GRAIN = 4  # taps that a window is filled up to: two chunks
GRAIN_BYTES = 24  # of scratch: a chunk is two taps in lanes, and what their products have too much
SIGN = 128  # what weights are stored too large by


@dataclass(frozen=True, eq=False)
class Conv2dR16Params(Params):
    """Any window of one group that fits the scratch, two at a time; windows of one pixel are those of one long row."""

    kernel: ClassVar[str] = "conv2d_s8_r16"

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
    reverse: i32  # 1: last pixels first, so that the output may lie behind the input
    weights: u8_table  # (output_c / 4, taps, 4), then (output_c % 4, taps), 128 added; then what the last grain lacks
    bias: i32_table  # (output_c), the input's zero point included
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        row = self.filter_w * self.input_c
        return GRAIN_BYTES * -(-self.filter_h * row // GRAIN) + TILE * row

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        needed = window_bytes(self._sliding(), (self.input_h, self.input_w, self.input_c))
        starts = np.arange(0, self.output_h * self.output_w, TILE)
        return tile_overlap(needed, self.output_c, starts, buffered=True)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c)
        columns = np.concatenate([values for _, _, values in taps(x, self._sliding(), self.input_zero_point)], axis=3)
        return outputs(columns, self._products).reshape(len(x), -1)

    @cached_property
    def _products(self) -> Products:
        return products_of(self, self.channels().weights)

    def channels(self) -> Channels:
        """Return the channels, their weights unpacked."""
        weights = (self.weights.astype(np.int16) - SIGN).astype(np.int8)
        unpacked = from_fours(weights, self.output_c, self.filter_h * self.filter_w * self.input_c)
        return Channels(unpacked, self.bias, self.multiplier, self.shift)

    def _sliding(self) -> Sliding:
        window, dilation = (self.filter_h, self.filter_w), (self.dilation_h, self.dilation_w)
        stride, origin = (self.stride_h, self.stride_w), (self.pad_top, self.pad_left)
        return Sliding(window, stride, origin, (self.output_h, self.output_w), dilation)


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution, or None: several groups, windows beyond the scratch, unusual scales."""
    p, channels = layer.params, served(layer.params)
    if channels is None or not pairs_fit(channels.weights):
        return None
    own = {member.name for member in Conv2dR16Params.members()}
    members = {member.name: getattr(p, member.name) for member in p.members() if member.name in own}
    window = (p.filter_h, p.filter_w, p.stride_h, p.stride_w, p.pad_top, p.pad_left)
    if window == (1, 1, 1, 1, 0, 0) and (p.output_h, p.output_w) == (p.input_h, p.input_w):
        pixels = p.output_h * p.output_w
        members |= {"input_h": 1, "input_w": pixels, "output_h": 1, "output_w": pixels}
    members |= {
        "per_channel": int(channels.multiplier.size > 1),
        "reverse": 0,
        "weights": packed(channels.weights),
        "bias": channels.bias,
        "multiplier": channels.multiplier,
        "shift": channels.shift,
    }
    params = Conv2dR16Params(**members)
    return params if params.scratch_bytes <= MAX_SCRATCH else None


def in_lanes(p: Conv2dR16Params) -> Conv2dLanesParams:
    """Return the same layer as the kernel of the family ``lanes`` takes it."""
    own = {member.name for member in Conv2dLanesParams.members()}
    members = {member.name: getattr(p, member.name) for member in p.members() if member.name in own}
    return Conv2dLanesParams(**members | {"pairs": 2} | lanes.packed(p.channels()))


def packed(weights: Array) -> Array:
    """Pack int8 [channels, taps] as the kernel reads them, which reads whole grains of taps."""
    fours = in_fours(weights, spare=4 * (-weights.shape[1] % GRAIN))
    return (fours.astype(np.int16) + SIGN).astype(np.uint8)
