"""The nearest integer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Round(RealLookupOp):
    """``y = round(x)``, half to even.

    Quantization: the real result of every input, rounded half away from zero, saturated; TensorFlow Lite Micro has no
    int8 round.
    """

    name: ClassVar[str] = "round"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.rint(inputs[0])
