"""A rational sigmoid: its table against the formula, its kernel."""

from single_op import assert_table
from unary import OPEN, assert_kernel_equals_run

from mcuq.ops.softsign import Softsign


def test_table_is_the_formula():
    """All 256 inputs, for scales that leave ties, that saturate, and that lose everything."""
    assert_table(Softsign(), lambda x: x / (1 + abs(x)), OPEN)


def test_n2_kernel_equals_run(rng):
    assert_kernel_equals_run(Softsign(), rng)
