"""LSTM kernel: the products of all gates as those of fully connected layers, two channels in one register."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from mcuq.kernels.channels import gate_products, is_fast
from mcuq.kernels.lanes.fully_connected import Packed, packed_for, scratch_bytes
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params, i8_table, i32, i32_table, u16_table
from mcuq.ops.lstm import GATES, LstmParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class LstmLanesParams(Params):
    """Both matrices are packed as :class:`FullyConnectedLanesParams` has its weights."""

    kernel: ClassVar[str] = "lstm_s8_lanes"

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
    general: i32  # 1: some channel needs more than mcuq_requantize_fast
    chunk: i32  # inputs whose products are summed in 16 bits: 8, 4, 3 or 1
    recurrent_chunk: i32
    weights: i32_table  # of 4 * units channels, input_c each, in eights
    extra: i32_table
    recurrent: i32_table  # of 4 * units channels, units each
    recurrent_extra: i32_table
    bias: i32_table  # (4, units), the input's zero point included
    recurrent_bias: i32_table  # (4, units), that of the hidden state's zero point
    multiplier: i32_table  # (4, units)
    shift: i8_table  # (4, units)
    recurrent_multiplier: i32_table  # (4, units)
    recurrent_shift: i8_table  # (4, units)
    logistic: u16_table  # (256)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`: what chunks have too much, and the gates."""
        chunks = scratch_bytes(self.input_c, self.chunk), scratch_bytes(self.units, self.recurrent_chunk)
        return sum(chunks) + 2 * GATES * self.units

    def writes_over(self, operand: int, output: int) -> bool:
        """See :meth:`Params.writes_over`: the cell changes in its place."""
        return (operand, output) == (2, 1)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self.run_all(*inputs)[0]

    def run_all(self, *inputs: Array) -> tuple[Array, ...]:
        """See :meth:`Params.run_all`."""
        channels = GATES * self.units
        fed = Packed(self.chunk, self.weights, self.extra).unpacked(channels, self.input_c)
        recurring = Packed(self.recurrent_chunk, self.recurrent, self.recurrent_extra).unpacked(channels, self.units)
        return LstmParams(**_shared(self) | {"weights": fed, "recurrent": recurring}).run_all(*inputs)


def _shared(params: Params) -> dict[str, Any]:
    """Return the members that the portable kernel has too."""
    return {f.name: getattr(params, f.name) for f in fields(LstmParams)}


def take(layer: Layer[LstmParams]) -> Params | None:
    """Return the kernel, or None: too few channels, weights too large, too much scratch."""
    p = layer.params
    fed, recurring = (packed_for(channels.weights) for channels in gate_products(p))
    if fed is None or recurring is None:
        return None
    packed = {"chunk": fed.chunk, "weights": fed.weights, "extra": fed.extra}
    packed |= {"recurrent_chunk": recurring.chunk, "recurrent": recurring.weights, "recurrent_extra": recurring.extra}
    general = int(not all(is_fast(channels) for channels in gate_products(p)))
    return LstmLanesParams(general=general, **(_shared(p) | packed))
