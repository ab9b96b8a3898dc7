"""Simple recurrent layer on MAC16: both products as those of fully connected layers, added in 16 bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from mcuq.kernels.channels import gate_products
from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16.gates import GateMatrix, gate_matrix
from mcuq.ops.base import Params, i32, i32_table, u8_table, u16_table
from mcuq.ops.rnn import RnnParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class RnnMac16Params(Params):
    """Both matrices are packed as :class:`FullyConnectedMac16Params` has its weights; channels may share a scale."""

    kernel: ClassVar[str] = "rnn_s8_mac16"

    steps: i32
    input_c: i32
    units: i32
    output_multiplier: i32
    output_shift: i32
    output_zero_point: i32
    taps: i32  # input_c, filled up to a multiple of 4
    recurrent_taps: i32  # units, likewise
    sharing: i32  # channels that have one scale, one after the other
    recurrent_sharing: i32
    weights: u8_table  # (units, taps), even ones 128 more than they are
    recurrent: u8_table  # (units, recurrent_taps), likewise
    bias: i32_table  # (units), of the negated sums, 256 times, with what the offsets of x add
    recurrent_bias: i32_table  # (units), likewise
    scale: i32_table  # (units / sharing, 2): multiplier, and what rounds plus right shift + 7
    recurrent_scale: i32_table  # (units / recurrent_sharing, 2), likewise
    logistic: u16_table  # (256)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`: a vector, and a sum in 16 bits per unit."""
        return 2 * max(self.taps, self.recurrent_taps) + 2 * self.units

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self._portable.run(*inputs)

    @cached_property
    def _portable(self) -> RnnParams:
        fed = GateMatrix(self.weights, self.bias, self.scale, self.sharing).unpacked(self.input_c)
        own = GateMatrix(self.recurrent, self.recurrent_bias, self.recurrent_scale, self.recurrent_sharing)
        recurring = own.unpacked(self.units)
        return RnnParams(
            steps=self.steps,
            input_c=self.input_c,
            units=self.units,
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


def take(layer: Layer[RnnParams]) -> Params | None:
    """Return the kernel, or None: scales that it does not serve, more inputs than the scratch holds."""
    p = layer.params
    fed, recurring = (gate_matrix(channels, p.units) for channels in gate_products(p))
    if fed is None or recurring is None:
        return None
    return RnnMac16Params(
        steps=p.steps,
        input_c=p.input_c,
        units=p.units,
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
