"""Hard sigmoid: the piecewise linear stand-in for the logistic function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class HardSigmoid(RealLookupOp):
    """``y = min(max(alpha * x + beta, 0), 1)``; ONNX's default is 0.2 x + 0.5, PyTorch's x / 6 + 0.5.

    Quantization: any scales; the real result, rounded half away from zero. TensorFlow Lite Micro has no int8 hard
    sigmoid.
    """

    name: ClassVar[str] = "hard_sigmoid"

    alpha: float = 0.2
    beta: float = 0.5

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(np.clip(inputs[0] * self.alpha + self.beta, 0, 1))
