"""The negation of a truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import Int64
from mcuq.ops.base import Real
from mcuq.ops.compare import TRUTH
from mcuq.ops.lookup import LookupOp
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class LogicalNot(LookupOp):
    """``y = 1 where x is 0, else 0``.

    Quantization: 1 where the integer is the zero point, as TFLite's LOGICAL_NOT of a bool.
    """

    name: ClassVar[str] = "logical_not"
    fixed_output: ClassVar[QTensor | None] = TRUTH

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(inputs[0] == 0, np.float32)

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        return np.asarray(q == x.zero_point, np.int64)
