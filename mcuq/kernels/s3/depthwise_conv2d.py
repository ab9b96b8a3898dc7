"""Depthwise convolution on the ESP32-S3's vector unit: 16 channels side by side, tap by tap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mcuq.kernels.channels import Channels, Rounding
from mcuq.kernels.layer import Layer
from mcuq.kernels.s3.forms import Grouping, grouped
from mcuq.kernels.s3.records import LANES, Group, table, unpacked
from mcuq.kernels.s3.strips import MAX_SCRATCH, StripParams, members_of, padded
from mcuq.ops.base import Params, i8_table, i32
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class PlanesS3Params(StripParams):
    """Channel by channel: 16 of them beside each other in the input as in the output.

    Of fewer than 16 channels several pixels, which lie beside each other, may be one of 16.
    """

    groups: i32  # of 16 channels
    columns: i32  # of a window
    column_step: i32  # bytes from column to column

    def of_weights(self, x: Array, groups: Sequence[Group]) -> Array:
        """Return the outputs of groups with a weight for every tap."""
        image = padded(self, x)
        parts = [group.outputs(self._sums(image, group.weights, LANES * at)) for at, group in enumerate(groups)]
        return self.limited(np.concatenate(parts, axis=-1).reshape(len(x), self.output_h, self.output_w, -1))

    def _sums(self, x: Array, weights: Array, first: int) -> Array:
        """Return [samples, rows, pixels, lanes] without what sums begin with, of the lanes from ``first`` on."""
        places = first + self.input_step * np.arange(self.output_w)[:, np.newaxis] + np.arange(LANES)
        sums = np.zeros((len(x), self.output_h, self.output_w, LANES), np.int64)
        for tap in range(weights.shape[1]):
            row, column = divmod(tap, self.columns)
            top = row * self.row_step // self.pitch
            rows = x[:, top : top + (self.output_h - 1) * self.stride_h + 1 : self.stride_h]
            sums += rows[..., places + column * self.column_step].astype(np.int64) * weights[:, tap]
        return sums


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dS3Params(PlanesS3Params):
    """A byte for every weight."""

    kernel: ClassVar[str] = "depthwise_conv2d_s8_s3"

    is_long: i32  # 1: some sums are
    records: i8_table  # (groups): mcuq_s3_record.h

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self.of_weights(inputs[0], unpacked(self.records, self.window_rows * self.columns))


def take(layer: Layer[DepthwiseConv2dParams]) -> Params | None:
    """Return the kernel for a layer; None for several outputs per input, and for what needs more scratch than 4 KB."""
    found = planes(layer.params)
    return of_groups(layer.params, found, at_border=layer.at_border) if found else None


def planes(p: DepthwiseConv2dParams) -> Grouping | None:
    """Return the groups of a layer's channels, of all pixels in a vector; None where there are none."""
    if p.channel_multiplier != 1:
        return None
    taps, abreast = p.filter_h * p.filter_w, pixels_abreast(p)
    scales = (np.tile(np.broadcast_to(values, p.input_c), abreast) for values in (p.multiplier, p.shift))
    weights = np.tile(p.weights.reshape(taps, -1).T, (abreast, 1))
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    return grouped(Channels(weights, np.tile(p.bias, abreast), *scales), rounding, [(taps,)])


def of_groups(p: DepthwiseConv2dParams, found: Grouping, *, at_border: bool) -> Params | None:
    """Return the kernel for a layer whose channels' groups are known, those of all pixels in a vector; or None."""
    strip = strip_of(p, at_border=at_border)
    if strip is None:
        return None
    params = DepthwiseConv2dS3Params(**strip, is_long=found.is_long, records=table(found.groups))
    return params if params.scratch_bytes <= MAX_SCRATCH else None


def strip_of(p: DepthwiseConv2dParams, *, at_border: bool) -> dict[str, Any] | None:
    """Return a layer's strip and windows as members; None for windows that see nothing of the image's columns."""
    members = members_of(p, p.input_c, at_border=at_border)
    if members is None:
        return None
    abreast = pixels_abreast(p)
    if abreast > 1:
        members |= {"input_step": LANES, "output_w": p.output_w // abreast, "output_c": LANES}
        members["buffered"] = int(at_border)
    groups = -(-p.input_c * abreast // LANES)
    return members | {"groups": groups, "columns": p.filter_w, "column_step": p.dilation_w * p.input_c}


def pixels_abreast(p: DepthwiseConv2dParams) -> int:
    """Return how many pixels fill a vector: 1 where vectors would not fill a row."""
    several = LANES // p.input_c if p.input_c < LANES and LANES % p.input_c == 0 and p.stride_w == 1 else 1
    return several if p.output_w % several == 0 else 1
