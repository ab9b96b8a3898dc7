"""Hard swish: the piecewise stand-in for x * logistic(x)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import Int64, quantize_multiplier, shift_right
from mcuq.ops.base import Real
from mcuq.ops.lookup import LookupOp
from mcuq.tensor import QTensor

INT16_MIN, INT16_MAX = -(2**15), 2**15 - 1
INPUT_BITS = 7  # a centered int8 input fills 16 bits after this left shift
REAL_3 = np.float32(3.0 / 32768)  # the scale on which 3.0 is 2^15


@dataclass(frozen=True)
class HardSwish(LookupOp):
    """``y = x * min(max(x + 3, 0), 6) / 6``.

    Quantization: TFLite's int8 HARD_SWISH in 16-bit fixed point: x on the output's scale, times
    ``(x / 3 + 1) / 2`` saturated to 0..1. The multipliers come from float32 quotients of the scales.

    - C1: the output's scale is more than 1/128 of the input's.
    """

    name: ClassVar[str] = "hard_swish"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return inputs[0] * np.clip(inputs[0] + 3, 0, 6) / 6

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        fine_scale = np.float32(x.scale) / np.float32(1 << INPUT_BITS)
        multiplier, exponent = _multiplier_16(float(fine_scale / np.float32(output.scale)))
        if exponent > 0:
            raise CannotQuantizeError(
                f"hard swish needs an output scale above 1/128 of the input's, not {output.scale:g} for {x.scale:g}"
            )
        fine = (q - x.zero_point) << INPUT_BITS
        gate = _gate(fine, *_multiplier_16(float(fine_scale / REAL_3)))
        product = gate * _multiply_high_16(fine, multiplier)
        unshifted = np.sign(product) * (
            np.abs(product) >> 15
        )  # towards zero: it cancels the bias of the rounding above
        return np.clip(_shift_right_16(unshifted, -exponent) + output.zero_point, *output.limits)


def _gate(fine: Int64, multiplier: int, exponent: int) -> Int64:
    """``(x / 3 + 1) / 2`` saturated to 0..1, as 0..32767. A left shift is split so that only its last bit saturates."""
    value = _saturate_16(fine << max(exponent - 1, 0))
    value = _multiply_high_16(value, multiplier)
    value = _saturate_16(value << 1) if exponent > 0 else _shift_right_16(value, -exponent)
    return (value + (1 << 15)) >> 1


def _multiplier_16(real: float) -> tuple[int, int]:
    """Round the mantissa of :func:`quantize_multiplier` to Q15."""
    multiplier, exponent = quantize_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, INT16_MAX), exponent


def _multiply_high_16(a: Int64, b: int) -> Int64:
    """``round(a * b / 2**15)``, ties towards plus infinity."""
    return (a * b + (1 << 14)) >> 15


def _shift_right_16(x: Int64, exponent: int) -> Int64:
    """``shift_right``, but TFLite's rounding mask has 16 bits: it wraps from 16 on, and nothing becomes 0."""
    return shift_right(x, exponent) if exponent < 16 else np.where(x < 0, np.int64(-1), np.int64(1))


def _saturate_16(x: Int64) -> Int64:
    return np.clip(x, INT16_MIN, INT16_MAX)
