"""Another scale, zero point or type for the same real values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq import fixedpoint
from mcuq.fixedpoint import Int64
from mcuq.ops.base import Real
from mcuq.ops.lookup import LookupOp
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class Requantize(LookupOp):
    """``y = x``, from one quantization to another; int8 and uint8 on either side.

    Quantization: ``requantize(q - z_in, s_in / s_out) + z_out``, saturated, as TFLite's QUANTIZE between integers.
    """

    name: ClassVar[str] = "requantize"
    takes_uint8: ClassVar[bool] = True

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return inputs[0]

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        return np.clip(rescaled(q, x, output), *output.limits)


def rescaled(q: Int64, x: QTensor, output: QTensor) -> Int64:
    """Integers of ``x`` as integers of ``output``, not yet saturated; the quotient of the scales in double."""
    multiplier, shift = fixedpoint.quantize_multiplier(x.scale / output.scale, by_shift=output.by_shift)
    return fixedpoint.requantize(q - x.zero_point, multiplier, shift) + output.zero_point
