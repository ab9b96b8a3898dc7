"""The natural logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Log(RealLookupOp):
    """``y = log(x)``.

    Quantization: the real result of every input, rounded half away from zero, saturated; TensorFlow Lite Micro has no
    int8 log. Inputs of 0 and below become the smallest integer.
    """

    name: ClassVar[str] = "log"
    defined_from: ClassVar[float] = 0.0

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.log(inputs[0])
