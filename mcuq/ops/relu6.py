"""The rectifier that saturates at 6, as a layer of its own."""

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
class Relu6(LookupOp):
    """``y = min(max(x, 0), 6)``.

    Quantization: requantized from the input's to the output's scale, then clamped. TFLite Micro only clamps:
    where scale and zero point do not change the bytes are the same, where they do its result is wrong, this is not.
    """

    name: ClassVar[str] = "relu6"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return activate("relu6", inputs[0])

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        return np.clip(rescaled(q, x, output), *fused_limits("relu6", output))
