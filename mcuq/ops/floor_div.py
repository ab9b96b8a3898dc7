"""Division of two tensors, rounded down, with broadcasting."""

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
class FloorDiv(ElementwiseOp):
    """``y = floor(a / b)``, numpy broadcasting.

    Quantization: centered integers are brought to a common unit by the fraction of at most 2^22 that is nearest to
    the scales' ratio, and divided as integers; the quotient is requantized by ``1 / s_out``. A divisor of 0 gives the
    largest integer, the smallest, or the zero point, as the dividend is positive, negative or 0. TensorFlow Lite
    Micro has no int8 floor division.

    - C1: after merging, broadcasting needs at most four dimensions.
    - C2: neither scale is more than 2^22 times the other.
    """

    name: ClassVar[str] = "floor_div"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(np.floor(inputs[0] / inputs[1]))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        return floor_division(inputs, output, "quotient")
