"""What division of two tensors leaves, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Operand, Params, Real
from mcuq.ops.elementwise import ElementwiseOp
from mcuq.ops.floor_division import floor_division
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class FloorMod(ElementwiseOp):
    """``y = a - b floor(a / b)``, numpy broadcasting; where truncated, the quotient is rounded towards 0 (C's fmod).

    Quantization: centered integers are brought to a common unit by the fraction of at most 2^22 that is nearest to
    the scales' ratio, and divided as integers; the rest is requantized. A divisor of 0 leaves 0. TensorFlow Lite
    Micro has no int8 modulo.

    - C1: after merging, broadcasting needs at most four dimensions.
    - C2: neither scale is more than 2^22 times the other.
    """

    name: ClassVar[str] = "floor_mod"

    truncated: bool = False

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray((np.fmod if self.truncated else np.mod)(inputs[0], inputs[1]))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        return floor_division(inputs, output, "truncated rest" if self.truncated else "rest")
