"""The natural logarithm: its table against the formula, its kernel."""

import math

from single_op import assert_table
from unary import OPEN, assert_kernel_equals_run

from mcuq.ops.log import Log


def test_table_is_the_formula():
    """All 256 inputs, for scales that leave ties, that saturate, and that lose everything."""
    assert_table(Log(), lambda x: math.log(x) if x > 0 else -math.inf, OPEN)


def test_n2_kernel_equals_run(rng):
    assert_kernel_equals_run(Log(), rng)
