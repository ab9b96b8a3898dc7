"""Average pooling with a fused activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import clamp
from mcuq.ops.base import Real, activate
from mcuq.ops.pooling import PoolOp, PoolParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class AveragePoolParams(PoolParams):
    """The window's sum divided by its elements inside the image, rounded half away from zero."""

    kernel: ClassVar[str] = "average_pool_s8"

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = self.image(inputs[0].astype(np.int32))
        total = np.asarray(sum(self.taps(x, 0)))
        count = sum(self.taps(np.ones_like(x[:1]), 0))
        mean = np.sign(total) * ((np.abs(total) + count // 2) // count)
        return clamp(mean, self.activation_min, self.activation_max).reshape(len(x), -1)


@dataclass(frozen=True)
class AveragePool(PoolOp):
    """``y = act(mean over window of x)``, padding not counted, NHWC.

    Quantization: the mean of the integers, rounded half away from zero (of the integers, not of the centered
    values), as TFLite's ``reference_integer_ops::AveragePool``.

    - C1: input and output have the same scale and zero point.
    - C2: every side's padding is smaller than the window.
    """

    name: ClassVar[str] = "average_pool"
    ties: ClassVar[bool] = True
    params: ClassVar[type[PoolParams]] = AveragePoolParams

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        x = inputs[0]
        total = np.asarray(sum(self.real_taps(x, 0.0)))
        count = sum(self.real_taps(np.ones_like(x[:1]), 0.0))
        return activate(self.activation, total / count)[:, np.newaxis]
