"""The sign of a value, for binary layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import Int64
from mcuq.ops.base import Real
from mcuq.ops.lookup import LookupOp
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class Binarize(LookupOp):
    """``y = 1 where x >= 0, else -1`` (Rastegari et al., "XNOR-Net", ECCV 2016, section 3.2).

    Quantization: output of 1 bit, scale 1, zero point 0; ``1 where q >= z_in, else -1``. TensorFlow Lite Micro has no
    int8 kernel for it.

    - C1: the output has 1 bit, scale 1 and zero point 0.
    """

    name: ClassVar[str] = "binarize"
    fixed_output: ClassVar[QTensor | None] = QTensor((), 1.0, 0, bits=1)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.where(inputs[0] >= 0, 1.0, -1.0).astype(inputs[0].dtype)

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`; C1."""
        if (output.scale, output.zero_point, output.bits) != (1.0, 0, 1):
            raise CannotQuantizeError(
                f"binarize needs an output of 1 bit, scale 1 and zero point 0, not {output.bits} bits, "
                f"{output.scale:g} and {output.zero_point}"
            )
        return np.where(q >= x.zero_point, 1, -1)
