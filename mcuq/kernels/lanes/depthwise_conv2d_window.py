"""Depthwise convolution of one window, as streaming models have them: eight channels side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mcuq.kernels.channels import Channels, Rounding, fast_channels
from mcuq.kernels.layer import Layer
from mcuq.kernels.window import OneWindow, one_window, window_outputs
from mcuq.ops.base import Params, i8_table, i32, i32_table
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dWindowLanesParams(Params):
    """One output pixel: neither borders nor neighbours, so that weights may lie as the window's bytes do."""

    kernel: ClassVar[str] = "depthwise_conv2d_window_s8_lanes"

    channels: i32
    rows: i32  # of the window
    columns: i32
    row_step: i32  # bytes from row to row of the window
    column_step: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per channel, 0: one for all
    weights: i8_table  # (rows, columns, channels)
    bias: i32_table  # (channels), the input's zero point included
    multiplier: i32_table  # (channels) or (1)
    shift: i8_table  # (channels) or (1)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        window = OneWindow(self.channels, self.rows, self.columns, self.row_step, self.column_step)
        weights = self.weights.reshape(-1, self.channels).T
        channels = Channels(weights, self.bias, self.multiplier, self.shift)
        return window_outputs(
            inputs[0], window, channels, Rounding(0, self.output_zero_point, self.activation_min, self.activation_max)
        )


def take(layer: Layer[DepthwiseConv2dParams]) -> Params | None:
    """Return the kernel for a convolution whose output is one pixel; None for others, and for unusual scales."""
    p = layer.params
    window = one_window(p)
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    weights = p.weights.reshape(-1, p.weights.shape[-1]).T
    channels = fast_channels(Channels(weights, p.bias, p.multiplier, p.shift), rounding)
    if window is None or channels is None:
        return None
    return DepthwiseConv2dWindowLanesParams(
        channels=window.channels,
        rows=window.rows,
        columns=window.columns,
        row_step=window.row_step,
        column_step=window.column_step,
        output_zero_point=p.output_zero_point,
        activation_min=p.activation_min,
        activation_max=p.activation_max,
        per_channel=int(channels.multiplier.size > 1),
        weights=channels.weights.T.reshape(window.rows, window.columns, window.channels),
        bias=channels.bias,
        multiplier=channels.multiplier,
        shift=channels.shift,
    )
