"""The exponential linear unit, and its scaled form SELU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import Int64
from mcuq.ops.base import Real
from mcuq.ops.lookup import LookupOp, quantized
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class Elu(LookupOp):
    """``y = gamma * x`` where x >= 0, else ``gamma * alpha * (exp(x) - 1)``; SELU with its constants.

    Quantization: any scales; the real result in float32, rounded half away from zero, as in the table that TFLite's
    ELU makes (there alpha and gamma are 1).
    """

    name: ClassVar[str] = "elu"

    alpha: float = 1.0
    gamma: float = 1.0

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        x = inputs[0]
        return np.asarray(self.gamma * np.where(x >= 0, x, self.alpha * np.expm1(np.minimum(x, 0))))

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        one = np.float32(1)
        real = np.float32(x.scale) * (q - x.zero_point).astype(np.float32)
        below = np.float32(self.alpha) * np.expm1(np.minimum(real, 0).astype(np.float64)).astype(np.float32)
        y = np.float32(self.gamma) * np.where(real >= 0, real, below)
        return quantized(y * (one / np.float32(output.scale)), output)
