"""LSTM on MAC16: the products of all gates as those of fully connected layers, added in 16 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from mcuq.kernels.channels import Channels, Rounding, gate_products
from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16.channels import EXPONENT_BASE, mac16_channels, portable_bias
from mcuq.kernels.mac16.fully_connected import fits, in_fours, offsets, out_of_fours
from mcuq.ops.base import Params, i32, i32_table, u8_table, u16_table
from mcuq.ops.int16 import INT16_MAX, INT16_MIN
from mcuq.ops.lstm import GATES, LstmParams
from mcuq.tensor import Array

ROUNDS = 64  # the rounding that does not depend on the right shift: see mcuq_mac16_asm.h


@dataclass(frozen=True, eq=False)
class LstmMac16Params(Params):
    """Both matrices are packed as :class:`FullyConnectedMac16Params` has its weights; neighbours may share a scale."""

    kernel: ClassVar[str] = "lstm_s8_mac16"

    steps: i32
    input_c: i32
    units: i32
    tanh_shift: i32  # left, of the cell to Q3.12
    cell_clip: i32  # of its integers; 0: none
    forget_shift: i32  # of 2^-16 times forget gate and cell
    input_shift: i32  # of 2^-16 times input and cell gate
    output_multiplier: i32
    output_shift: i32
    output_zero_point: i32
    taps: i32  # input_c, filled up to a multiple of 4
    recurrent_taps: i32  # units, likewise
    sharing: i32  # channels that have one scale, one after the other
    recurrent_sharing: i32
    weights: u8_table  # (4 * units, taps), even ones 128 more than they are
    recurrent: u8_table  # (4 * units, recurrent_taps), likewise
    bias: i32_table  # (4 * units), of the negated sums, 256 times, with what the offsets of x add
    recurrent_bias: i32_table  # (4 * units), likewise
    scale: i32_table  # (4 * units / sharing, 2): multiplier, and what rounds plus right shift + 7
    recurrent_scale: i32_table  # (4 * units / recurrent_sharing, 2), likewise
    logistic: u16_table  # (256)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`: a vector and the gates."""
        return 2 * max(self.taps, self.recurrent_taps) + 2 * GATES * self.units

    def writes_over(self, operand: int, output: int) -> bool:
        """See :meth:`Params.writes_over`: the cell changes in its place."""
        return (operand, output) == (2, 1)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self.run_all(*inputs)[0]

    def run_all(self, *inputs: Array) -> tuple[Array, ...]:
        """See :meth:`Params.run_all`."""
        fed = _Matrix(self.weights, self.bias, self.scale, self.sharing).unpacked(self.input_c)
        own = _Matrix(self.recurrent, self.recurrent_bias, self.recurrent_scale, self.recurrent_sharing)
        recurring = own.unpacked(self.units)
        portable = LstmParams(
            steps=self.steps,
            input_c=self.input_c,
            units=self.units,
            tanh_shift=self.tanh_shift,
            cell_clip=self.cell_clip,
            forget_shift=self.forget_shift,
            input_shift=self.input_shift,
            output_multiplier=self.output_multiplier,
            output_shift=self.output_shift,
            output_zero_point=self.output_zero_point,
            weights=fed.weights,
            recurrent=recurring.weights,
            bias=fed.bias,
            recurrent_bias=recurring.bias,
            multiplier=fed.multiplier,
            shift=fed.shift,
            recurrent_multiplier=recurring.multiplier,
            recurrent_shift=recurring.shift,
            logistic=self.logistic,
        )
        return portable.run_all(*inputs)


class _Matrix(NamedTuple):
    """A product of all gates as the kernel takes it: see the members of :class:`LstmMac16Params`."""

    weights: Array
    bias: Array
    scale: Array
    sharing: int

    def unpacked(self, count: int) -> Channels:
        """Return the channels as the portable kernel has them, of that many inputs."""
        weights = out_of_fours(self.weights, count)
        multiplier, rounds = (np.repeat(part, self.sharing) for part in self.scale.reshape(-1, 2).T)
        bias = portable_bias(weights, self.bias >> 8, 0, offsets(count))
        return Channels(weights, bias, multiplier, EXPONENT_BASE + 1 - (rounds & 31))


def take(layer: Layer[LstmParams]) -> Params | None:
    """Return the kernel, or None: scales that it does not serve, more inputs than the scratch holds."""
    p = layer.params
    fed, recurring = (_matrix(channels, p.units) for channels in gate_products(p))
    if fed is None or recurring is None:
        return None
    return LstmMac16Params(
        steps=p.steps,
        input_c=p.input_c,
        units=p.units,
        tanh_shift=p.tanh_shift,
        cell_clip=p.cell_clip,
        forget_shift=p.forget_shift,
        input_shift=p.input_shift,
        output_multiplier=p.output_multiplier,
        output_shift=p.output_shift,
        output_zero_point=p.output_zero_point,
        taps=fed.weights.shape[1],
        recurrent_taps=recurring.weights.shape[1],
        sharing=fed.sharing,
        recurrent_sharing=recurring.sharing,
        weights=fed.weights,
        recurrent=recurring.weights,
        bias=fed.bias,
        recurrent_bias=recurring.bias,
        scale=fed.scale,
        recurrent_scale=recurring.scale,
        logistic=p.logistic,
    )


def _matrix(channels: Channels, units: int) -> _Matrix | None:
    """Pack a product of all gates, whose channels have a scale each, or one per gate."""
    weights, bias, multiplier, shift = channels
    multiplier, shift = multiplier.ravel(), shift.ravel()
    rounding = Rounding(0, 0, INT16_MIN, INT16_MAX)
    count = weights.shape[1]
    served = mac16_channels(
        weights, bias.ravel(), multiplier, shift, rounding, offset=offsets(count), only_as_they_are=True
    )
    packed = in_fours(weights)
    if served is None or not fits(served.bias, packed.shape[1]):
        return None
    exponent = EXPONENT_BASE - shift.astype(np.int64)
    scale = np.stack([multiplier, (1 << exponent) + ROUNDS + exponent + 1], axis=1).astype(np.int32)
    by_gate = scale.reshape(GATES, units, 2)
    sharing = units if np.all(by_gate == by_gate[:, :1]) else 1
    words = (served.bias.astype(np.int64) << 8).astype(np.uint32).view(np.int32)
    return _Matrix(packed, words, scale[::sharing], sharing)
