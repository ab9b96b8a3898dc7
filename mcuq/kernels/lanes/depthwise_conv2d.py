"""Depthwise convolution kernels: 3x3 with weights in registers, and any other window."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mcuq.kernels.channels import Channels, Rounding, fast_channels, products_of, tile_overlap, window_bytes
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Overlap, Params, i8_table, i32, i32_table
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.ops.products import Products
from mcuq.ops.taps import Sliding, window_sums
from mcuq.tensor import Array

TILE = 4  # outputs
BLOCK_OUTPUTS = 20  # of one channel, at least, for which its weights are loaded


@dataclass(frozen=True, eq=False)
class DepthwiseConv2d3x3LanesParams(Params):
    """3x3, stride 1 or 2, at most one row or column of padding on each side: some rows of one channel at a time."""

    kernel: ClassVar[str] = "depthwise_conv2d_3x3_s8_lanes"

    input_h: i32
    input_w: i32
    channels: i32
    output_h: i32
    output_w: i32
    stride: i32  # 1 or 2
    pad_top: i32
    pad_left: i32
    input_zero_point: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per channel, 0: one for all
    block: i32  # rows of the output at a time
    end: i32  # first row whose window reaches below the image, or output_h
    blocks: i32  # a first and a last row whose windows reach beyond the image count as one each
    reverse: i32  # 1: last row first, so that the output may lie behind the input
    weights: i8_table  # (channels, 3, 3)
    bias: i32_table  # (channels), the input's zero point included
    multiplier: i32_table  # (channels) or (1)
    shift: i8_table  # (channels) or (1)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        needed = window_bytes(self._sliding(), (self.input_h, self.input_w, self.channels))
        blocks = [*range(self.pad_top), *range(self.pad_top, self.end, self.block), *range(self.end, self.output_h)]
        return tile_overlap(needed, self.channels, np.array(blocks) * self.output_w, buffered=False)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return _run(self, inputs[0], self._sliding(), self._products)

    @cached_property
    def _products(self) -> Products:
        return products_of(self, self.weights.reshape(self.channels, -1))

    def _sliding(self) -> Sliding:
        output, origin = (self.output_h, self.output_w), (self.pad_top, self.pad_left)
        return Sliding((3, 3), (self.stride, self.stride), origin, output)


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dLanesParams(Params):
    """Any window: all channels of four neighbouring outputs at a time."""

    kernel: ClassVar[str] = "depthwise_conv2d_s8_lanes"

    input_h: i32
    input_w: i32
    channels: i32
    output_h: i32
    output_w: i32
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
    per_channel: i32  # 1: one multiplier per channel, 0: one for all
    reverse: i32  # 1: last pixels first, so that the output may lie behind the input
    weights: i8_table  # (channels, filter_h, filter_w)
    bias: i32_table  # (channels), the input's zero point included
    multiplier: i32_table  # (channels) or (1)
    shift: i8_table  # (channels) or (1)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        needed = window_bytes(self._sliding(), (self.input_h, self.input_w, self.channels))
        tiles = np.arange(0, self.output_w, TILE)
        starts = (np.arange(self.output_h)[:, np.newaxis] * self.output_w + tiles).ravel()
        return tile_overlap(needed, self.channels, starts, buffered=False)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return _run(self, inputs[0], self._sliding(), self._products)

    @cached_property
    def _products(self) -> Products:
        return products_of(self, self.weights.reshape(self.channels, -1))

    def _sliding(self) -> Sliding:
        window, dilation = (self.filter_h, self.filter_w), (self.dilation_h, self.dilation_w)
        stride, origin = (self.stride_h, self.stride_w), (self.pad_top, self.pad_left)
        return Sliding(window, stride, origin, (self.output_h, self.output_w), dilation)


def take(layer: Layer[DepthwiseConv2dParams]) -> Params | None:
    """Return the kernel for a depthwise convolution, or None: channel multipliers, unusual scales."""
    p = layer.params
    if p.channel_multiplier != 1:
        return None
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    weights = p.weights.reshape(-1, p.input_c).T
    channels = fast_channels(Channels(weights, p.bias, p.multiplier, p.shift), rounding)
    if channels is None:
        return None
    members: dict[str, Any] = {
        "channels": p.input_c,
        "input_zero_point": p.input_zero_point,
        "output_zero_point": p.output_zero_point,
        "activation_min": p.activation_min,
        "activation_max": p.activation_max,
        "per_channel": int(channels.multiplier.size > 1),
        "reverse": 0,
        "bias": channels.bias,
        "multiplier": channels.multiplier,
        "shift": channels.shift,
    }
    if _is_3x3(p):
        block = -(-BLOCK_OUTPUTS // p.output_w)
        inside = (p.input_h + p.pad_top - 3) // p.stride_h + 1
        end = max(min(inside, p.output_h), p.pad_top)
        return DepthwiseConv2d3x3LanesParams(
            input_h=p.input_h,
            input_w=p.input_w,
            output_h=p.output_h,
            output_w=p.output_w,
            stride=p.stride_h,
            pad_top=p.pad_top,
            pad_left=p.pad_left,
            block=block,
            end=end,
            blocks=p.pad_top - (p.pad_top - end) // block + p.output_h - end,
            weights=channels.weights.reshape(-1, 3, 3),
            **members,
        )
    h, w = (0, 1) if not _is_column(p) else (1, 0)  # a column lies in memory as a row does
    return DepthwiseConv2dLanesParams(
        input_h=(p.input_h, p.input_w)[h],
        input_w=(p.input_h, p.input_w)[w],
        output_h=(p.output_h, p.output_w)[h],
        output_w=(p.output_h, p.output_w)[w],
        filter_h=(p.filter_h, p.filter_w)[h],
        filter_w=(p.filter_h, p.filter_w)[w],
        stride_h=(p.stride_h, p.stride_w)[h],
        stride_w=(p.stride_h, p.stride_w)[w],
        dilation_h=(p.dilation_h, p.dilation_w)[h],
        dilation_w=(p.dilation_h, p.dilation_w)[w],
        pad_top=(p.pad_top, p.pad_left)[h],
        pad_left=(p.pad_top, p.pad_left)[w],
        weights=channels.weights.reshape(-1, *(p.filter_h, p.filter_w)[:: w - h]),
        **members,
    )


def _is_3x3(p: DepthwiseConv2dParams) -> bool:
    """Whether the window is 3x3 and reaches at most one row or column beyond the image."""
    square = (p.filter_h, p.filter_w, p.dilation_h, p.dilation_w) == (3, 3, 1, 1)
    sizes = ((p.input_h, p.output_h, p.pad_top), (p.input_w, p.output_w, p.pad_left))
    beyond = [(n_out - 1) * p.stride_h + 3 - pad - n_in for n_in, n_out, pad in sizes]
    return square and p.stride_h == p.stride_w <= 2 and max(p.pad_top, p.pad_left, *beyond) <= 1


def _is_column(p: DepthwiseConv2dParams) -> bool:
    return (p.input_w, p.output_w, p.filter_w, p.pad_left) == (1, 1, 1, 0)


Depthwise = DepthwiseConv2d3x3LanesParams | DepthwiseConv2dLanesParams


def _run(p: Depthwise, x: Array, sliding: Sliding, products: Products) -> Array:
    image = x.reshape(-1, p.input_h, p.input_w, p.channels)
    sums = window_sums(image, p.weights.transpose(1, 2, 0), sliding, p.input_zero_point, products.dtype)
    return products.outputs(sums).reshape(len(x), -1)
