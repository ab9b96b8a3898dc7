"""Hard swish: all 256 inputs against TensorFlow Lite Micro, for many scales and zero points."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run
from oracle import assert_close_to_forward, assert_equals_tflm, read
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.plan.builder import build_plan

EVERY_BYTE = np.arange(-128, 128).astype(np.int8).reshape(1, 1, 256)
QUANTIZATION = [
    ((0.05, -128), (0.05, -128)),
    ((0.05, 3), (0.03, -110)),
    ((0.1, -7), (0.07, -100)),
    ((0.02, 127), (0.3, -128)),
    ((0.0234375, 0), (0.0234375, -111)),
    ((3.0 / 128, 0), (3.0 / 128, -128)),
    ((0.5, 0), (0.5, 0)),
    ((4.0, -128), (5.0, 127)),
    ((0.001, 0), (0.0005, 0)),
    ((0.0003, 11), (4.0, -128)),
    ((40.0, 0), (0.5, 0)),
]


def build(quantization):
    builder = ModelBuilder()
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    x = builder.tensor((1, 256), scale=x_scale, zero_point=x_zero)
    y = builder.tensor((1, 256), scale=y_scale, zero_point=y_zero)
    builder.op("HARD_SWISH", [x], [y])
    return builder.finish([x], [y])


@pytest.mark.parametrize("quantization", QUANTIZATION)
def test_n5_equals_tflm(quantization):
    assert_equals_tflm(build(quantization), EVERY_BYTE)


@pytest.mark.parametrize("quantization", QUANTIZATION)
def test_close_to_forward(quantization):
    assert_close_to_forward(build(quantization), EVERY_BYTE, steps=2)


def test_n2_kernel_equals_run():
    cases = []
    for quantization in QUANTIZATION:
        graph = read(build(quantization))
        (node,) = graph.nodes
        params = node.op.lower([graph.values[node.inputs[0]]], graph.values[node.outputs[0]])
        cases.append(Case(params, [EVERY_BYTE[0]]))
    assert_kernels_equal_run(cases)


def test_n5_many_random_scales(rng):
    for _ in range(60):
        x_scale, ratio = 10 ** rng.uniform(-9, 2), 10 ** rng.uniform(-2, 6)
        quantization = (x_scale, rng.integers(-128, 128)), (x_scale * ratio, rng.integers(-128, 128))
        assert_equals_tflm(build(quantization), EVERY_BYTE)


def test_c1_output_scale_is_bounded():
    with pytest.raises(CannotQuantizeError, match="1/128"):
        build_plan(read(build(((1.0, 0), (0.005, 0)))))
