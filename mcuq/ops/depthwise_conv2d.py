"""Depthwise 2-D convolution with channel multiplier, stride and dilation, and a fused activation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, cast

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.accumulator import bias_or_zero, channel_multipliers, check_accumulator, check_room, counting, refined
from mcuq.ops.base import (
    Op,
    Operand,
    Overlap,
    Params,
    Real,
    activate,
    fused_limits,
    i8_table,
    i32,
    i32_table,
)
from mcuq.ops.packing import check_values
from mcuq.ops.products import Products, scaling_of
from mcuq.ops.taps import Sliding, window_sums
from mcuq.ops.window import Padding, Pair, Window, output_size, parts_of, row_overlap
from mcuq.tensor import Array, QConstant, QTensor, Shape


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dParams(Params):
    """Portable kernel: weights HWO, a tile of output channels at a time."""

    kernel: ClassVar[str] = "depthwise_conv2d_s8"

    input_h: i32
    input_w: i32
    input_c: i32
    output_h: i32
    output_w: i32
    channel_multiplier: i32  # output channels per input channel
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
    reverse: i32  # 1: last row first, so that the output may lie behind the input
    weights: i8_table  # (filter_h, filter_w, output_c)
    bias: i32_table  # (output_c)
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        window = Window((self.filter_h - 1) * self.dilation_h + 1, self.stride_h, self.pad_top)
        row = self.input_w * self.input_c
        output_row = self.output_w * self.input_c * self.channel_multiplier
        return row_overlap(self.input_h, row, self.output_h, output_row, window)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c)
        if self.channel_multiplier > 1:
            x = np.repeat(x, self.channel_multiplier, axis=3)
        sliding = Sliding(
            (self.filter_h, self.filter_w),
            (self.stride_h, self.stride_w),
            (self.pad_top, self.pad_left),
            (self.output_h, self.output_w),
            (self.dilation_h, self.dilation_w),
        )
        products = self._products
        sums = window_sums(x, self.weights, sliding, self.input_zero_point, products.dtype)
        return products.outputs(sums).reshape(len(x), -1)

    @cached_property
    def _products(self) -> Products:
        """The layer prepared."""
        weights = self.weights.reshape(-1, self.weights.shape[2]).T
        return Products(weights, self.bias, self.input_zero_point, scaling_of(self))


@dataclass(frozen=True)
class DepthwiseConv2d(Op):
    """``y[o] = act(b[o] + sum over window of x[o // m] * w[o])``, m = O / I, cross-correlation, NHWC, weights 1HWO.

    Quantization: weights of 1 to 8 bits, zero point 0, per channel or per tensor; bias int32 at scale s_in * s_w[o]
    or, of trained integers, up to 64 times finer.
    Without a bias it is 0 (TFLM crashes there).

    - C1: weights have shape [1, H, W, O]; O is a multiple of the input channels.
    - C2: the accumulator of every channel stays within int32 for all inputs.
    - C3: weight zero points are 0.
    - C4: per-channel scales lie along O, dimension 3 of the weights.
    - C5: weights lie within their bits, or in their codebook; 1 to 4 bits are stored packed, at 1, 2 or 4.
    """

    name: ClassVar[str] = "depthwise_conv2d"
    weights_axis: ClassVar[int | None] = 3

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    activation: str = "none"

    def infer_shape(self, *inputs: Shape) -> Shape:
        """[1, H, W, I], [1, h, w, O] (, [O]) to [1, H', W', O]; C1."""
        (n, h, w, c), (one, kh, kw, o) = inputs[0], inputs[1]
        if one != 1 or o % c:
            raise ValueError(f"{c} input channels do not divide the {o} of filters [1, rows, columns, {o}]")
        if len(inputs) > 2 and math.prod(inputs[2]) != o:
            raise ValueError(f"the bias has {math.prod(inputs[2])} elements for {o} output channels")
        return (n, *output_size((h, w), (kh, kw), self.stride, self.padding, self.dilation, channels=o), o)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        x, weights = inputs[0], inputs[1]
        n, h, w, o = self.infer_shape(x.shape[1:], weights.shape)
        image = x.reshape(-1, *x.shape[2:])
        if o > x.shape[-1]:
            image = np.repeat(image, o // x.shape[-1], axis=3)
        kind = np.result_type(x, weights)
        sliding = Sliding(weights.shape[1:3], self.stride, (self.padding[0], self.padding[2]), (h, w), self.dilation)
        y = np.empty((len(image), h, w, o), kind)
        for part in parts_of(len(image), max(y[:1].nbytes, image[:1].nbytes)):
            y[part] = window_sums(image[part], weights[0], sliding, 0.0, kind)
        if len(inputs) > 2:
            y += inputs[2]
        return activate(self.activation, y).reshape(-1, n, h, w, o)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x, weights = cast(QTensor, inputs[0]), cast(QConstant, inputs[1])
        _, h, w, c = x.shape
        _, kh, kw, o = weights.shape
        if weights.scale.size > 1 and weights.axis != 3:
            raise CannotQuantizeError(f"weights have scales along dimension {weights.axis}; it must be 3")
        constants = cast(tuple[QConstant, ...], tuple(inputs[2:]))
        weights, bias = refined(weights, constants), bias_or_zero(constants, o)
        multiplier, shift = channel_multipliers(x, weights, output)
        bias = counting(bias, multiplier)
        check_room(check_accumulator(weights.values.reshape(-1, o).T, bias, x), multiplier, shift)
        low, high = fused_limits(self.activation, output)
        check_values(weights.values.reshape(-1, o).T, weights)
        return DepthwiseConv2dParams(
            input_h=h,
            input_w=w,
            input_c=c,
            output_h=output.shape[1],
            output_w=output.shape[2],
            channel_multiplier=o // c,
            filter_h=kh,
            filter_w=kw,
            stride_h=self.stride[0],
            stride_w=self.stride[1],
            dilation_h=self.dilation[0],
            dilation_w=self.dilation[1],
            pad_top=self.padding[0],
            pad_left=self.padding[2],
            input_zero_point=x.zero_point,
            output_zero_point=output.zero_point,
            activation_min=low,
            activation_max=high,
            per_channel=int(multiplier.size > 1),
            reverse=0,
            weights=weights.values[0].astype(np.int8),
            bias=bias,
            multiplier=multiplier,
            shift=shift,
        )

    def macs(self, *inputs: Shape) -> int:
        """Output elements times the taps of one filter."""
        _, h, w, o = self.infer_shape(*inputs)
        return h * w * o * inputs[1][1] * inputs[1][2]
