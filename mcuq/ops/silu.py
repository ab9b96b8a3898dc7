"""SiLU (swish): the input times its logistic function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Real
from mcuq.ops.lookup import RealLookupOp


@dataclass(frozen=True)
class Silu(RealLookupOp):
    """``y = x / (1 + exp(-x))``.

    Quantization: any scales; the real result, rounded half away from zero. TensorFlow Lite Micro has no int8 SiLU:
    a converter writes a logistic and a product, each rounded.
    """

    name: ClassVar[str] = "silu"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(inputs[0] * np.exp(-np.logaddexp(0, -inputs[0])))
