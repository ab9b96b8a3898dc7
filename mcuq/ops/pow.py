"""A constant power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import Int64
from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class Pow(RealLookupOp):
    """``y = x^exponent`` for a constant exponent.

    Quantization: the real result of every input, rounded half away from zero, saturated; TensorFlow Lite Micro has no
    int8 pow. Where the exponent is no integer, inputs below 0 are taken as 0.

    - C1: the exponent is a finite number.
    """

    name: ClassVar[str] = "pow"

    exponent: float

    def __post_init__(self) -> None:
        """Refuse exponents that are no numbers; C1."""
        if not np.isfinite(self.exponent):
            raise ValueError(f"exponent {self.exponent}; it must be a finite number")

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.power(inputs[0], self.exponent)

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        whole = float(self.exponent).is_integer()
        return super().table(q if whole else np.maximum(q, x.zero_point), x, output)
