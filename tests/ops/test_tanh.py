"""Tanh: all 256 inputs against TensorFlow Lite Micro, for many scales and zero points."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run
from oracle import assert_close_to_forward, assert_equals_tflm, read
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.tanh import Tanh
from mcuq.tensor import QTensor

EVERY_BYTE = np.arange(-128, 128).astype(np.int8).reshape(1, 1, 256)
SCALES = [(0.0005, 0), (0.01, -128), (0.031, 50), (0.05, 3), (0.1, 127), (0.25, 0), (1.5, -7), (40.0, -128)]


def build(scale, zero_point):
    builder = ModelBuilder()
    x = builder.tensor((1, 256), scale=scale, zero_point=zero_point)
    y = builder.tensor((1, 256), scale=1 / 128, zero_point=0)
    builder.op("TANH", [x], [y])
    return builder.finish([x], [y])


@pytest.mark.parametrize(("scale", "zero_point"), SCALES)
def test_n5_equals_tflm(scale, zero_point):
    assert_equals_tflm(build(scale, zero_point), EVERY_BYTE)


@pytest.mark.parametrize(("scale", "zero_point"), SCALES[:-1])
def test_close_to_forward(scale, zero_point):
    assert_close_to_forward(build(scale, zero_point), EVERY_BYTE, steps=1)


def test_n2_kernel_equals_run():
    (node,) = read(build(0.05, 3)).nodes
    params = node.op.lower([QTensor((1, 256), 0.05, 3)], QTensor((1, 256), 1 / 128, 0))
    assert_kernels_equal_run([Case(params, [EVERY_BYTE[0]])])


@pytest.mark.parametrize(("scale", "zero_point"), [(1 / 256, 0), (1 / 128, 1)])
def test_c1_output_quantization_is_fixed(scale, zero_point):
    with pytest.raises(CannotQuantizeError, match="1/128"):
        Tanh().lower([QTensor((1, 4), 0.1, 0)], QTensor((1, 4), scale, zero_point))
