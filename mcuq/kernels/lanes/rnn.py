"""Simple recurrent kernel: both products as those of fully connected layers, two channels in one register."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from mcuq.kernels.channels import gate_products, is_fast
from mcuq.kernels.lanes.fully_connected import Packed, packed_for, scratch_bytes
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params, i8_table, i32, i32_table, u16_table
from mcuq.ops.rnn import RnnParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class RnnLanesParams(Params):
    """Both matrices are packed as :class:`FullyConnectedLanesParams` has its weights."""

    kernel: ClassVar[str] = "rnn_s8_lanes"

    steps: i32
    input_c: i32
    units: i32
    output_multiplier: i32
    output_shift: i32
    output_zero_point: i32
    general: i32  # 1: some channel needs more than mcuq_requantize_fast
    chunk: i32  # inputs whose products are summed in 16 bits: 8, 4, 3 or 1
    recurrent_chunk: i32
    weights: i32_table  # of units channels, input_c each, in eights
    extra: i32_table
    recurrent: i32_table  # of units channels, units each
    recurrent_extra: i32_table
    bias: i32_table  # (units), the input's zero point included
    recurrent_bias: i32_table  # (units), that of the hidden state's zero point
    multiplier: i32_table  # (units)
    shift: i8_table  # (units)
    recurrent_multiplier: i32_table  # (units)
    recurrent_shift: i8_table  # (units)
    logistic: u16_table  # (256)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`: what chunks have too much, and a sum in 16 bits per unit."""
        chunks = scratch_bytes(self.input_c, self.chunk), scratch_bytes(self.units, self.recurrent_chunk)
        return sum(chunks) + 2 * self.units

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        fed = Packed(self.chunk, self.weights, self.extra).unpacked(self.units, self.input_c)
        recurring = Packed(self.recurrent_chunk, self.recurrent, self.recurrent_extra).unpacked(self.units, self.units)
        return RnnParams(**_shared(self) | {"weights": fed, "recurrent": recurring}).run(*inputs)


def _shared(params: Params) -> dict[str, Any]:
    """Return the members that the portable kernel has too."""
    return {f.name: getattr(params, f.name) for f in fields(RnnParams)}


def take(layer: Layer[RnnParams]) -> Params | None:
    """Return the kernel, or None: fewer than eight units."""
    p = layer.params
    products = gate_products(p)
    fed, recurring = (packed_for(channels.weights) for channels in products)
    if fed is None or recurring is None:
        return None
    packed = {"chunk": fed.chunk, "weights": fed.weights, "extra": fed.extra}
    packed |= {"recurrent_chunk": recurring.chunk, "recurrent": recurring.weights, "recurrent_extra": recurring.extra}
    general = int(not all(is_fast(channels) for channels in products))
    return RnnLanesParams(general=general, **(_shared(p) | packed))
