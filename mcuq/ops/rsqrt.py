"""The reciprocal of the square root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import Int64, quantize_multiplier, requantize
from mcuq.ops.base import Real
from mcuq.ops.inverse_sqrt import inverse_sqrt
from mcuq.ops.lookup import LookupOp
from mcuq.tensor import QTensor

SHIFT = 20  # fractional bits of the root that is rescaled


@dataclass(frozen=True)
class Rsqrt(LookupOp):
    """``y = 1 / sqrt(x)``.

    Quantization: ``1 / sqrt(q - z_in)`` in fixed point with 20 fractional bits, requantized by
    ``1 / (sqrt(s_in) * s_out)`` in float32, as TFLite's int8 RSQRT. An input of 0 becomes the largest integer, and
    so do those below 0, for which TensorFlow Lite Micro aborts.
    """

    name: ClassVar[str] = "rsqrt"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return 1 / np.sqrt(inputs[0])

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        low, high = output.limits
        value = np.maximum(q - x.zero_point, 0)
        multiplier, shift = quantize_multiplier(1 / float(np.sqrt(np.float32(x.scale)) * np.float32(output.scale)))
        root, root_shift = inverse_sqrt(value)
        fine = requantize(np.ones_like(value), root, root_shift + SHIFT)
        results = np.clip(requantize(fine, multiplier, shift - SHIFT) + output.zero_point, low, high)
        return np.where(value == 0, high, results)
