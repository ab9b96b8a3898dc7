"""Depthwise convolutions of one window: where its bytes lie, and what becomes of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcuq.kernels.channels import Channels, Rounding, output_of
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.tensor import Array


class OneWindow(NamedTuple):
    """A window that begins with the image; steps in bytes. A column is taken as a row."""

    channels: int
    rows: int
    columns: int
    row_step: int
    column_step: int

    def taps(self) -> Array:
        """Return the index of every tap's first channel, [rows * columns]."""
        rows, columns = np.arange(self.rows) * self.row_step, np.arange(self.columns) * self.column_step
        return np.asarray((rows[:, np.newaxis] + columns).ravel())


def one_window(p: DepthwiseConv2dParams) -> OneWindow | None:
    """Return the only window of a layer; None for several, for borders and for several outputs per input."""
    if (p.output_h, p.output_w, p.pad_top, p.pad_left, p.channel_multiplier) != (1, 1, 0, 0, 1):
        return None
    if (p.filter_h - 1) * p.dilation_h >= p.input_h or (p.filter_w - 1) * p.dilation_w >= p.input_w:
        return None
    row, column = p.dilation_h * p.input_w * p.input_c, p.dilation_w * p.input_c
    if p.filter_w == 1:
        return OneWindow(p.input_c, 1, p.filter_h, row, row)
    return OneWindow(p.input_c, p.filter_h, p.filter_w, row, column)


def window_outputs(x: Array, window: OneWindow, channels: Channels, rounding: Rounding) -> Array:
    """Compute images [samples, bytes] to outputs [samples, channels]; weights [channels, taps]."""
    taps = x.reshape(len(x), -1)[:, window.taps()[:, np.newaxis] + np.arange(window.channels)].astype(np.int64)
    acc = (taps * channels.weights.T).sum(axis=1) + channels.bias
    return output_of(acc, channels.multiplier, channels.shift, rounding)
