"""The square root: its table against the formula, its kernel."""

import math

from single_op import assert_table
from unary import OPEN, assert_kernel_equals_run

from mcuq.ops.sqrt import Sqrt


def test_table_is_the_formula():
    """All 256 inputs, for scales that leave ties, that saturate, and that lose everything."""
    assert_table(Sqrt(), lambda x: math.sqrt(max(x, 0)), OPEN)


def test_n2_kernel_equals_run(rng):
    assert_kernel_equals_run(Sqrt(), rng)
