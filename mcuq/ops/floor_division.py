"""Quotients rounded down and what they leave: what floor_div and floor_mod share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Literal

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import clamp, quantize_multiplier, requantize
from mcuq.ops.base import Operand, Params, i32, i32x4, scale_of
from mcuq.ops.broadcast import broadcast, expand
from mcuq.tensor import Array, QTensor

FACTOR = 1 << 22  # the largest: 255 times it is under 2^30
SATURATING = 512  # steps of the output: every result of as many saturates
RESULTS = ("quotient", "rest", "truncated rest")
Result = Literal["quotient", "rest", "truncated rest"]


@dataclass(frozen=True, eq=False)
class FloorDivisionParams(Params):
    """Operands in a common unit are divided as integers; the quotient or the rest is limited and requantized."""

    kernel: ClassVar[str] = "floor_division_s8"

    shape: i32x4  # of the output, outermost first
    strides_a: i32x4  # in elements; 0 repeats
    strides_b: i32x4
    zero_point_a: i32
    zero_point_b: i32
    factor_a: i32  # of a centered integer: what it is in the common unit
    factor_b: i32
    result: i32  # 0: the quotient, rounded down; 1: its rest; 2: the rest of the quotient rounded towards 0
    limit: i32  # of the result's magnitude
    left_shift: i32  # of the limited result
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32
    activation_min: i32
    activation_max: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        a = expand(inputs[0], self.shape, self.strides_a).astype(np.int64) - self.zero_point_a
        b = expand(inputs[1], self.shape, self.strides_b).astype(np.int64) - self.zero_point_b
        a, b = a * self.factor_a, b * self.factor_b
        divisor = np.where(b == 0, 1, b)
        if self.result == 0:
            found = np.where(b == 0, self.limit * np.sign(a), a // divisor)
        else:
            rest = a % divisor if self.result == 1 else np.fmod(a, divisor)
            found = np.where(b == 0, 0, rest)
        limited = np.clip(found, -self.limit, self.limit)
        scaled = (
            requantize(limited << self.left_shift, self.output_multiplier, self.output_shift) + self.output_zero_point
        )
        return clamp(scaled, self.activation_min, self.activation_max).reshape(len(inputs[0]), -1)


def floor_division(inputs: Sequence[Operand], output: QTensor, result: Result) -> Params:
    """Return the parameters for two operands.

    The scales' ratio becomes the nearest fraction whose numerator and denominator are at most 2^22.

    Raises:
        CannotQuantizeError: for scales further apart than that.
    """
    a, b = inputs
    shape, strides_a, strides_b = broadcast(a.shape, b.shape)
    factor_a, factor_b = _factors(scale_of(a), scale_of(b))
    unit = 1.0 if result == "quotient" else scale_of(a) / factor_a
    ratio = min(unit / output.scale, float(SATURATING))
    limit = min(math.ceil(SATURATING / ratio), 255 * FACTOR)
    left_shift = 31 - limit.bit_length()
    multiplier, shift = quantize_multiplier(ratio / (1 << left_shift))
    low, high = output.limits
    return FloorDivisionParams(
        shape=shape,
        strides_a=strides_a,
        strides_b=strides_b,
        zero_point_a=a.zero_point,
        zero_point_b=b.zero_point,
        factor_a=factor_a,
        factor_b=factor_b,
        result=RESULTS.index(result),
        limit=limit,
        left_shift=left_shift,
        output_zero_point=output.zero_point,
        output_multiplier=multiplier,
        output_shift=shift,
        activation_min=low,
        activation_max=high,
    )


def _factors(scale_a: float, scale_b: float) -> tuple[int, int]:
    """Return integers in the ratio of the scales."""
    ratio = Fraction(scale_a) / Fraction(scale_b)
    nearest = min(ratio, 1 / ratio).limit_denominator(FACTOR)
    if nearest.numerator == 0:
        raise CannotQuantizeError(f"a division of scale {scale_a:g} by scale {scale_b:g}; their ratio is beyond 2^22")
    small, large = nearest.numerator, nearest.denominator
    return (small, large) if ratio <= 1 else (large, small)
