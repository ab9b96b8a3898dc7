"""The exponential function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Exp(RealLookupOp):
    """``y = exp(x)``.

    Quantization: the real result of every input, rounded half away from zero, saturated; TensorFlow Lite Micro has no
    int8 exp.
    """

    name: ClassVar[str] = "exp"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.exp(inputs[0])
