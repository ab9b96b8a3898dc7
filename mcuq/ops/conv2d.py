"""2-D convolution with stride, dilation and groups, and a fused activation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, cast

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.accumulator import (
    bias_or_zero,
    channel_multipliers,
    check_accumulator,
    check_room,
    counting,
    refined,
)
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
from mcuq.ops.window import Padding, Pair, Window, output_size, pad, parts_of, patches, row_overlap
from mcuq.tensor import Array, QConstant, QTensor, Shape


@dataclass(frozen=True, eq=False)
class Conv2dParams(Params):
    """Portable kernel: weights OHWI as they come, one output pixel at a time."""

    kernel: ClassVar[str] = "conv2d_s8"

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
    groups: i32
    input_zero_point: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    reverse: i32  # 1: last row first, so that the output may lie behind the input
    weights: i8_table  # (output_c, filter_h, filter_w, input_c / groups)
    bias: i32_table  # (output_c)
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        window = Window((self.filter_h - 1) * self.dilation_h + 1, self.stride_h, self.pad_top)
        row, output_row = self.input_w * self.input_c, self.output_w * self.output_c
        return row_overlap(self.input_h, row, self.output_h, output_row, window)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c)
        window, stride = (self.filter_h, self.filter_w), (self.stride_h, self.stride_w)
        made = np.empty((len(x), self.output_h, self.output_w, self.output_c), np.int8)
        inputs_per_group, outputs_per_group = self.input_c // self.groups, self.output_c // self.groups
        for g, products in enumerate(self._products):
            group = x[..., g * inputs_per_group : (g + 1) * inputs_per_group]
            padded = pad(group, self._padding(), self.input_zero_point, products.dtype)
            seen = patches(padded, window, stride, (self.dilation_h, self.dilation_w))
            seen = seen[:, : self.output_h, : self.output_w]
            channels = slice(g * outputs_per_group, (g + 1) * outputs_per_group)
            columns = np.ascontiguousarray(seen).reshape(-1, seen.shape[3])
            made[..., channels] = products.of(columns).reshape(*made.shape[:3], -1)
        return made.reshape(len(x), -1)

    @cached_property
    def _products(self) -> list[Products]:
        """The layer prepared, group by group."""
        weights, scaling = self.weights.reshape(self.output_c, -1), scaling_of(self)
        parts = np.split(np.arange(self.output_c), self.groups)
        return [Products(weights[p], self.bias[p], self.input_zero_point, scaling.of(p)) for p in parts]

    def _padding(self) -> Padding:
        """Padding as far as the windows reach; what lies beyond the last window is not needed."""
        bottom = _reach(self.output_h, self.filter_h, self.stride_h, self.dilation_h) - self.input_h - self.pad_top
        right = _reach(self.output_w, self.filter_w, self.stride_w, self.dilation_w) - self.input_w - self.pad_left
        return self.pad_top, max(bottom, 0), self.pad_left, max(right, 0)


def _reach(outputs: int, window: int, stride: int, dilation: int) -> int:
    return (outputs - 1) * stride + (window - 1) * dilation + 1


@dataclass(frozen=True)
class Conv2d(Op):
    """``y[o] = act(b[o] + sum over window and inputs of x * w[o])``, cross-correlation, NHWC, weights OHWI.

    Quantization: weights of 1 to 8 bits, zero point 0, per channel or per tensor; bias int32 at scale s_in * s_w[o]
    or, of trained integers, up to 64 times finer.

    - C1: weights have shape [O, H, W, I / groups]; groups divide the input and the output channels.
    - C2: the accumulator of every channel stays within int32 for all inputs.
    - C3: weight zero points are 0.
    - C4: per-channel scales lie along O, dimension 0 of the weights.
    - C5: weights lie within their bits, or in their codebook; 1 to 4 bits are stored packed, at 1, 2 or 4.
    """

    name: ClassVar[str] = "conv2d"
    weights_axis: ClassVar[int | None] = 0

    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    groups: int = 1
    activation: str = "none"

    def infer_shape(self, *inputs: Shape) -> Shape:
        """[1, H, W, I], [O, h, w, I / groups] (, [O]) to [1, H', W', O]; C1."""
        (n, h, w, c), (o, kh, kw, i) = inputs[0], inputs[1]
        if i * self.groups != c or o % self.groups:
            raise ValueError(f"{c} input and {o} output channels, {i} per filter, {self.groups} groups")
        if len(inputs) > 2 and math.prod(inputs[2]) != o:
            raise ValueError(f"the bias has {math.prod(inputs[2])} elements for {o} output channels")
        return (n, *output_size((h, w), (kh, kw), self.stride, self.padding, self.dilation, channels=c), o)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        x, weights = inputs[0], inputs[1]
        o, kh, kw, i = weights.shape
        image, flat = x.reshape(-1, *x.shape[2:]), weights.reshape(o, -1)
        _, oh, ow, _ = self.infer_shape(x.shape[1:], weights.shape)
        y = np.empty((len(image), oh, ow, o), np.result_type(x, weights))
        outputs = o // self.groups
        for part in parts_of(len(image), oh * ow * flat[0].nbytes):
            for g in range(self.groups):
                padded = pad(image[part, :, :, g * i : (g + 1) * i], self.padding, 0.0)
                seen = patches(padded, (kh, kw), self.stride, self.dilation).reshape(-1, kh * kw * i)
                channels = slice(g * outputs, (g + 1) * outputs)
                y[part, :, :, channels] = (seen @ flat[channels].T).reshape(-1, oh, ow, outputs)
        if len(inputs) > 2:
            y += inputs[2]
        return activate(self.activation, y).reshape(*x.shape[:2], oh, ow, o)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x, weights = cast(QTensor, inputs[0]), cast(QConstant, inputs[1])
        _, h, w, c = x.shape
        o, kh, kw, _ = weights.shape
        if weights.scale.size > 1 and weights.axis != 0:
            raise CannotQuantizeError(f"weights have scales along dimension {weights.axis}; it must be 0")
        constants = cast(tuple[QConstant, ...], tuple(inputs[2:]))
        weights, bias = refined(weights, constants), bias_or_zero(constants, o)
        multiplier, shift = channel_multipliers(x, weights, output)
        bias = counting(bias, multiplier)
        check_room(check_accumulator(weights.values.reshape(o, -1), bias, x), multiplier, shift)
        low, high = fused_limits(self.activation, output)
        check_values(weights.values.reshape(o, -1), weights)
        return Conv2dParams(
            input_h=h,
            input_w=w,
            input_c=c,
            output_h=output.shape[1],
            output_w=output.shape[2],
            output_c=o,
            filter_h=kh,
            filter_w=kw,
            stride_h=self.stride[0],
            stride_w=self.stride[1],
            dilation_h=self.dilation[0],
            dilation_w=self.dilation[1],
            pad_top=self.padding[0],
            pad_left=self.padding[2],
            groups=self.groups,
            input_zero_point=x.zero_point,
            output_zero_point=output.zero_point,
            activation_min=low,
            activation_max=high,
            per_channel=int(multiplier.size > 1),
            reverse=0,
            weights=weights.values.astype(np.int8),
            bias=bias,
            multiplier=multiplier,
            shift=shift,
        )

    def macs(self, *inputs: Shape) -> int:
        """Output elements times the taps of one filter."""
        _, h, w, _ = self.infer_shape(*inputs)
        return int(h * w * np.prod(inputs[1]))
