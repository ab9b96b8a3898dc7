"""gemmlowp's exp, logistic and tanh against real numbers, and their exact special values."""

from decimal import Decimal, getcontext

import numpy as np
import pytest

from mcuq import exponential
from mcuq.exponential import (
    ONE_Q0,
    exp_on_interval,
    exp_on_negative_values,
    half_sum,
    logistic,
    one_minus_over_one_plus,
    one_over_one_plus,
    saturating_shift_left,
    tanh,
)
from mcuq.fixedpoint import INT32_MAX, INT32_MIN

getcontext().prec = 40
ONE = 2.0**31
EXP_MINUS_EIGHTH = 1895147668
# The polynomial leaves out exp(-1/8) * x^5 / 120, at most 482 steps of 2^-31; each rounding adds less than 2.
EXP_TOLERANCE = 482 + 12


def between(rng, low, high, count=200_000):
    """Random integers of [low, high], both ends and their neighbours included."""
    ends = [low, low + 1, low + 2, high - 2, high - 1, high]
    return np.concatenate([rng.integers(low, high + 1, count), ends])


def nearest(value: Decimal) -> int:
    return int(value.to_integral_value())


def test_constants_are_the_nearest_integers():
    for exponent, factor in exponential._BARREL:
        assert factor == nearest((-(Decimal(2) ** exponent)).exp() * 2**31)
    assert nearest(Decimal("-0.125").exp() * 2**31) == EXP_MINUS_EIGHTH


def test_exp_on_interval(rng):
    a = between(rng, -(2**29), -1)

    assert np.abs(exp_on_interval(a) - np.exp(a / ONE) * ONE).max() <= EXP_TOLERANCE


@pytest.mark.parametrize("integer_bits", [0, 1, 2, 4, 5, 6, 10])
def test_exp_on_negative_values(rng, integer_bits):
    a = np.concatenate([between(rng, INT32_MIN, 0), between(rng, -(2**20), 0)])
    real = np.exp(a / 2.0 ** (31 - integer_bits)) * ONE

    assert np.abs(exp_on_negative_values(a, integer_bits) - real).max() <= EXP_TOLERANCE


@pytest.mark.parametrize("integer_bits", [0, 1, 4, 5])
def test_exp_of_zero_saturates_to_the_largest_number(integer_bits):
    assert exp_on_negative_values(0, integer_bits) == INT32_MAX


@pytest.mark.parametrize("exponent", range(-2, 5))
def test_exp_at_the_polynomials_centre_is_exact(exponent):
    """exp(-1/8 - 2^k): the polynomial is its constant, one factor of the barrel is multiplied in."""
    factor = dict(exponential._BARREL)[exponent]
    fraction_bits = 26
    a = -(1 << fraction_bits - 3) - int(2.0 ** (fraction_bits + exponent))

    assert exp_on_negative_values(-(1 << fraction_bits - 3), 5) == EXP_MINUS_EIGHTH
    assert exp_on_negative_values(a, 5) == (EXP_MINUS_EIGHTH * factor + 2**30) // 2**31


def test_exp_below_minus_32_is_zero():
    assert exp_on_negative_values(INT32_MIN, 5) == 0
    assert exp_on_negative_values([-(2**30) - 1, INT32_MIN], 6).tolist() == [0, 0]


@pytest.mark.parametrize("integer_bits", [0, 1, 4, 5])
def test_logistic(rng, integer_bits):
    a = between(rng, INT32_MIN, INT32_MAX)
    real = ONE / (1 + np.exp(-a / 2.0 ** (31 - integer_bits)))

    assert np.abs(logistic(a, integer_bits) - real).max() <= 160


def test_logistic_special_values(rng):
    a = between(rng, 1, INT32_MAX, 1000)

    assert logistic(0, 4) == 2**30
    assert np.all(logistic(a, 4) + logistic(-a, 4) == ONE_Q0)
    assert logistic(INT32_MIN, 5) == 0
    assert logistic(INT32_MAX, 5) == INT32_MAX


@pytest.mark.parametrize("integer_bits", [0, 1, 3, 4])
def test_tanh(rng, integer_bits):
    a = between(rng, INT32_MIN, INT32_MAX)
    real = np.tanh(a / 2.0 ** (31 - integer_bits)) * ONE

    assert np.abs(tanh(a, integer_bits) - real).max() <= 320


def test_tanh_special_values(rng):
    a = between(rng, 1, INT32_MAX, 1000)

    assert tanh(0, 4) == 0
    assert np.all(tanh(-a, 4) == -tanh(a, 4))
    assert tanh([INT32_MIN, INT32_MAX], 4).tolist() == [-INT32_MAX, INT32_MAX]


def test_reciprocals(rng):
    a = between(rng, 0, INT32_MAX)

    assert np.abs(one_over_one_plus(a) - ONE / (1 + a / ONE)).max() <= 8
    assert np.abs(one_minus_over_one_plus(a) - ONE * (1 - a / ONE) / (1 + a / ONE)).max() <= 16


def test_reciprocals_of_one_saturate():
    assert one_over_one_plus(0) == INT32_MAX
    assert one_minus_over_one_plus(0) == INT32_MAX


def test_saturating_shift_left():
    shifted = saturating_shift_left([2**29, 2**30 - 1, 2**30, INT32_MAX, -(2**30), -(2**30) - 1, INT32_MIN, 0], 1)

    assert shifted.tolist() == [2**30, 2**31 - 2, INT32_MAX, INT32_MAX, INT32_MIN, INT32_MIN, INT32_MIN, 0]


@pytest.mark.parametrize(
    ("a", "b", "half"),
    [
        (1, 2, 2),
        (-1, -2, -2),
        (1, -1, 0),
        (1, -2, -1),
        (-1, 2, 1),
        (0, 0, 0),
        (INT32_MAX, INT32_MAX, INT32_MAX),
        (INT32_MIN, INT32_MIN, INT32_MIN),
        (INT32_MAX, INT32_MIN, -1),
        (INT32_MAX, 0, 2**30),
    ],
)
def test_half_sum_rounds_ties_away_from_zero(a, b, half):
    assert half_sum(a, b) == half
