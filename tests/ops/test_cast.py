"""Casts: their tables against the formula, their kernel."""

import math

import numpy as np
import pytest
from single_op import assert_table
from unary import OPEN, assert_kernel_equals_run

from mcuq.ops.cast import LIMITS, Cast


def formula(to, x):
    if to == "float":
        return x
    low, high = LIMITS[to]
    return float(x != 0) if to == "bool" else max(low, min(high, math.trunc(x)))


@pytest.mark.parametrize("to", LIMITS)
def test_table_is_the_formula(to):
    assert_table(Cast(to), lambda x: formula(to, x), OPEN)


def test_forward_truncates():
    x = np.array([-1.7, -0.2, 0, 0.9, 300.5], np.float32)
    assert Cast("int32").forward(x).tolist() == [-1, 0, 0, 0, 300]
    assert Cast("uint8").forward(x).tolist() == [0, 0, 0, 0, 255]
    assert Cast("bool").forward(x).tolist() == [1, 1, 0, 1, 1]


def test_n2_kernel_equals_run(rng):
    assert_kernel_equals_run(Cast("int32"), rng)


def test_c1_the_type_is_known():
    with pytest.raises(ValueError, match="must be one of bool"):
        Cast("text")
