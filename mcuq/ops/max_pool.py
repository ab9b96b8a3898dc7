"""Max pooling with a fused activation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import clamp
from mcuq.ops.base import Real, activate
from mcuq.ops.pooling import PoolOp, PoolParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class MaxPoolParams(PoolParams):
    """The window's largest integer inside the image."""

    kernel: ClassVar[str] = "max_pool_s8"

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        largest = reduce(np.maximum, self.taps(self.image(inputs[0]), -128))
        return clamp(largest, self.activation_min, self.activation_max).reshape(len(inputs[0]), -1)


@dataclass(frozen=True)
class MaxPool(PoolOp):
    """``y = act(max over window of x)``, padding not counted, NHWC.

    Quantization: the largest integer.

    - C1: input and output have the same scale and zero point.
    - C2: every side's padding is smaller than the window.
    """

    name: ClassVar[str] = "max_pool"
    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True
    params: ClassVar[type[PoolParams]] = MaxPoolParams

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return activate(self.activation, reduce(np.maximum, self.real_taps(inputs[0], -np.inf)))[:, np.newaxis]
