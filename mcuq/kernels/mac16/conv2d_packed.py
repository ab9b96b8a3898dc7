"""Convolution with weights of 2 or 4 bits on MAC16: as with a byte per weight, but for how these widen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.kernels.channels import Rounding
from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16.channels import MAX_SCRATCH, SCRATCH_BYTES, exchanged, mac16_channels
from mcuq.kernels.mac16.conv2d import Conv2dMac16Params, along_a_row, tiled
from mcuq.kernels.mac16.packed import Stored, fastest, larger, restored, stored, whole_words
from mcuq.ops.base import Params, i8_table, i16_table, i32, u8_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.tensor import Array, QConstant


@dataclass(frozen=True, eq=False)
class Conv2dPackedMac16Params(Conv2dMac16Params):
    """Filters become int16 once per tile as there, in the order of x: by a mask from integers, else by a table."""

    kernel: ClassVar[str] = "conv2d_s8_packed_mac16"

    weights: u8_table  # (output_c, bytes of a filter), column by column: mcuq_mac16_dot_packed.h
    bits: i32  # of a weight: 2 or 4
    form: i32  # of weights: 0: integers, 1: indices of levels by pairs, 2: indices of levels
    pairs: i16_table  # (codebooks, 2^(2 * bits), 2), of form 1
    levels: i8_table  # (codebooks, 2^bits)
    codebook: u8_table  # (output_c) or (1)
    per_group: i32  # 1: each output channel says which levels are its, 0: all have the same

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return super().scratch_bytes + 2 * (whole_words(self.taps, self.bits) - self.taps)

    def frugal(self, limit: int) -> Params:
        """See :meth:`Params.frugal`: bytes of weights would take more flash."""
        return self.with_scratch(limit)

    @property
    def _stored(self) -> Stored:
        return Stored(*(getattr(self, name) for name in Stored._fields))

    @property
    def _larger(self) -> int:
        return self._stored.larger

    def _in_bytes(self) -> Array:
        return exchanged(restored(self._stored, self.taps))


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution of one group; None for what the one with a byte per weight does not take."""
    return fastest(layer, of_form)


def of_form(p: Conv2dParams, weights: QConstant, integers: bool) -> Params | None:
    """Return the kernel with weights stored as integers or as indices, or None."""
    p, more = along_a_row(p), larger(weights, integers=integers)
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    rows = p.weights.reshape(p.output_c, -1)
    channels = mac16_channels(rows, p.bias, p.multiplier, p.shift, rounding, larger=more)
    if p.dilation_w != 1 or channels is None:
        return None
    in_bytes = tiled(p, channels, multiple=2 if integers else _column_multiple(p))
    found = in_bytes and stored(_rows(in_bytes, integers), weights, integers=integers)
    if not in_bytes or not found:
        return None
    members = {m.name: getattr(in_bytes, m.name) for m in in_bytes.members()} | found._asdict()
    packed = Conv2dPackedMac16Params(**members | {"bias": channels.packed_bias(more)}).with_scratch(SCRATCH_BYTES)
    return packed if packed.scratch_bytes <= MAX_SCRATCH else None


def _column_multiple(p: Conv2dParams) -> int:
    """Of what columns are multiples, for filters that nothing but their columns fills up."""
    pairs = -(-p.filter_h * p.input_c // 2)
    return 2 if p.filter_w * pairs % 2 == 0 else 4


def _rows(p: Conv2dMac16Params, integers: bool) -> Array:
    """Return filters [channels, taps] in the order of x.

    A codebook may lack the 0 that fills up columns. There, inputs are 0: any weight of the filter will do.
    """
    rows = exchanged(p.weights)
    if integers:
        return rows
    used = np.arange(p.taps) % p.column < p.filter_h * p.input_c
    return np.where(used, rows, rows[:, :1])
