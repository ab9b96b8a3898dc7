"""Rectifier up to 6: all 256 inputs against TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run
from oracle import assert_close_to_forward, assert_equals_tflm, read
from tflite_builder import ModelBuilder

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


def build(quantization):
    builder = ModelBuilder()
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    x = builder.tensor((1, 256), scale=x_scale, zero_point=x_zero)
    y = builder.tensor((1, 256), scale=y_scale, zero_point=y_zero)
    builder.op("RELU6", [x], [y])
    return builder.finish([x], [y])


EQUAL = [q for q in QUANTIZATION if q[0] == q[1]]


@pytest.mark.parametrize("quantization", [*EQUAL, ((0.03, 100), (0.03, 100)), ((4.0, -1), (4.0, -1))])
def test_n5_equals_tflm_where_the_quantization_does_not_change(quantization):
    assert_equals_tflm(build(quantization), EVERY_BYTE)


@pytest.mark.parametrize("quantization", QUANTIZATION)
def test_close_to_forward(quantization):
    assert_close_to_forward(build(quantization), EVERY_BYTE, steps=1)


def test_n2_kernel_equals_run():
    cases = []
    for quantization in QUANTIZATION:
        graph = read(build(quantization))
        (node,) = graph.nodes
        params = node.op.lower([graph.values[node.inputs[0]]], graph.values[node.outputs[0]])
        cases.append(Case(params, [EVERY_BYTE[0]]))
    assert_kernels_equal_run(cases)
