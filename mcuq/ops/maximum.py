"""The larger of two tensors, element by element, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Operand, Params, Real
from mcuq.ops.elementwise import ElementwiseOp
from mcuq.ops.extremum import extremum
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class Maximum(ElementwiseOp):
    """``y = max(a, b)``, numpy broadcasting.

    Quantization: the larger integer.

    - C1: after merging, broadcasting needs at most four dimensions.
    - C2: both operands have the output's scale and zero point.
    """

    name: ClassVar[str] = "maximum"
    ties: ClassVar[bool] = True

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.maximum(*inputs)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        return extremum(inputs, output, largest=True)
