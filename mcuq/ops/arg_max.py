"""The place of the largest value along a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.arg_extremum import ArgOp
from mcuq.ops.base import Operand, Params, Real
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class ArgMax(ArgOp):
    """``y = index of the largest x along axis``, the first of equal ones.

    Quantization: scale 1, zero point -128: the byte is the index minus 128.

    - C1: the axis exists in the input.
    - C2: at most 256 elements lie along it.
    """

    name: ClassVar[str] = "arg_max"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        axis = 1 + self.along(inputs[0].shape[1:])
        index = np.expand_dims(inputs[0].argmax(axis=axis), axis) if self.keep_dims else inputs[0].argmax(axis=axis)
        return index.astype(np.float32)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        return self.params(inputs, largest=True)
