"""The sine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Sin(RealLookupOp):
    """``y = sin(x)``.

    Quantization: the real result of every input, rounded half away from zero, saturated; TensorFlow Lite Micro has no
    int8 sin.
    """

    name: ClassVar[str] = "sin"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.sin(inputs[0])
