"""The absolute value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import Int64, quantize_multiplier, requantize
from mcuq.ops.base import Real
from mcuq.ops.lookup import LookupOp
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class Abs(LookupOp):
    """``y = |x|``.

    Quantization: ``requantize(|q - z_in|, s_in / s_out) + z_out``, saturated, the quotient in float32, as TFLite.
    """

    name: ClassVar[str] = "abs"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.abs(inputs[0])

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        ratio = float(np.float32(x.scale) / np.float32(output.scale))
        magnitude = requantize(np.abs(q - x.zero_point), *quantize_multiplier(ratio, by_shift=output.by_shift))
        return np.clip(magnitude + output.zero_point, *output.limits)
