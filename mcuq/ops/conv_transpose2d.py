"""Transposed 2-D convolution with stride, and a fused activation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, cast

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import clamp, requantize
from mcuq.ops.accumulator import bias_or_zero, channel_multipliers, check_accumulator, check_room, counting, dot
from mcuq.ops.base import Op, Operand, Overlap, Params, Real, activate, fused_limits, i8_table, i32, i32_table
from mcuq.ops.window import Padding, Pair, output_size
from mcuq.tensor import Array, QConstant, QTensor, Shape


@dataclass(frozen=True, eq=False)
class ConvTranspose2dParams(Params):
    """Portable kernel: weights OHWI as they come; every output pixel gathers from the input pixels that reach it."""

    kernel: ClassVar[str] = "conv_transpose2d_s8"

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
    pad_top: i32
    pad_left: i32
    input_zero_point: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    weights: i8_table  # (output_c, filter_h, filter_w, input_c)
    bias: i32_table  # (output_c)
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`: a row is written when all rows in front of those it sees were read."""
        y = np.arange(self.output_h)
        first = np.clip((y + self.pad_top - self.filter_h) // self.stride_h + 1, 0, self.input_h)
        row, output_row = self.input_w * self.input_c, self.output_w * self.output_c
        return Overlap(int(((y + 1) * output_row - first * row).max()), None)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c).astype(np.int16) - self.input_zero_point
        grid = Grid((self.stride_h, self.stride_w), (self.pad_top, self.pad_left), (self.output_h, self.output_w))
        acc = spread(x, self.weights, grid, dot).astype(np.int64)
        scaled = requantize(acc + self.bias, self.multiplier, self.shift)
        return clamp(scaled + self.output_zero_point, self.activation_min, self.activation_max).reshape(len(x), -1)


class Grid(NamedTuple):
    """Where input pixel (y, x) lands: its first tap at ``(y, x) * stride - origin`` of the output."""

    stride: Pair
    origin: Pair
    output: Pair


def spread(x: Array, weights: Array, grid: Grid, product: Callable[[Array, Array], Array]) -> Array:
    """Add every input pixel, times the filters, to the output pixels that it reaches.

    Args:
        x: [samples, rows, columns, inputs].
        weights: [outputs, filter rows, filter columns, inputs].
        grid: where the output lies.
        product: of [samples, rows, columns, inputs] and [outputs, inputs], over inputs.

    Returns:
        [samples, output rows, output columns, outputs].
    """
    (sh, sw), (top, left), (oh, ow) = grid
    (n, h, w, _), (o, kh, kw, _) = x.shape, weights.shape
    rows, columns = (h - 1) * sh + 1, (w - 1) * sw + 1
    products = ((i, j, product(x, weights[:, i, j])) for i in range(kh) for j in range(kw))
    whole = np.zeros((n, max(rows + kh - 1, top + oh), max(columns + kw - 1, left + ow), o), np.float64)
    for i, j, values in products:
        whole[:, i : i + rows : sh, j : j + columns : sw] += values
    return whole[:, top : top + oh, left : left + ow]


