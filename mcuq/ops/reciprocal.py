"""The reciprocal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Reciprocal(RealLookupOp):
    """``y = 1 / x``.

    Quantization: the real result of every input, rounded half away from zero, saturated; TensorFlow Lite Micro has no
    int8 reciprocal. An input of 0 becomes the largest integer.
    """

    name: ClassVar[str] = "reciprocal"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.reciprocal(inputs[0])
