"""GRU on MAC16: the products of all gates as those of fully connected layers, added in 16 bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from mcuq.kernels.channels import gate_products
from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16.gates import GateMatrix, gate_matrix
from mcuq.ops.base import Params, i32, i32_table, u8_table, u16_table
from mcuq.ops.gru import GruParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class GruMac16Params(Params):
    """Both matrices are packed as :class:`FullyConnectedMac16Params` has its weights; neighbours may share a scale."""

    kernel: ClassVar[str] = "gru_s8_mac16"

    steps: i32
    input_c: i32
    units: i32
    reset_after: i32  # whether the reset gate is applied to the product, or to what goes into it
    kept_shift: i32  # of 2^-16 times update gate and state
    fresh_shift: i32  # of 2^-16 times the rest of the update gate and the new gate
    output_multiplier: i32  # of the state
    output_shift: i32
    reset_multiplier: i32  # of reset gate times state
    reset_shift: i32
    output_zero_point: i32
    taps: i32  # input_c, filled up to a multiple of 4
    recurrent_taps: i32  # units, likewise
    sharing: i32  # channels that have one scale, one after the other
    recurrent_sharing: i32
    weights: u8_table  # (3 * units, taps), even ones 128 more than they are
    recurrent: u8_table  # (3 * units, recurrent_taps), likewise
    bias: i32_table  # (3 * units), of the negated sums, 256 times, with what the offsets of x add
    recurrent_bias: i32_table  # (3 * units), likewise
    scale: i32_table  # (3 * units / sharing, 2): multiplier, and what rounds plus right shift + 7
    recurrent_scale: i32_table  # (3 * units / recurrent_sharing, 2), likewise
    logistic: u16_table  # (256)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`: a vector, four sums in 16 bits and a byte per unit."""
        return 2 * max(self.taps, self.recurrent_taps) + 9 * self.units

    def writes_over(self, operand: int, output: int) -> bool:
        """See :meth:`Params.writes_over`: the state changes in its place."""
        return (operand, output) == (1, 1)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self.run_all(*inputs)[0]

    def run_all(self, *inputs: Array) -> tuple[Array, ...]:
        """See :meth:`Params.run_all`."""
        return self._portable.run_all(*inputs)

    @cached_property
    def _portable(self) -> GruParams:
        fed = GateMatrix(self.weights, self.bias, self.scale, self.sharing).unpacked(self.input_c)
        own = GateMatrix(self.recurrent, self.recurrent_bias, self.recurrent_scale, self.recurrent_sharing)
        recurring = own.unpacked(self.units)
        return GruParams(
            steps=self.steps,
            input_c=self.input_c,
            units=self.units,
            reset_after=self.reset_after,
            kept_shift=self.kept_shift,
            fresh_shift=self.fresh_shift,
            output_multiplier=self.output_multiplier,
            output_shift=self.output_shift,
            reset_multiplier=self.reset_multiplier,
            reset_shift=self.reset_shift,
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


def take(layer: Layer[GruParams]) -> Params | None:
    """Return the kernel, or None: scales that it does not serve, more inputs than the scratch holds."""
    p = layer.params
    fed, recurring = (gate_matrix(channels, p.units) for channels in gate_products(p))
    if fed is None or recurring is None:
        return None
    return GruMac16Params(
        steps=p.steps,
        input_c=p.input_c,
        units=p.units,
        reset_after=p.reset_after,
        kept_shift=p.kept_shift,
        fresh_shift=p.fresh_shift,
        output_multiplier=p.output_multiplier,
        output_shift=p.output_shift,
        reset_multiplier=p.reset_multiplier,
        reset_shift=p.reset_shift,
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
