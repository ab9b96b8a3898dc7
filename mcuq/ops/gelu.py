"""GELU: the input times the normal distribution's cumulative function."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp

APPROXIMATIONS = ("none", "tanh")
CUBIC = 0.044715  # of the tanh approximation, Hendrycks and Gimpel (2016)

erf = np.vectorize(math.erf, otypes=[np.float64])


@dataclass(frozen=True)
class Gelu(RealLookupOp):
    """``y = x * (1 + erf(x / sqrt(2))) / 2``, or with tanh ``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2``.

    Quantization: any scales; the real result, rounded half away from zero. TensorFlow Lite Micro has no int8 GELU.

    - C1: the approximation is "none" or "tanh".
    """

    name: ClassVar[str] = "gelu"

    approximate: str = "none"

    def __post_init__(self) -> None:
        """Refuse other approximations; C1."""
        if self.approximate not in APPROXIMATIONS:
            raise ValueError(f"approximation {self.approximate!r}; it must be one of {APPROXIMATIONS}")

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        x = inputs[0]
        if self.approximate == "tanh":
            return np.asarray(x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + CUBIC * x**3))) / 2)
        return np.asarray(x * (1 + erf(x / math.sqrt(2))) / 2)
