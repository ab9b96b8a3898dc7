"""The logistic function (sigmoid)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq import exponential
from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import Int64, requantize, round_half_away, shift_right
from mcuq.ops.base import Real
from mcuq.ops.lookup import LookupOp
from mcuq.tensor import QTensor

INTEGER_BITS = 4  # TFLite evaluates logistic and tanh on Q4 inputs


@dataclass(frozen=True)
class Logistic(LookupOp):
    """``y = 1 / (1 + exp(-x))``.

    Quantization: output scale 1/256, zero point -128. Integers follow TensorFlow Lite Micro's
    ``reference_integer_ops::Logistic`` (gemmlowp fixed point, input in Q4).

    - C1: the output's scale is 1/256 and its zero point -128.
    """

    name: ClassVar[str] = "logistic"
    fixed_output: ClassVar[QTensor | None] = QTensor((), 1 / 256, -128)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(np.exp(-np.logaddexp(0, -inputs[0])))

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        if (output.scale, output.zero_point) != (1 / 256, -128):
            raise CannotQuantizeError(
                f"logistic needs output scale 1/256 and zero point -128, not {output.scale:g} and {output.zero_point}"
            )
        centered, multiplier, shift, radius = input_in_q4(q, x)
        result = exponential.logistic(requantize(centered, multiplier, shift), INTEGER_BITS)
        result = np.clip(shift_right(result, 23) - 128, -128, 127)
        return np.where(centered <= -radius, -128, np.where(centered >= radius, 127, result))


def input_in_q4(q: Int64, x: QTensor) -> tuple[Int64, int, int, int]:
    """How TFLite brings the input of logistic and tanh to Q4.

    Returns:
        The centered input, its multiplier and shift to Q4, and the radius from which the result saturates.
    """
    mantissa, shift = math.frexp(x.scale * 2 ** (31 - INTEGER_BITS))
    multiplier = round_half_away(mantissa * 2**31)
    radius = math.floor(((1 << INTEGER_BITS) - 1) * 2.0 ** (31 - INTEGER_BITS) / 2.0**shift)
    return q - x.zero_point, multiplier, shift, radius
