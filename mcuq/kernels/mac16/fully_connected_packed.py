"""Fully connected layer with weights of 2 or 4 bits on MAC16: multiplied as they come from flash."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from mcuq.kernels.channels import Rounding
from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16 import conv2d_packed
from mcuq.kernels.mac16.channels import MAX_SCRATCH, mac16_channels, portable_bias, unpacked_bias
from mcuq.kernels.mac16.packed import INTEGERS, LEVELS, Stored, fastest, larger, restored, stored, whole_words
from mcuq.ops.base import IN_PLACE, Overlap, Params, i8_table, i16_table, i32, i32_table, u8_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.fully_connected import FullyConnectedParams
from mcuq.tensor import Array, QConstant

OFFSET = {2: 0x2A, 4: 0x08}  # of a byte's integers but the uppermost, which are stored 2^(bits - 1) too large


@dataclass(frozen=True, eq=False)
class FullyConnectedPackedMac16Params(Params):
    """Integers are multiplied as they lie in words; ``mcuq_mac16_vector_packed_asm.S`` says how that is exact.

    What the offset of some integers adds depends on the input alone, so it is computed once.
    """

    kernel: ClassVar[str] = "fully_connected_s8_packed_mac16"

    input_c: i32
    output_c: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    bits: i32  # of a weight: 2 or 4
    form: i32  # of weights: 0: integers, 1: indices of levels by pairs
    weights: u8_table  # (output_c, bytes of a filter): mcuq_mac16_vector_packed.h
    bias: i32_table  # (output_c), negated, with what x being 127 - input adds; and right shifts
    multiplier: i32_table  # (output_c) or (1)
    pairs: i16_table  # (codebooks, 2^(2 * bits), 2), of form 1
    levels: i8_table  # (codebooks, 2^bits)
    codebook: u8_table  # (output_c) or (1)
    per_group: i32  # 1: each output channel says which levels are its, 0: all have the same

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return 2 * whole_words(self.input_c, self.bits)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`: all is read before anything is written."""
        return IN_PLACE

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self._portable.run(*inputs)

    @cached_property
    def _portable(self) -> FullyConnectedParams:
        more = self._stored.larger
        bias, exponent = unpacked_bias(self.bias, more)
        weights = restored(_with_offsets(self._stored), self.input_c)
        return FullyConnectedParams(
            batch=1,
            input_c=self.input_c,
            output_c=self.output_c,
            input_zero_point=0,
            output_zero_point=self.output_zero_point,
            activation_min=self.activation_min,
            activation_max=self.activation_max,
            per_channel=1,
            reverse=0,
            weights=weights,
            bias=portable_bias(weights, bias, 0, larger=more),
            multiplier=np.broadcast_to(self.multiplier, exponent.shape),
            shift=-exponent,
        )

    @property
    def _stored(self) -> Stored:
        return Stored(*(getattr(self, name) for name in Stored._fields))


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution with one window over its whole input: that of a vector, or a convolution's.

    A convolution's, where levels have no table of pairs.
    """
    return fastest(layer, _of_form)


def _of_form(p: Conv2dParams, weights: QConstant, integers: bool) -> Params | None:
    rows, more = p.weights.reshape(p.output_c, -1), larger(weights, integers=integers)
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    channels = mac16_channels(rows, p.bias, p.multiplier, p.shift, rounding, larger=more)
    found = channels and stored(channels.weights, weights, integers=integers)
    if not channels or not found:
        return None
    if found.form == LEVELS:
        return conv2d_packed.of_form(_as_pixel(p), weights, integers=False)
    if 2 * whole_words(rows.shape[1], found.bits) > MAX_SCRATCH:
        return None
    return FullyConnectedPackedMac16Params(
        input_c=rows.shape[1],
        output_c=p.output_c,
        output_zero_point=p.output_zero_point,
        activation_min=p.activation_min,
        activation_max=p.activation_max,
        per_channel=int(channels.multiplier.size > 1),
        bias=channels.packed_bias(more),
        multiplier=channels.multiplier,
        **_with_offsets(found)._asdict(),
    )


def _with_offsets(stored: Stored) -> Stored:
    """Add the offsets of integers, or take them away."""
    if stored.form != INTEGERS:
        return stored
    return stored._replace(weights=stored.weights ^ np.uint8(OFFSET[stored.bits]))


def _as_pixel(p: Conv2dParams) -> Conv2dParams:
    """Return the 1x1 convolution of the whole input as one pixel."""
    ones = dict.fromkeys("input_h input_w filter_h filter_w stride_h stride_w dilation_h dilation_w".split(), 1)
    members = {m.name: getattr(p, m.name) for m in p.members()} | ones
    taps = p.weights.size // p.output_c
    return type(p)(**members | {"input_c": taps, "weights": p.weights.reshape(p.output_c, 1, 1, taps)})