@dataclass(frozen=True)
class ConvTranspose2d(Op):
    """``y[o] = act(b[o] + sum over x that reach y of x * w[o])``: every input pixel adds its filter to the output.

    NHWC, weights OHWI; the filter's first tap falls on ``pixel * stride - padding``, as in ONNX and TFLite. The
    output has ``(H - 1) * stride + h - top - bottom + output_padding`` rows. Strips of rows have ``size``, how many are
    computed, in place of the padding behind them (:mod:`mcuq.passes.rows`).

    Quantization: weights int8, zero point 0, per channel or per tensor; bias int32 at scale s_in * s_w[o].

    - C1: weights have shape [O, H, W, I] for I input channels.
    - C2: the accumulator of every channel stays within int32 for all inputs.
    - C3: weight zero points are 0.
    - C4: per-channel scales lie along O, dimension 0 of the weights.
    - C5: the output padding is smaller than the stride; no padding is negative; the output is not empty, and a size is
      not negative.
    """

    name: ClassVar[str] = "conv_transpose2d"
    weights_axis: ClassVar[int | None] = 0

    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    output_padding: Pair = (0, 0)  # rows below, columns on the right
    activation: str = "none"
    size: Pair = (0, 0)  # rows and columns that are computed; 0: all

    def infer_shape(self, *inputs: Shape) -> Shape:
        """[1, H, W, I], [O, h, w, I] (, [O]) to [1, H', W', O]; C1, C5."""
        (n, h, w, c), (o, kh, kw, i) = inputs[0], inputs[1]
        if i != c:
            raise ValueError(f"{c} input channels, {i} per filter")
        if len(inputs) > 2 and math.prod(inputs[2]) != o:
            raise ValueError(f"the bias has {math.prod(inputs[2])} elements for {o} output channels")
        extra = all(0 <= p < s for p, s in zip(self.output_padding, self.stride, strict=True))
        size = self._output((h, w), (kh, kw))
        if not extra or min(*self.padding, *self.size, *(n - 1 for n in size)) < 0:
            raise ValueError(
                f"padding {self.padding}, output padding {self.output_padding} and stride {self.stride} "
                f"make no output of {h}x{w} with a filter of {kh}x{kw}"
            )
        padded = max(size[0], kh), max(size[1], kw)  # a strip may be smaller than a filter
        output_size(padded, (kh, kw), self.stride, self.padding, channels=max(o, c))  # refuses too much work
        return (n, *size, o)

    def _output(self, size: Pair, window: Pair) -> Pair:
        cropped = (self.padding[0] + self.padding[1], self.padding[2] + self.padding[3])
        rows, columns = (
            given or (n - 1) * s + k - p + extra
            for given, n, k, s, p, extra in zip(
                self.size, size, window, self.stride, cropped, self.output_padding, strict=True
            )
        )
        return rows, columns

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        x, weights = inputs[0].reshape(-1, *inputs[0].shape[2:]), inputs[1]
        output = self._output((x.shape[1], x.shape[2]), (weights.shape[1], weights.shape[2]))
        grid = Grid(self.stride, (self.padding[0], self.padding[2]), output)
        y = spread(x, weights, grid, lambda a, b: a @ b.T) + (inputs[2] if len(inputs) > 2 else 0.0)
        return activate(self.activation, y)[:, np.newaxis]

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x, weights = cast(QTensor, inputs[0]), cast(QConstant, inputs[1])
        _, h, w, c = x.shape
        o, kh, kw, _ = weights.shape
        if weights.scale.size > 1 and weights.axis != 0:
            raise CannotQuantizeError(f"weights have scales along dimension {weights.axis}; it must be 0")
        bias = bias_or_zero(cast(tuple[QConstant, ...], tuple(inputs[2:])), o)
        multiplier, shift = channel_multipliers(x, weights, output)
        bias = counting(bias, multiplier)
        check_room(check_accumulator(weights.values.reshape(o, -1), bias, x), multiplier, shift)
        low, high = fused_limits(self.activation, output)
        return ConvTranspose2dParams(
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
            pad_top=self.padding[0],
            pad_left=self.padding[2],
            input_zero_point=x.zero_point,
            output_zero_point=output.zero_point,
            activation_min=low,
            activation_max=high,
            per_channel=int(multiplier.size > 1),
            weights=weights.values.astype(np.int8),
            bias=bias,
            multiplier=multiplier,
            shift=shift,
        )

    def macs(self, *inputs: Shape) -> int:
        """Input elements times the taps that each of them reaches, padding not subtracted; of a strip, its share."""
        reached = math.prod(given or n * s for given, n, s in zip(self.size, inputs[0][1:3], self.stride, strict=True))
        return int(inputs[0][0] * reached * math.prod(inputs[1]) // math.prod(self.stride))
