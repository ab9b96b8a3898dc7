"""Floor division against its kernel, exact arithmetic and numpy."""

import math
from fractions import Fraction

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from pairs import QUANTIZATIONS, SHAPES, every_pair

from mcuq.errors import CannotQuantizeError
from mcuq.ops.floor_div import FloorDiv
from mcuq.tensor import QTensor

EXTREME = [((1e-4, 0), (1.0, 3), (0.5, 0)), ((1.0, 0), (1e-4, 3), (80.0, 0)), ((0.1, 0), (0.1, 0), (1e-9, 0))]


def lowered(op, quantization, a=(1, 256), b=(1, 256)):
    (a_scale, a_zero), (b_scale, b_zero), (y_scale, y_zero) = quantization
    output = QTensor(np.broadcast_shapes(a, b), y_scale, y_zero)
    return op.lower([QTensor(a, a_scale, a_zero), QTensor(b, b_scale, b_zero)], output)


def exact(quantization, result):
    """Return, of every pair of bytes, the exact result's steps: [a, b], where b is not 0; and where that is."""
    (a_scale, a_zero), (b_scale, b_zero), (y_scale, _) = quantization
    wanted = np.zeros((256, 256))
    for i in range(256):
        for j in range(256):
            a, b = Fraction(str(a_scale)) * (i - 128 - a_zero), Fraction(str(b_scale)) * (j - 128 - b_zero)
            wanted[i, j] = float(result(a, b)) / y_scale if b else 0.0
    return wanted


def assert_steps(op, quantization, result):
    """Every pair of bytes is the exact result rounded, saturated; but where a quotient is a hair from an integer."""
    a, b = every_pair()
    got = lowered(op, quantization).run(a[:, 0], b[:, 0]).astype(int)
    wanted, zero = exact(quantization, result), quantization[2][1]
    i, j = a[:, 0].astype(int) + 128, b[:, 0].astype(int) + 128
    bounds = [np.clip(np.round(wanted[i, j] + e) + zero, -128, 127) for e in (-1e-3, 1e-3)]
    by_zero = j - 128 == quantization[1][1]
    right = (got == bounds[0]) | (got == bounds[1]) | by_zero
    assert np.mean(right) > 0.999
    assert np.all(got[by_zero & (i - 128 == quantization[0][1])] == zero)


@pytest.mark.parametrize(
    "quantization", [QUANTIZATIONS[1], QUANTIZATIONS[3], QUANTIZATIONS[4], ((0.1, 3), (0.3, -5), (2.0, 0))]
)
def test_table_is_the_exact_quotient(quantization):
    assert_steps(FloorDiv(), quantization, lambda a, b: math.floor(a / b))


@pytest.mark.parametrize("quantization", [*QUANTIZATIONS, *EXTREME])
def test_n2_kernel_equals_run(rng, quantization):
    cases = [
        Case(lowered(FloorDiv(), quantization, a, b), [random_bytes(rng, 5, int(np.prod(s))) for s in (a, b)])
        for a, b in SHAPES
    ]
    a, b = every_pair()
    assert_kernels_equal_run([*cases, Case(lowered(FloorDiv(), quantization), [a[:, 0], b[:, 0]])])


def test_by_zero_it_saturates():
    p = lowered(FloorDiv(), ((0.1, 0), (0.1, 0), (1.0, 5)), (1, 3), (1, 3))
    assert p.run(np.int8([[-4, 0, 4]]), np.int8([[0, 0, 0]])).tolist() == [[-128, 5, 127]]


def test_forward_is_numpys(rng):
    a, b = rng.normal(size=(2, 1, 9)), rng.uniform(0.5, 2, (2, 1, 9))
    np.testing.assert_array_equal(FloorDiv().forward(a, b), np.floor(a / b))


def test_c1_broadcasting_needs_at_most_four_dimensions():
    with pytest.raises(ValueError, match="four dimensions"):
        FloorDiv().infer_shape((2, 1, 2, 1, 2), (1, 2, 1, 2, 1))


def test_c2_scales_are_not_too_far_apart():
    with pytest.raises(CannotQuantizeError, match="their ratio is beyond"):
        lowered(FloorDiv(), ((1e-7, 0), (1.0, 0), (1.0, 0)))
