"""The smallest value over any set of dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Operand, Params, Real
from mcuq.ops.reduction import ReduceOp, reduce_extremum
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class ReduceMin(ReduceOp):
    """``y = smallest x over axes``.

    Quantization: the smallest integer.

    - C1: the axes exist in the input.
    - C2: after merging neighbours, the dimensions are at most kept, reduced, kept, reduced.
    - C3: input and output have the same scale and zero point.
    """

    name: ClassVar[str] = "reduce_min"
    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(np.min(inputs[0], axis=self.of_samples(inputs[0]), keepdims=self.keep_dims))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C3."""
        return reduce_extremum(self, inputs, output, largest=False)
