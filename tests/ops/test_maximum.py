"""The larger of two: its kernel, TensorFlow Lite Micro, real numbers."""

import pytest
from harness import assert_kernels_equal_run
from oracle import assert_close_to_forward, assert_equals_tflm, read, samples
from pairs import SHAPES, TIED, build, case_of, every_pair

from mcuq.errors import CannotQuantizeError
from mcuq.ops.maximum import Maximum
from mcuq.tensor import QTensor


def model(shapes, quantization, constant=None):
    return build("MAXIMUM", shapes, quantization, constant=constant)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("quantization", TIED)
def test_n5_equals_tflm(rng, shapes, quantization):
    assert_equals_tflm(model(shapes, quantization), samples(rng, 4, shapes[0]), samples(rng, 4, shapes[1])[::-1])
    assert read(model(shapes, quantization)).nodes[0].op == Maximum()


def test_n5_every_pair_of_bytes():
    assert_equals_tflm(model(((1, 256),) * 2, TIED[0]), *every_pair())


def test_n5_a_constant_vector(rng):
    assert_equals_tflm(model(((1, 2, 3), (3,)), TIED[1], constant=[5, -7, 127]), samples(rng, 4, (1, 2, 3)))


def test_close_to_forward(rng):
    x = [samples(rng, 4, shape) for shape in SHAPES[1]]
    assert_close_to_forward(model(SHAPES[1], TIED[0]), *x, steps=0)


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(model(s, TIED[0]), s, rng) for s in SHAPES])


def test_c1_broadcasting_needs_at_most_four_dimensions():
    with pytest.raises(ValueError, match="four dimensions"):
        Maximum().infer_shape((2, 1, 2, 1, 2), (1, 2, 1, 2, 1))


def test_c2_operands_have_the_outputs_quantization():
    x = QTensor((1, 3), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        Maximum().lower([x, QTensor((1, 3), 0.2, 0)], x)
