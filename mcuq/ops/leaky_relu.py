"""The rectifier with a slope for negative values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import Int64, quantize_multiplier, requantize
from mcuq.ops.base import Real
from mcuq.ops.lookup import LookupOp
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class LeakyRelu(LookupOp):
    """``y = x`` where x >= 0, else ``alpha * x``; alpha may be negative or above 1.

    Quantization: one multiplier per side, ``s_in / s_out`` and ``s_in * alpha / s_out``, both computed in
    float32 as TFLite Micro does.

    - C1: alpha is at most 2^15 in magnitude.
    """

    name: ClassVar[str] = "leaky_relu"

    alpha: float = 0.01

    def __post_init__(self) -> None:
        """Refuse alphas that no integer multiplier expresses; C1."""
        if not abs(self.alpha) <= 2**15:
            raise ValueError(f"alpha is {self.alpha}; it must be a number of at most 32768 in magnitude")

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.where(inputs[0] >= 0, inputs[0], inputs[0] * self.alpha)

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        scale_in, scale_out = np.float32(x.scale), np.float32(output.scale)
        centered = q - x.zero_point
        positive = requantize(centered, *quantize_multiplier(float(scale_in / scale_out)))
        negative = requantize(centered, *quantize_multiplier(float(scale_in * np.float32(self.alpha) / scale_out)))
        result = np.where(centered >= 0, positive, negative) + np.int64(output.zero_point)
        return np.asarray(np.clip(result, *output.limits), np.int64)
