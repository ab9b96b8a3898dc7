"""Reciprocal square root: all inputs that it is defined for against TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import assert_equals_tflm, read
from single_op import EVERY_BYTE, case_of, graph_of, run
from tflite_builder import ModelBuilder

from mcuq.ops.rsqrt import Rsqrt
from mcuq.tensor import QTensor

QUANTIZATIONS = [((0.02, -128), (0.01, -128)), ((0.5, 0), (0.02, 3)), ((1.0, 100), (0.1, -20)), ((1e-4, -7), (0.9, 0))]


def single(quantization, shape=(1, 256)):
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    return graph_of(Rsqrt(), QTensor(shape, x_scale, x_zero), scale=y_scale, zero_point=y_zero)


def build(quantization, elements):
    builder = ModelBuilder()
    x, y = (builder.tensor((1, elements), scale=s, zero_point=z) for s, z in quantization)
    builder.op("RSQRT", [x], [y])
    return builder.finish([x], [y])


def defined(quantization):
    """All bytes from the zero point on: below, TensorFlow Lite Micro aborts."""
    return np.arange(quantization[0][1], 128).astype(np.int8).reshape(1, 1, -1)


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_n5_equals_tflm(quantization):
    x = defined(quantization)
    assert_equals_tflm(build(quantization, x.size), x)
    assert read(build(quantization, x.size)).nodes[0].op == Rsqrt()


def test_n5_many_random_scales(rng):
    for _ in range(60):
        x_scale, y_scale = 10 ** rng.uniform(-4, 1, 2)
        quantization = (x_scale, rng.integers(-128, 127)), (y_scale, rng.integers(-128, 128))
        x = defined(quantization)
        assert_equals_tflm(build(quantization, x.size), x)


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_close_to_the_real_root(quantization):
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    q = np.arange(x_zero + 1, 128)
    wanted = np.clip(np.round(1 / np.sqrt(x_scale * (q - x_zero)) / y_scale) + y_zero, -128, 127)
    got = run(single(quantization), EVERY_BYTE).ravel().astype(int)
    assert np.abs(got[q + 128] - wanted).max() <= 1
    assert set(got[: x_zero + 129]) == {127}  # of 0, and below


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(single(q, shape), rng) for q in QUANTIZATIONS for shape in ((1, 1), (1, 5, 7))])
