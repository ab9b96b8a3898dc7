"""The smallest along dimensions: its kernel, TensorFlow Lite Micro, real numbers."""

import pytest
from harness import assert_kernels_equal_run
from oracle import assert_close_to_forward, assert_equals_tflm, samples
from reductions import SHAPES, build, case_of

from mcuq.errors import CannotQuantizeError
from mcuq.ops.reduce_min import ReduceMin
from mcuq.tensor import QTensor

SAME = ((0.5, 3),) * 2


@pytest.mark.parametrize(("shape", "axes"), SHAPES)
@pytest.mark.parametrize("keep_dims", [False, True])
def test_n5_equals_tflm(rng, shape, axes, keep_dims):
    assert_equals_tflm(build("REDUCE_MIN", shape, axes, SAME, keep_dims), samples(rng, 4, shape))


def test_close_to_forward(rng):
    shape, axes = SHAPES[1]
    assert_close_to_forward(build("REDUCE_MIN", shape, axes, SAME), samples(rng, 4, shape), steps=0)


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(build("REDUCE_MIN", shape, axes, SAME), rng) for shape, axes in SHAPES])


def test_c1_the_axes_exist():
    with pytest.raises(ValueError, match="of 3 dimensions"):
        ReduceMin((3,)).infer_shape((1, 2, 3))


def test_c2_four_dimensions_after_merging():
    with pytest.raises(ValueError, match="four dimensions"):
        ReduceMin((1, 3)).infer_shape((2, 3, 2, 3, 2, 3))


def test_c3_the_output_has_the_inputs_quantization():
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        ReduceMin((1,)).lower([QTensor((1, 3), 0.1, 0)], QTensor((1,), 0.2, 0))
