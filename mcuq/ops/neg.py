"""The negative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Neg(RealLookupOp):
    """``y = -x``.

    Quantization: the real result of every input, rounded half away from zero, saturated; TensorFlow Lite Micro has no
    int8 neg.
    """

    name: ClassVar[str] = "neg"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return -inputs[0]
