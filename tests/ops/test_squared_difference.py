"""Squared difference against its kernel, TensorFlow Lite Micro and real numbers."""

import pytest
from harness import assert_kernels_equal_run
from oracle import assert_close_to_forward, assert_equals_tflm, samples
from pairs import QUANTIZATIONS, SHAPES, build, case_of, every_pair

from mcuq.ops.squared_difference import SquaredDifference


def model(shapes, quantization):
    return build("SQUARED_DIFFERENCE", shapes, quantization)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_n5_equals_tflm(rng, shapes, quantization):
    assert_equals_tflm(model(shapes, quantization), samples(rng, 4, shapes[0]), samples(rng, 4, shapes[1])[::-1])


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_n5_every_pair_of_bytes(quantization):
    assert_equals_tflm(model(((1, 256),) * 2, quantization), *every_pair())


def test_close_to_forward(rng):
    quantization = ((0.05, 3), (0.06, -5), (0.3, -128))
    assert_close_to_forward(
        model(SHAPES[1], quantization), samples(rng, 4, SHAPES[1][0]), samples(rng, 4, SHAPES[1][1])
    )


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(model(s, q), s, rng) for s in SHAPES for q in QUANTIZATIONS])


def test_c1_broadcasting_needs_at_most_four_dimensions():
    with pytest.raises(ValueError, match="four dimensions"):
        SquaredDifference().infer_shape((2, 1, 2, 1, 2), (1, 2, 1, 2, 1))
