"""gemmlowp's fixed-point exp, logistic and tanh: what TensorFlow Lite Micro's int8 kernels compute.

Numbers are raw int32 values held in int64 arrays; ``Qm`` has m integer bits and 31 - m fractional bits.
Source: gemmlowp/fixedpoint/fixedpoint.h (exp_on_negative_values, logistic, tanh, one_over_one_plus_x).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mcuq.fixedpoint import INT32_MAX, INT32_MIN, Int64, multiply_high, shift_right

ONE_Q0 = INT32_MAX


def saturating_shift_left(x: npt.ArrayLike, exponent: int) -> Int64:
    """``x * 2**exponent`` saturated to int32."""
    return np.asarray(np.clip(np.asarray(x, np.int64) << exponent, INT32_MIN, INT32_MAX), np.int64)


def half_sum(a: npt.ArrayLike, b: npt.ArrayLike) -> Int64:
    """``(a + b) / 2`` rounded to nearest, ties away from zero."""
    total = np.asarray(a, np.int64) + np.asarray(b, np.int64)
    return np.asarray(np.sign(total) * ((np.abs(total) + 1) >> 1), np.int64)


def exp_on_interval(a: npt.ArrayLike) -> Int64:
    """``exp(a)`` for a in Q0, -1/4 <= a < 0, in Q0: a Taylor polynomial around -1/8."""
    x = np.asarray(a, np.int64) + (1 << 28)
    x2 = multiply_high(x, x)
    x3 = multiply_high(x2, x)
    x4_over_4 = shift_right(multiply_high(x2, x2), 2)
    # x^4/24 + x^3/6 + x^2/2, with 1/3 = 715827883 / 2^31 and exp(-1/8) = 1895147668 / 2^31
    tail = shift_right(multiply_high(x4_over_4 + x3, 715827883) + x2, 1)
    return 1895147668 + multiply_high(1895147668, x + tail)


# exp(-2^k) in Q0 for k = -2 .. 4: the barrel of gemmlowp's exp_on_negative_values
_BARREL = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)


def exp_on_negative_values(a: npt.ArrayLike, integer_bits: int) -> Int64:
    """``exp(a)`` in Q0 for a <= 0 in Q(integer_bits)."""
    a = np.asarray(a, np.int64)
    fraction_bits = 31 - integer_bits
    quarter = np.int64(1) << (fraction_bits - 2)
    remainder = (a & (quarter - 1)) - quarter
    result = exp_on_interval(saturating_shift_left(remainder, integer_bits))
    whole = remainder - a
    for exponent, factor in _BARREL:
        if integer_bits > exponent:
            bit = np.int64(1) << (fraction_bits + exponent)
            result = np.where(whole & bit, multiply_high(result, factor), result)
    if integer_bits > 5:
        result = np.where(a < -(np.int64(1) << (fraction_bits + 5)), 0, result)
    return np.asarray(np.where(a == 0, ONE_Q0, result), np.int64)


def _reciprocal_steps(a: npt.ArrayLike) -> Int64:
    """``2 / (1 + a)`` in Q2 for a in Q0, 0 <= a < 1: three Newton-Raphson steps from 48/17 - 32/17 d."""
    half_denominator = half_sum(a, ONE_Q0)
    x = 1515870810 + multiply_high(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - multiply_high(half_denominator, x)
        x = x + saturating_shift_left(multiply_high(x, error), 2)
    return x


def one_over_one_plus(a: npt.ArrayLike) -> Int64:
    """``1 / (1 + a)`` in Q0 for a in Q0, 0 <= a < 1."""
    return saturating_shift_left(_reciprocal_steps(a), 1)


def one_minus_over_one_plus(a: npt.ArrayLike) -> Int64:
    """``(1 - a) / (1 + a)`` in Q0 for a in Q0, 0 <= a < 1."""
    return saturating_shift_left(_reciprocal_steps(a) - (1 << 29), 2)


def logistic(a: npt.ArrayLike, integer_bits: int) -> Int64:
    """``1 / (1 + exp(-a))`` in Q0 for a in Q(integer_bits)."""
    a = np.asarray(a, np.int64)
    positive = one_over_one_plus(exp_on_negative_values(-np.abs(a), integer_bits))
    result = np.where(a > 0, positive, ONE_Q0 - positive)
    return np.asarray(np.where(a == 0, 1 << 30, result), np.int64)


def tanh(a: npt.ArrayLike, integer_bits: int) -> Int64:
    """``tanh(a)`` in Q0 for a in Q(integer_bits)."""
    a = np.asarray(a, np.int64)
    # exp(-2|a|): the same raw value read with one more integer bit is twice the number.
    magnitude = one_minus_over_one_plus(exp_on_negative_values(-np.abs(a), integer_bits + 1))
    return np.asarray(np.sign(a) * magnitude, np.int64)
