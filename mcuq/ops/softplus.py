"""Softplus: a rectifier without a corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Softplus(RealLookupOp):
    """``y = log(1 + exp(x))``.

    Quantization: any scales; the real result, rounded half away from zero. TensorFlow Lite Micro has no int8 softplus.
    """

    name: ClassVar[str] = "softplus"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.logaddexp(0, inputs[0])
