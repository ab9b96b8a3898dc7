"""The negative: its table against the formula, its kernel."""

from single_op import assert_table
from unary import OPEN, assert_kernel_equals_run

from mcuq.ops.neg import Neg


def test_table_is_the_formula():
    """All 256 inputs, for scales that leave ties, that saturate, and that lose everything."""
    assert_table(Neg(), lambda x: -x, OPEN)


def test_n2_kernel_equals_run(rng):
    assert_kernel_equals_run(Neg(), rng)
