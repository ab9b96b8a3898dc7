"""Convolution on the ESP32-S3's vector unit: 16 filters side by side, one input byte of a window at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from mcuq.kernels.channels import Channels, Rounding
from mcuq.kernels.layer import Layer
from mcuq.kernels.s3.forms import Grouping, grouped
from mcuq.kernels.s3.records import LANES, Group, outputs, table, unpacked
from mcuq.kernels.s3.strips import MAX_SCRATCH, StripParams, members_of, padded
from mcuq.ops.base import Params, i8_table, i32
from mcuq.ops.conv2d import Conv2dParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class Conv2dS3Params(StripParams):
    """A row of a window is read from its first byte to its last, at any address: no window is copied.

    Of fewer than 16 channels several pixels, which lie beside each other, may be one of 16.
    """

    kernel: ClassVar[str] = "conv2d_s8_s3"

    groups: i32  # of 16 filters
    parts: i32  # a row of a window is so many parts of so many times 16 taps, and the rest, even;
    blocks: i32  # long sums are cut behind every part and row, or at the end if there are no blocks
    rest: i32
    is_long: i32  # 1: some sums are
    records: i8_table  # (groups): mcuq_s3_record.h

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        taps = LANES * self.parts * self.blocks + self.rest
        return sums_of_windows(self, inputs[0], taps, unpacked(self.records, self.window_rows * taps))


def sums_of_windows(p: StripParams, x: Array, taps: int, groups: Sequence[Group]) -> Array:
    """Return the outputs of groups that see rows of so many taps."""
    image = padded(p, x)
    places = p.input_step * np.arange(p.output_w)[:, np.newaxis] + np.arange(taps)
    dilation = p.row_step // p.pitch
    rows = np.arange(p.output_h)[:, np.newaxis] * p.stride_h + dilation * np.arange(p.window_rows)
    seen = image[:, rows[:, np.newaxis, :, np.newaxis], places[np.newaxis, :, np.newaxis, :]]
    return p.limited(outputs(seen.reshape(*seen.shape[:3], -1), groups))


class Row(NamedTuple):
    """How the taps of a window's row are read."""

    parts: int
    blocks: int
    rest: int

    @property
    def taps(self) -> int:
        """Their number, filled up to an even one."""
        return LANES * self.parts * self.blocks + self.rest

    def cuts(self, rows: int) -> tuple[int, ...]:
        """Return the numbers of taps behind which a long sum of so many rows is cut."""
        if not self.blocks:
            return (rows * self.taps,)
        behind = [*(LANES * self.blocks * part for part in range(1, self.parts)), self.taps]
        return tuple(row * self.taps + end for row in range(rows) for end in behind)


def rows_of(taps: int) -> Iterator[Row]:
    """Yield the ways to read a row, those in fewer parts first."""
    blocks, rest = divmod(taps, LANES)
    if rest > LANES - 2:
        blocks, rest = blocks + 1, 0
    for parts in range(1, max(blocks, 1) + 1):
        if blocks % parts == 0:
            yield Row(parts, blocks // parts, rest + rest % 2)


def abreast(p: Conv2dParams) -> Conv2dParams:
    """Let several pixels of few channels be one of 16, whose window is as wide as theirs together."""
    several = LANES // p.output_c if p.output_c and LANES % p.output_c == 0 else 1
    if several == 1 or p.output_w % several or p.groups > 1 or (p.dilation_w > 1 and p.filter_w > 1):
        return p
    filter_w = p.filter_w + (several - 1) * p.stride_w
    weights = np.zeros((several, p.output_c, p.filter_h, filter_w, p.input_c), np.int8)
    for pixel in range(several):
        first = pixel * p.stride_w
        weights[pixel, :, :, first : first + p.filter_w] = p.weights.reshape(p.output_c, p.filter_h, p.filter_w, -1)
    bias, multiplier, shift = (
        np.tile(np.broadcast_to(v, p.output_c), several) for v in (p.bias, p.multiplier, p.shift)
    )
    return replace(
        p,
        output_w=p.output_w // several,
        output_c=LANES,
        filter_w=filter_w,
        stride_w=several * p.stride_w,
        weights=weights.reshape(LANES, p.filter_h, filter_w, p.input_c),
        bias=bias,
        multiplier=multiplier,
        shift=shift,
    )


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a layer; None for dilated columns, groups, and what needs more scratch than 4 KB."""
    p = abreast(layer.params)
    members = members_of(p, p.output_c, at_border=layer.at_border)
    if members is None or p.groups > 1 or (p.dilation_w > 1 and p.filter_w > 1):
        return None
    ways = list(rows_of(p.filter_w * p.input_c))
    found = grouped_in_rows(p, ways)
    if found is None:
        return None
    way = next((way for way in ways if way.cuts(p.filter_h) == found.cuts), ways[0])
    params = Conv2dS3Params(
        **members,
        groups=len(found.groups),
        parts=way.parts,
        blocks=way.blocks,
        rest=way.rest,
        is_long=found.is_long,
        records=table(found.groups),
    )
    return params if params.scratch_bytes <= MAX_SCRATCH else None


def grouped_in_rows(p: Conv2dParams, ways: Sequence[Row]) -> Grouping | None:
    """Return the groups of filters whose rows are filled up with weights of 0 to the taps of all the ways."""
    filters = np.zeros((p.output_c, p.filter_h, ways[0].taps), np.int8)
    filters[..., : p.filter_w * p.input_c] = p.weights.reshape(p.output_c, p.filter_h, -1)
    channels = Channels(filters.reshape(p.output_c, -1), p.bias, p.multiplier, p.shift)
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    return grouped(channels, rounding, [way.cuts(p.filter_h) for way in ways])
