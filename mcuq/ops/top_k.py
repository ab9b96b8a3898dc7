"""The largest values along a dimension, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Operand, Params, Real
from mcuq.ops.extremum import same_quantization
from mcuq.ops.ranking import RankingOp
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class TopK(RankingOp):
    """``y = the first count of x sorted along axis``, the largest first, or the smallest.

    Quantization: integers are copied. TensorFlow Lite Micro has no int8 top-k.

    - C1: the axis exists in the input and has as many elements.
    - C2: input and output have the same scale and zero point.
    """

    name: ClassVar[str] = "top_k"
    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        axis = 1 + self.along(inputs[0].shape[1:])
        return np.asarray(np.take_along_axis(inputs[0], self.places(inputs[0]), axis=axis))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        same_quantization(inputs[0], output)
        return self.params(inputs[0], indices=False)
