"""The error function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.gelu import erf
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Erf(RealLookupOp):
    """``y = 2 / sqrt(pi) * integral of exp(-t * t) from 0 to x``.

    Quantization: the real result of every input, rounded half away from zero, saturated; TensorFlow Lite Micro has no
    int8 erf.
    """

    name: ClassVar[str] = "erf"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(erf(inputs[0]))
