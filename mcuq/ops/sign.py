"""The sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Sign(RealLookupOp):
    """``y = 1 where x > 0, -1 where x < 0, else 0``.

    Quantization: the real result of every input, rounded half away from zero, saturated; TensorFlow Lite Micro has no
    int8 sign.
    """

    name: ClassVar[str] = "sign"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.sign(inputs[0])
