"""Sums against their kernel, TensorFlow Lite Micro and real numbers."""

import pytest
from harness import assert_kernels_equal_run
from oracle import assert_close_to_forward, assert_equals_tflm, samples
from reductions import QUANTIZATIONS, SHAPES, build, case_of

from mcuq.errors import CannotQuantizeError
from mcuq.ops.sum import Sum
from mcuq.tensor import QTensor


@pytest.mark.parametrize(("shape", "axes"), SHAPES)
@pytest.mark.parametrize("keep_dims", [False, True])
def test_n5_equals_tflm(rng, shape, axes, keep_dims):
    for quantization in QUANTIZATIONS:
        assert_equals_tflm(build("SUM", shape, axes, quantization, keep_dims), samples(rng, 4, shape))


def test_close_to_forward(rng):
    shape, axes = SHAPES[1]
    assert_close_to_forward(build("SUM", shape, axes, QUANTIZATIONS[3]), samples(rng, 4, shape), steps=1)


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(build("SUM", s, axes, q), rng) for s, axes in SHAPES for q in QUANTIZATIONS])


def test_c1_the_axes_exist():
    with pytest.raises(ValueError, match="of 3 dimensions"):
        Sum((3,)).infer_shape((1, 2, 3))


def test_c2_four_dimensions_after_merging():
    with pytest.raises(ValueError, match="four dimensions"):
        Sum((1, 3)).infer_shape((2, 3, 2, 3, 2, 3))


def test_c3_the_sum_stays_within_int32():
    with pytest.raises(CannotQuantizeError, match="can leave int32"):
        Sum((1,)).lower([QTensor((1, 1 << 24), 0.1, 0)], QTensor((1,), 0.1, 0))
