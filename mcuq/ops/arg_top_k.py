"""The places of the largest values along a dimension, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.arg_extremum import INDEX, MOST
from mcuq.ops.base import Operand, Params, Real
from mcuq.ops.ranking import RankingOp
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class ArgTopK(RankingOp):
    """``y = where the first count of x sorted along axis are``, the largest first, or the smallest.

    Of equal ones the first is in front. Quantization: scale 1, zero point -128: the byte is the index minus 128.
    TensorFlow Lite Micro has no int8 top-k.

    - C1: the axis exists in the input and has as many elements.
    - C2: at most 256 elements lie along it.
    """

    name: ClassVar[str] = "arg_top_k"
    fixed_output: ClassVar[QTensor | None] = INDEX

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return self.places(inputs[0]).astype(np.float32)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        if (depth := inputs[0].shape[self.along(inputs[0].shape)]) > MOST:
            raise CannotQuantizeError(f"an index of {depth} elements does not fit a byte; at most {MOST} do")
        return self.params(inputs[0], indices=True)
