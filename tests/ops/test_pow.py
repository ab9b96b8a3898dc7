"""Constant powers: their tables against the formula, their kernel."""

import math

import pytest
from single_op import assert_table
from unary import OPEN, assert_kernel_equals_run

from mcuq.ops.pow import Pow


def formula(exponent, x):
    if not float(exponent).is_integer():
        x = max(x, 0)
    return x**exponent if x or exponent >= 0 else math.inf


@pytest.mark.parametrize("exponent", [3, 2, 0.5, -0.5, -1, 1.7, 0])
def test_table_is_the_formula(exponent):
    assert_table(Pow(exponent), lambda x: formula(exponent, x), OPEN)


def test_n2_kernel_equals_run(rng):
    assert_kernel_equals_run(Pow(3.0), rng)
    assert_kernel_equals_run(Pow(-0.5), rng)


def test_c1_the_exponent_is_finite():
    with pytest.raises(ValueError, match="finite"):
        Pow(math.inf)
