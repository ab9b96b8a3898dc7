"""Leaky rectifier: all 256 inputs against TensorFlow Lite Micro, for many scales and alphas."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run
from oracle import assert_close_to_forward, assert_equals_tflm, read
from tflite_builder import ModelBuilder

from mcuq.errors import MalformedModelError
from mcuq.ops.leaky_relu import LeakyRelu

EVERY_BYTE = np.arange(-128, 128).astype(np.int8).reshape(1, 1, 256)
QUANTIZATION = [
    ((0.05, -128), (0.05, -128)),
    ((0.05, 3), (0.05, 3)),
    ((0.1, -7), (0.03, 20)),
    ((0.02, 127), (0.3, -128)),
    ((0.0235294122248888, -128), (0.0235294122248888, -128)),
    ((4.0, 0), (0.001, 127)),
    ((0.001, 0), (4.0, -128)),
]
ALPHAS = [0.01, 0.3, 1.0, 2.5, 0.0, -0.2]


def build(quantization, alpha=0.2):
    builder = ModelBuilder()
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    x = builder.tensor((1, 256), scale=x_scale, zero_point=x_zero)
    y = builder.tensor((1, 256), scale=y_scale, zero_point=y_zero)
    builder.op("LEAKY_RELU", [x], [y], "LeakyReluOptions", alpha=alpha)
    return builder.finish([x], [y])


@pytest.mark.parametrize("quantization", QUANTIZATION)
@pytest.mark.parametrize("alpha", ALPHAS)
def test_n5_equals_tflm(quantization, alpha):
    assert_equals_tflm(build(quantization, alpha), EVERY_BYTE)


@pytest.mark.parametrize("quantization", QUANTIZATION)
@pytest.mark.parametrize("alpha", ALPHAS)
def test_close_to_forward(quantization, alpha):
    assert_close_to_forward(build(quantization, alpha), EVERY_BYTE, steps=1)


def test_n2_kernel_equals_run():
    cases = []
    for quantization in QUANTIZATION:
        graph = read(build(quantization))
        (node,) = graph.nodes
        params = node.op.lower([graph.values[node.inputs[0]]], graph.values[node.outputs[0]])
        cases.append(Case(params, [EVERY_BYTE[0]]))
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("alpha", [float("nan"), float("inf"), -1e6])
def test_c1_alpha_is_bounded(alpha):
    with pytest.raises(ValueError, match="alpha"):
        LeakyRelu(alpha)
    with pytest.raises(MalformedModelError, match=r"LEAKY_RELU.*alpha"):
        read(build(QUANTIZATION[0], alpha))
