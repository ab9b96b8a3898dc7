"""Rows of length 1: TensorFlow Lite Micro, the kernel, real numbers."""

import pytest
from harness import assert_kernels_equal_run
from oracle import assert_close_to_forward, assert_equals_tflm, read, samples
from single_op import case_of, graph_of
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.l2_norm import L2Norm
from mcuq.tensor import QTensor

SHAPES = [(1, 5), (1, 3, 8), (1, 2, 3, 40), (1, 1)]


def build(shape, zero_point):
    builder = ModelBuilder()
    x, y = builder.tensor(shape, scale=0.1, zero_point=zero_point), builder.tensor(shape, scale=1 / 128)
    builder.op("L2_NORMALIZATION", [x], [y], "L2NormOptions")
    return builder.finish([x], [y])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("zero_point", [0, -128, 37])
def test_n5_equals_tflm(rng, shape, zero_point):
    x = samples(rng, 20, shape)
    x[2:4] = x[2:4] // 64 + zero_point // 2
    assert_equals_tflm(build(shape, zero_point), x)
    assert read(build(shape, zero_point)).nodes[0].op == L2Norm()


def test_close_to_forward(rng):
    assert_close_to_forward(build((1, 3, 8), 5), samples(rng, 20, (1, 3, 8)), steps=1)


def test_n2_kernel_equals_run(rng):
    cases = [
        case_of(graph_of(L2Norm(), QTensor(s, 0.1, z), scale=1 / 128, zero_point=0), rng)
        for s in SHAPES
        for z in (0, 37)
    ]
    assert_kernels_equal_run(cases)


def test_c1_the_output_is_fixed():
    x = QTensor((1, 5), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="1/128"):
        L2Norm().lower([x], x)


def test_c2_rows_are_short():
    with pytest.raises(CannotQuantizeError, match="at most 32767"):
        L2Norm().lower([QTensor((1, 1 << 15), 0.1, 0)], QTensor((1, 1 << 15), 1 / 128, 0))
