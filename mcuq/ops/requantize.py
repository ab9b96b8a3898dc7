"""Another scale, zero point or type for the same real values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq import fixedpoint
from mcuq.fixedpoint import Int64
from mcuq.ops.accumulator import check_room
from mcuq.ops.base import Operand, Params, Real, i32
from mcuq.ops.int16 import saturated
from mcuq.ops.lookup import LookupOp
from mcuq.tensor import Array, QTensor


@dataclass(frozen=True, eq=False)
class RequantizeS16Params(Params):
    """Another scale, zero point and number of bytes; one side or both have two."""

    kernel: ClassVar[str] = "requantize_s16"

    elements: i32
    input_bytes: i32  # of an element: 1 or 2
    output_bytes: i32
    multiplier: i32
    shift: i32
    input_zero_point: i32
    output_zero_point: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        scaled = fixedpoint.requantize(inputs[0].astype(np.int64) - self.input_zero_point, self.multiplier, self.shift)
        y = scaled + self.output_zero_point
        return fixedpoint.clamp(y, -128, 127) if self.output_bytes == 1 else saturated(y).astype(np.int16)


@dataclass(frozen=True)
class Requantize(LookupOp):
    """``y = x``, from one quantization to another; int8 and uint8 on either side, or int8 and int16.

    Quantization: ``requantize(q - z_in, s_in / s_out) + z_out``, saturated, as TFLite's QUANTIZE between integers.
    What layers remember has 16 bits, and becomes a byte where others read it.
    """

    name: ClassVar[str] = "requantize"
    takes_uint8: ClassVar[bool] = True

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return inputs[0]

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        return np.clip(rescaled(q, x, output), *output.limits)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x = cast(QTensor, inputs[0])
        if "int16" not in (x.dtype, output.dtype):
            return super().lower(inputs, output)
        multiplier, shift = fixedpoint.quantize_multiplier(x.scale / output.scale)
        check_room(1 << 16, multiplier, shift, room=1 << 16)
        return RequantizeS16Params(
            elements=x.elements,
            input_bytes=x.bytes // x.elements,
            output_bytes=output.bytes // output.elements,
            multiplier=multiplier,
            shift=shift,
            input_zero_point=x.zero_point,
            output_zero_point=output.zero_point,
        )


def rescaled(q: Int64, x: QTensor, output: QTensor) -> Int64:
    """Integers of ``x`` as integers of ``output``, not yet saturated; the quotient of the scales in double."""
    multiplier, shift = fixedpoint.quantize_multiplier(x.scale / output.scale, by_shift=output.by_shift)
    return fixedpoint.requantize(q - x.zero_point, multiplier, shift) + output.zero_point
