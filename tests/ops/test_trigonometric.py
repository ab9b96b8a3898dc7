"""Trigonometric functions: their tables against the formula, their kernel."""

import math

import pytest
from single_op import assert_table
from unary import OPEN, assert_kernel_equals_run

from mcuq.ops.trigonometric import FUNCTIONS, Trigonometric


def formula(function, x):
    try:
        return getattr(math, function)(x)
    except OverflowError:
        return math.inf if function == "cosh" else math.copysign(math.inf, x)
    except ValueError:  # outside of where it is defined
        return math.copysign(math.inf, x) if (function, abs(x)) == ("atanh", 1) else 0.0


@pytest.mark.parametrize("function", FUNCTIONS)
def test_table_is_the_formula(function):
    assert_table(Trigonometric(function), lambda x: formula(function, x), OPEN)


def test_n2_kernel_equals_run(rng):
    assert_kernel_equals_run(Trigonometric("atan"), rng)


def test_c1_the_function_is_known():
    with pytest.raises(ValueError, match="must be one of acos"):
        Trigonometric("versine")
