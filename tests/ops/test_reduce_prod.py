"""Products along dimensions against their kernel and real numbers."""

import math

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from reductions import QUANTIZATIONS, SHAPES

from mcuq.ops.reduce_prod import ReduceProd
from mcuq.tensor import QTensor

MANY = [((1, 300), (1,)), ((1, 40, 3), (1,))]  # of many factors, with scales near 1 / factor


def lowered(shape, axes, quantization):
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    op = ReduceProd(axes)
    return op.lower([QTensor(shape, x_scale, x_zero)], QTensor(op.infer_shape(shape), y_scale, y_zero))


def test_table_is_the_exact_product(rng):
    """Of integers that make products of a few steps; half a step and a relative error of 2^-29 each are allowed."""
    for shape, axes in SHAPES:
        for zero in (0, -7):
            n = math.prod(shape[axis] for axis in axes)
            scale = 1 / 60.0
            x = (rng.integers(40, 90, (50, *shape)) * rng.choice([-1, 1], (50, *shape)) + zero).clip(-128, 127)
            y_scale = (64 * scale) ** n / 40
            got = lowered(shape, axes, ((scale, zero), (y_scale, 3))).run(x.astype(np.int8).reshape(50, -1))
            real = np.prod((x - zero) * scale, axis=tuple(1 + axis % len(shape) for axis in axes)) / y_scale
            wanted = np.clip(real.reshape(50, -1), -131, 124)
            assert np.abs(got.astype(int) - 3 - wanted).max() < 0.5 + 1e-5


@pytest.mark.parametrize("factor", [1, 63, 64, -64, 127])
def test_table_of_a_hundred_factors(factor):
    p = lowered((1, 100), (1,), ((1 / abs(factor), 0), (0.01, 0)))
    assert p.run(np.full((1, 100), factor, np.int8)).item() == 100


def test_one_factor_of_zero_makes_zero():
    p = lowered((1, 5), (1,), ((1.0, 4), (1e-6, 9)))
    assert p.run(np.int8([[127, 127, 4, 127, -128]])).item() == 9


def test_products_beyond_all_magnitudes():
    for scale, wanted in ((100.0, 127), (1e-3, -1)):
        p = lowered((1, 500), (1,), ((scale, 0), (1.0, -1)))
        assert p.run(np.full((1, 500), 100, np.int8)).item() == wanted


def test_n2_kernel_equals_run(rng):
    cases = [
        Case(lowered(s, axes, q), [random_bytes(rng, 20, math.prod(s))]) for s, axes in SHAPES for q in QUANTIZATIONS
    ]
    for shape, axes in MANY:
        for zero, scale in ((0, 1 / 64), (-5, 1 / 90), (127, 0.004)):
            x = rng.integers(-128, 128, (20, math.prod(shape))).astype(np.int8)
            cases.append(
                Case(lowered(shape, axes, ((scale, zero), (0.1, 2))), [np.where(x == zero, 64, x).astype(np.int8)])
            )
    assert_kernels_equal_run(cases)


def test_forward_is_numpys(rng):
    x = rng.normal(size=(3, 2, 4, 5))
    np.testing.assert_allclose(ReduceProd((0, -1)).forward(x), x.prod(axis=(1, 3)))


def test_c1_the_axes_exist():
    with pytest.raises(ValueError, match="of 3 dimensions"):
        ReduceProd((3,)).infer_shape((1, 2, 3))


def test_c2_four_dimensions_after_merging():
    with pytest.raises(ValueError, match="four dimensions"):
        ReduceProd((1, 3)).infer_shape((2, 3, 2, 3, 2, 3))
