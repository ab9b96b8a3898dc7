"""Mish: the input times the hyperbolic tangent of its softplus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Mish(RealLookupOp):
    """``y = x * tanh(log(1 + exp(x)))``.

    Quantization: any scales; the real result, rounded half away from zero. TensorFlow Lite Micro has no int8 mish.
    """

    name: ClassVar[str] = "mish"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(inputs[0] * np.tanh(np.logaddexp(0, inputs[0])))
