"""Pointwise convolution on the ESP32-S3's vector unit: 16 filters side by side, one input byte at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import clamp
from mcuq.kernels.channels import Channels, Rounding, tile_overlap, window_bytes
from mcuq.kernels.layer import Layer
from mcuq.kernels.s3.forms import grouped
from mcuq.kernels.s3.records import LANES, outputs, table, unpacked
from mcuq.ops.base import Overlap, Params, i8_table, i32
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.taps import Sliding
from mcuq.tensor import Array

SCRATCH_BYTES = 64  # beside the pixel: lanes of QACC, and a mask


@dataclass(frozen=True, eq=False)
class Conv2d1x1S3Params(Params):
    """A pixel is read into scratch before its outputs are written; groups of 16 filters after each other.

    With ``reverse`` rows come last to first, and pixels of a row still first to last.
    """

    kernel: ClassVar[str] = "conv2d_1x1_s8_s3"
    alignment: ClassVar[int] = 16

    input_w: i32
    input_c: i32  # a multiple of 16, as output_c
    output_h: i32
    output_w: i32
    output_c: i32
    stride_h: i32
    stride_w: i32
    activation_min: i32
    activation_max: i32
    reverse: i32  # 1: last row first, so that the output may lie behind the input
    records: i8_table  # (output_c / 16): mcuq_s3_record.h

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return SCRATCH_BYTES + self.input_c

    @property
    def input_bytes(self) -> int:
        """Bytes of the rows that are read."""
        return ((self.output_h - 1) * self.stride_h + 1) * self.input_w * self.input_c

    @property
    def distance(self) -> int:
        """See :meth:`Params.distance`."""
        return self.alignment

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`: forward pixel by pixel, backward row by row."""
        rows = (self.output_h - 1) * self.stride_h + 1
        sliding = Sliding((1, 1), (self.stride_h, self.stride_w), (0, 0), (self.output_h, self.output_w), (1, 1))
        needed = window_bytes(sliding, (rows, self.input_w, self.input_c))
        pixels = np.arange(self.output_h * self.output_w)
        forward = tile_overlap(needed, self.output_c, pixels, buffered=True)
        backward = tile_overlap(needed, self.output_c, pixels[:: self.output_w], buffered=False)
        return Overlap(_up(forward.before), _up(backward.after))

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(len(inputs[0]), -1, self.input_w, self.input_c)
        seen = x[:, :: self.stride_h, :: self.stride_w][:, : self.output_h, : self.output_w]
        found = outputs(seen, unpacked(self.records, self.input_c))
        return clamp(found, self.activation_min, self.activation_max).reshape(len(x), -1)


def _up(distance: int | None) -> int | None:
    """Round up to a multiple of what everything is aligned to."""
    return None if distance is None else -(-distance // 16) * 16


def pointwise(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution of one pixel whose channels are multiples of 16; None for others."""
    p = layer.params
    window = (p.filter_h, p.filter_w, p.pad_top, p.pad_left, p.groups)
    if layer.at_border or window != (1, 1, 0, 0, 1) or p.input_c % LANES or p.output_c % LANES:
        return None
    if (p.output_h - 1) * p.stride_h >= p.input_h or (p.output_w - 1) * p.stride_w >= p.input_w:
        return None
    channels = Channels(p.weights.reshape(p.output_c, -1), p.bias, p.multiplier, p.shift)
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    found = grouped(channels, rounding)
    if found is None:
        return None
    return Conv2d1x1S3Params(
        input_w=p.input_w,
        input_c=p.input_c,
        output_h=p.output_h,
        output_w=p.output_w,
        output_c=p.output_c,
        stride_h=p.stride_h,
        stride_w=p.stride_w,
        activation_min=p.activation_min,
        activation_max=p.activation_max,
        reverse=p.reverse,
        records=table(found.groups),
    )
