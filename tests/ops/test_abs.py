"""Absolute value: all 256 inputs against TensorFlow Lite Micro and real numbers."""

import pytest
from harness import assert_kernels_equal_run
from single_op import EVERY_BYTE, assert_close, assert_graph_equals_tflm, case_of, graph_of
from tflite_builder import ModelBuilder

from mcuq.ops.abs import Abs
from mcuq.tensor import QTensor

QUANTIZATIONS = [
    ((0.05, -3), (0.03, -100)),
    ((0.1, 0), (0.1, 0)),
    ((0.1, 0), (0.1, -128)),
    ((0.25, 7), (0.0625, -128)),
    ((0.002, -128), (0.5, 127)),
    ((3.0, 127), (2.0, 5)),
]


def single(quantization, shape=(1, 256)):
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    return graph_of(Abs(), QTensor(shape, x_scale, x_zero), scale=y_scale, zero_point=y_zero)


def build(quantization):
    builder = ModelBuilder()
    x, y = (builder.tensor((1, 256), scale=s, zero_point=z) for s, z in quantization)
    builder.op("ABS", [x], [y], "AbsOptions")
    return builder.finish([x], [y])


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_n5_equals_tflm(quantization):
    assert_graph_equals_tflm(single(quantization), build(quantization), EVERY_BYTE)


def test_n5_many_random_scales(rng):
    for _ in range(60):
        x_scale, y_scale = 10 ** rng.uniform(-4, 1, 2)
        quantization = (x_scale, rng.integers(-128, 128)), (y_scale, rng.integers(-128, 128))
        assert_graph_equals_tflm(single(quantization), build(quantization), EVERY_BYTE)


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_close_to_forward(quantization):
    assert_close(single(quantization), EVERY_BYTE, steps=1)


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(single(q, shape), rng) for q in QUANTIZATIONS for shape in ((1, 1), (1, 5, 7))])
