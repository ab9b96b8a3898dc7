"""Depthwise convolution of one window on MAC16, as streaming models have them: bytes are multiplied as they come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.kernels.channels import Channels, Rounding
from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16.channels import mac16_channels, portable_bias, unpacked_bias
from mcuq.kernels.window import OneWindow, one_window, window_outputs
from mcuq.ops.base import Params, i16_table, i32, i32_table
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.tensor import Array

SPARE = 2  # weights, which the last channel's last load reads


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dWindowMac16Params(Params):
    """One output pixel whose window is a row: there is no use in widening what is seen once, so weights are int16."""

    kernel: ClassVar[str] = "depthwise_conv2d_window_s8_mac16"

    channels: i32
    taps: i32  # in a row of the window, which has one
    step: i32  # bytes from tap to tap
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per channel, 0: one for all
    weights: i16_table  # (channels, taps, even), 256 times what they are, and two more
    bias: i32_table  # (channels), negated, with what x being 127 - input adds; and right shifts
    multiplier: i32_table  # (channels) or (1)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        weights = (self.weights[:-SPARE].reshape(self.channels, -1)[:, : self.taps] >> 8).astype(np.int8)
        bias, exponent = unpacked_bias(self.bias)
        bias = portable_bias(weights, bias, 0)
        window = OneWindow(self.channels, 1, self.taps, self.step, self.step)
        rounding = Rounding(0, self.output_zero_point, self.activation_min, self.activation_max)
        return window_outputs(inputs[0], window, Channels(weights, bias, self.multiplier, -exponent), rounding)


def take(layer: Layer[DepthwiseConv2dParams]) -> Params | None:
    """Return the kernel for a convolution whose output is one pixel; None for others, for windows of several rows."""
    p = layer.params
    window = one_window(p)
    if window is None or window.rows > 1:
        return None
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    channels = mac16_channels(p.weights.reshape(-1, p.input_c).T, p.bias, p.multiplier, p.shift, rounding)
    if channels is None:
        return None
    packed = np.zeros((window.channels, window.columns + window.columns % 2), np.int16)
    packed[:, : window.columns] = channels.weights.astype(np.int16) << 8
    return DepthwiseConv2dWindowMac16Params(
        channels=window.channels,
        taps=window.columns,
        step=window.column_step,
        output_zero_point=p.output_zero_point,
        activation_min=p.activation_min,
        activation_max=p.activation_max,
        per_channel=int(channels.multiplier.size > 1),
        weights=np.append(packed.ravel(), np.zeros(SPARE, np.int16)),
        bias=channels.packed_bias(),
        multiplier=channels.multiplier,
    )
