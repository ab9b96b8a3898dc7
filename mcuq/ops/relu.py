"""The rectifier, as a layer of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import Int64
from mcuq.ops.base import Real, activate, fused_limits
from mcuq.ops.lookup import LookupOp
from mcuq.ops.requantize import rescaled
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class Relu(LookupOp):
    """``y = max(x, 0)``.

    Quantization: requantized from the input's to the output's scale, then clamped, as TFLite Micro's ReluQuantized.
    """

    name: ClassVar[str] = "relu"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return activate("relu", inputs[0])

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        return np.clip(rescaled(q, x, output), *fused_limits("relu", output))
