"""GRU kernel: the products of all gates as those of fully connected layers, two channels in one register."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from mcuq.kernels.channels import gate_products, is_fast
from mcuq.kernels.lanes.fully_connected import Packed, packed_for, scratch_bytes
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params, i8_table, i32, i32_table, u16_table
from mcuq.ops.gru import GATES, GruParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class GruLanesParams(Params):
    """Matrices are packed as :class:`FullyConnectedLanesParams` has its weights; the new gate's is one by itself.

    It may be multiplied with another vector than those of update and reset gate: what the reset leaves of the state.
    """

    kernel: ClassVar[str] = "gru_s8_lanes"

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
    general: i32  # 1: some channel needs more than mcuq_requantize_fast
    chunk: i32  # inputs whose products are summed in 16 bits: 8, 4, 3 or 1
    recurrent_chunk: i32
    fresh_chunk: i32
    weights: i32_table  # of 3 * units channels, input_c each, in eights
    extra: i32_table
    recurrent: i32_table  # of update and reset gate, 2 * units channels
    recurrent_extra: i32_table
    fresh: i32_table  # of the new gate, units channels
    fresh_extra: i32_table
    bias: i32_table  # (3, units), the input's zero point included
    recurrent_bias: i32_table  # (3, units), the hidden state's zero point included
    multiplier: i32_table  # (3, units)
    shift: i8_table  # (3, units)
    recurrent_multiplier: i32_table  # (3, units)
    recurrent_shift: i8_table  # (3, units)
    logistic: u16_table  # (256)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`: what chunks have too much, six sums in 16 bits and a byte per unit."""
        own = scratch_bytes(self.units, self.recurrent_chunk) + scratch_bytes(self.units, self.fresh_chunk)
        return scratch_bytes(self.input_c, self.chunk) + own + 13 * self.units

    def writes_over(self, operand: int, output: int) -> bool:
        """See :meth:`Params.writes_over`: the state changes in its place."""
        return (operand, output) == (1, 1)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self.run_all(*inputs)[0]

    def run_all(self, *inputs: Array) -> tuple[Array, ...]:
        """See :meth:`Params.run_all`."""
        n = self.units
        fed = Packed(self.chunk, self.weights, self.extra).unpacked(GATES * n, self.input_c)
        gates = Packed(self.recurrent_chunk, self.recurrent, self.recurrent_extra).unpacked((GATES - 1) * n, n)
        new = Packed(self.fresh_chunk, self.fresh, self.fresh_extra).unpacked(n, n)
        weights = {"weights": fed, "recurrent": np.concatenate([gates, new])}
        return GruParams(**_shared(self) | weights).run_all(*inputs)


def _shared(params: Params) -> dict[str, Any]:
    """Return the members that the portable kernel has too."""
    return {f.name: getattr(params, f.name) for f in fields(GruParams)}


def take(layer: Layer[GruParams]) -> Params | None:
    """Return the kernel, or None: fewer than eight units."""
    p = layer.params
    products = gate_products(p)
    gates, new = np.split(products[1].weights, [(GATES - 1) * p.units])
    fed, recurring, fresh = packed_for(products[0].weights), packed_for(gates), packed_for(new)
    if fed is None or recurring is None or fresh is None:
        return None
    packed = {"chunk": fed.chunk, "weights": fed.weights, "extra": fed.extra}
    packed |= {"recurrent_chunk": recurring.chunk, "recurrent": recurring.weights, "recurrent_extra": recurring.extra}
    packed |= {"fresh_chunk": fresh.chunk, "fresh": fresh.weights, "fresh_extra": fresh.extra}
    general = int(not all(is_fast(channels) for channels in products))
    return GruLanesParams(general=general, **(_shared(p) | packed))
