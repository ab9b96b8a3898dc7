"""The hyperbolic tangent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq import exponential
from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import Int64, requantize, shift_right
from mcuq.ops.base import Real
from mcuq.ops.logistic import INTEGER_BITS, input_in_q4
from mcuq.ops.lookup import LookupOp
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class Tanh(LookupOp):
    """``y = tanh(x)``.

    Quantization: output scale 1/128, zero point 0. Integers follow TensorFlow Lite Micro's
    ``reference_integer_ops::Tanh`` (gemmlowp fixed point, input in Q4).

    - C1: the output's scale is 1/128 and its zero point 0.
    """

    name: ClassVar[str] = "tanh"
    fixed_output: ClassVar[QTensor | None] = QTensor((), 1 / 128, 0)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.tanh(inputs[0])

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        if (output.scale, output.zero_point) != (1 / 128, 0):
            raise CannotQuantizeError(
                f"tanh needs output scale 1/128 and zero point 0, not {output.scale:g} and {output.zero_point}"
            )
        centered, multiplier, shift, radius = input_in_q4(q, x)
        result = exponential.tanh(requantize(centered, multiplier, shift), INTEGER_BITS)
        result = np.clip(shift_right(result, 24), -128, 127)
        return np.where(centered <= -radius, -128, np.where(centered >= radius, 127, result))
