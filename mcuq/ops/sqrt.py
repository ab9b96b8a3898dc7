"""The square root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Sqrt(RealLookupOp):
    """``y = sqrt(x)``.

    Quantization: the real result of every input, rounded half away from zero, saturated; TensorFlow Lite Micro has no
    int8 sqrt. Inputs below 0 are taken as 0.
    """

    name: ClassVar[str] = "sqrt"
    defined_from: ClassVar[float] = 0.0

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.sqrt(inputs[0])
