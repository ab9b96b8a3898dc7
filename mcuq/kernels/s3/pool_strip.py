"""Pools and means on the ESP32-S3's vector unit whose pixels lie at any address: channels that fill no vector.

Rows are copied to scratch as for a depthwise convolution, which an average over windows of one size is, with weights
of 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.kernels.layer import Layer
from mcuq.kernels.s3.depthwise_conv2d import of_groups, pixels_abreast, strip_of
from mcuq.kernels.s3.forms import Grouping
from mcuq.kernels.s3.pool import average_of, counts_of, mean_of
from mcuq.kernels.s3.records import LANES, Group
from mcuq.kernels.s3.strips import MAX_SCRATCH, StripParams, padded
from mcuq.ops.average_pool import AveragePoolParams
from mcuq.ops.base import Params, i32
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.ops.max_pool import MaxPoolParams
from mcuq.ops.mean import MeanParams
from mcuq.ops.pooling import PoolParams
from mcuq.tensor import Array

LEAST = -128  # what is outside the image, for the largest inside it


@dataclass(frozen=True, eq=False)
class MaxPoolStripS3Params(StripParams):
    """The window's largest integer inside the image."""

    kernel: ClassVar[str] = "max_pool_strip_s8_s3"

    groups: i32  # of 16 channels
    columns: i32  # of a window
    column_step: i32  # bytes from column to column

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = padded(self, inputs[0])
        row = np.arange(self.groups * LANES) + self.input_step * np.arange(self.output_w)[:, np.newaxis]
        largest = np.full((len(x), self.output_h, self.output_w, self.groups * LANES), LEAST, np.int8)
        for tap in range(self.window_rows * self.columns):
            top, column = divmod(tap, self.columns)
            rows = x[:, top : top + (self.output_h - 1) * self.stride_h + 1 : self.stride_h]
            largest = np.maximum(largest, rows[..., row + column * self.column_step])
        return self.limited(largest)


def take(layer: Layer[PoolParams]) -> Params | None:
    """Return the kernel for a pool; None for averages whose windows are not alike, or of too much scratch or flash."""
    p, at_border = layer.params, layer.at_border
    if isinstance(p, MaxPoolParams):
        return _largest(p, at_border=at_border)
    pixels = p.filter_h * p.filter_w
    if not isinstance(p, AveragePoolParams) or counts_of(p).tolist() != [pixels]:
        return None
    return _averages(_depthwise(p), average_of(pixels, p), at_border=at_border)


def take_mean(layer: Layer[MeanParams]) -> Params | None:
    """Return the kernel for a mean over what lies in front of the channels; None for others."""
    p = layer.params
    kept, pixels, channels, inner = p.shape
    if inner != 1 or channels == 1:
        return None
    shape = {"input_h": kept, "input_w": pixels, "channels": channels, "output_h": kept, "output_w": 1}
    window = {"filter_h": 1, "filter_w": pixels, "stride_h": 1, "stride_w": 1, "pad_top": 0, "pad_left": 0}
    limits = {"activation_min": p.activation_min, "activation_max": p.activation_max}
    pool = AveragePoolParams(**shape, **window, **limits, reverse=0)
    return _averages(_depthwise(pool), mean_of(p), at_border=layer.at_border)


def _depthwise(p: PoolParams, outside: int = 0) -> DepthwiseConv2dParams:
    """Return the depthwise convolution with a pool's windows, of weights of 1."""
    names = {m.name for m in DepthwiseConv2dParams.members()}
    shared = {m.name: getattr(p, m.name) for m in p.members() if m.name in names}
    one = np.ones(1, np.int32)
    return DepthwiseConv2dParams(
        **shared,
        input_c=p.channels,
        channel_multiplier=1,
        dilation_h=1,
        dilation_w=1,
        input_zero_point=outside,
        output_zero_point=0,
        per_channel=0,
        weights=np.ones((p.filter_h, p.filter_w, p.channels), np.int8),
        bias=np.zeros(p.channels, np.int32),
        multiplier=one,
        shift=one.astype(np.int8),
    )


def _averages(p: DepthwiseConv2dParams, group: Group | None, *, at_border: bool) -> Params | None:
    groups = -(-p.input_c * pixels_abreast(p) // LANES)
    if group is None or groups * group.weights.size > MAX_SCRATCH:
        return None
    return of_groups(p, Grouping([group] * groups, ()), at_border=at_border)


def _largest(p: MaxPoolParams, *, at_border: bool) -> Params | None:
    strip = strip_of(_depthwise(p, LEAST), at_border=at_border)
    params = MaxPoolStripS3Params(**strip) if strip else None
    return params if params and params.scratch_bytes <= MAX_SCRATCH else None
