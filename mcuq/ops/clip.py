"""Saturation at two real limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import Int64
from mcuq.ops.base import Real
from mcuq.ops.lookup import LookupOp
from mcuq.ops.requantize import rescaled
from mcuq.tensor import QTensor

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Clip(LookupOp):
    """``y = min(max(x, low), high)``; an infinite limit becomes the largest float32.

    Quantization: requantized from the input's to the output's scale, then clamped at the limits' integers, as relu
    and relu6. TensorFlow Lite Micro has no int8 clip: a converter writes a minimum and a maximum.

    - C1: the limits are numbers, low <= high.
    """

    name: ClassVar[str] = "clip"

    low: float = -LARGEST
    high: float = LARGEST

    def __post_init__(self) -> None:
        """Refuse limits in the wrong order; C1. Make infinite ones finite, as JSON has no others."""
        if not self.low <= self.high:
            raise ValueError(f"limits {self.low} and {self.high}; the first must not be above the second")
        object.__setattr__(self, "low", max(self.low, -LARGEST))
        object.__setattr__(self, "high", min(self.high, LARGEST))

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.clip(inputs[0], self.low, self.high)

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        representable = (np.array(output.limits) - output.zero_point) * output.scale
        low, high = output.quantize(np.clip([self.low, self.high], *representable)).tolist()
        return np.clip(rescaled(q, x, output), low, high)
