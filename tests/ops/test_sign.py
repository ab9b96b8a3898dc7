"""The sign: its table against the formula, its kernel."""

from single_op import assert_table
from unary import OPEN, assert_kernel_equals_run

from mcuq.ops.sign import Sign


def test_table_is_the_formula():
    """All 256 inputs, for scales that leave ties, that saturate, and that lose everything."""
    assert_table(Sign(), lambda x: (x > 0) - (x < 0), OPEN)


def test_n2_kernel_equals_run(rng):
    assert_kernel_equals_run(Sign(), rng)
