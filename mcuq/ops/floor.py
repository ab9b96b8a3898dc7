"""The largest integer that is not above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Floor(RealLookupOp):
    """``y = floor(x)``.

    Quantization: the real result of every input, rounded half away from zero, saturated; TensorFlow Lite Micro has no
    int8 floor.
    """

    name: ClassVar[str] = "floor"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.floor(inputs[0])
