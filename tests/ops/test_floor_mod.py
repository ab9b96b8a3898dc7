"""Modulo against its kernel, exact arithmetic and numpy."""

import math

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run
from pairs import QUANTIZATIONS, every_pair
from test_floor_div import EXTREME, assert_steps, lowered

from mcuq.errors import CannotQuantizeError
from mcuq.ops.floor_mod import FloorMod


@pytest.mark.parametrize("quantization", [QUANTIZATIONS[1], QUANTIZATIONS[3], QUANTIZATIONS[4]])
def test_table_is_the_exact_rest(quantization):
    assert_steps(FloorMod(), quantization, lambda a, b: a - b * math.floor(a / b))
    assert_steps(FloorMod(truncated=True), quantization, lambda a, b: a - b * math.trunc(a / b))


@pytest.mark.parametrize("quantization", [*QUANTIZATIONS, *EXTREME])
@pytest.mark.parametrize("truncated", [False, True])
def test_n2_kernel_equals_run(quantization, truncated):
    a, b = every_pair()
    assert_kernels_equal_run([Case(lowered(FloorMod(truncated), quantization), [a[:, 0], b[:, 0]])])


def test_by_zero_nothing_is_left():
    p = lowered(FloorMod(), ((0.1, 0), (0.1, 0), (0.1, 5)), (1, 3), (1, 3))
    assert p.run(np.int8([[-4, 0, 4]]), np.int8([[0, 0, 0]])).tolist() == [[5, 5, 5]]


def test_forward_is_numpys():
    a, b = np.array([[-7.0, 7.0, -7.0, 7.0]]), np.array([[3.0, -3.0, -3.0, 3.0]])
    assert FloorMod().forward(a, b).tolist() == [[2, -2, -1, 1]]
    assert FloorMod(truncated=True).forward(a, b).tolist() == [[-1, 1, -1, 1]]


def test_c1_broadcasting_needs_at_most_four_dimensions():
    with pytest.raises(ValueError, match="four dimensions"):
        FloorMod().infer_shape((2, 1, 2, 1, 2), (1, 2, 1, 2, 1))


def test_c2_scales_are_not_too_far_apart():
    with pytest.raises(CannotQuantizeError, match="their ratio is beyond"):
        lowered(FloorMod(), ((1e-7, 0), (1.0, 0), (1.0, 0)))
