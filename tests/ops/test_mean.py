"""Mean against its kernel, TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import assert_close_to_forward, assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError, MalformedModelError
from mcuq.ops.mean import Mean
from mcuq.tensor import QTensor

# input shape, axes
CASES = [
    ((1, 4, 5, 6), (1, 2)),
    ((1, 4, 5, 6), (2, 1)),
    ((1, 4, 5, 6), (-3, -2)),
    ((1, 4, 5, 6), (3,)),
    ((1, 4, 5, 6), (1,)),
    ((1, 4, 5, 6), (1, 3)),
    ((1, 4, 5, 6), (1, 1)),
    ((1, 4, 5, 6), (1, 2, 3)),
    ((1, 4, 5, 6), (0, 1, 2, 3)),
    ((1, 7, 9), (1,)),
    ((1, 7, 9), (-1,)),
    ((1, 30, 7), (1, 2)),
    ((1, 9), (1,)),
    ((1, 9), (0,)),
    ((1, 3, 2, 5, 3), (1, 2, 4)),
    ((1, 32, 32, 3), (1, 2)),
    ((1, 256, 256, 1), (1, 2)),
]
QUANTIZATION = [
    ((0.1, 3), (0.1, 3)),
    ((0.1, -128), (0.1, -128)),
    ((0.5, -1), (0.5, 4)),
    ((0.1, -128), (0.07, 5)),
    ((0.02, 127), (0.3, -9)),
    ((0.1, 3), (0.0001, 3)),  # multiplier above 1
    ((1e-9, 0), (1.0, 0)),  # the shift is at its limit: the multiplier loses bits
    ((1e-8, 100), (1.0, 0)),
]


def build(shape, axes, keep_dims, quantization):
    builder = ModelBuilder()
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    x = builder.tensor(shape, scale=x_scale, zero_point=x_zero)
    a = builder.tensor((len(axes),), "int32", data=np.array(axes))
    y_shape = np.empty(shape, bool).mean(axis=tuple({axis % len(shape) for axis in axes}), keepdims=keep_dims).shape
    y = builder.tensor(y_shape, scale=y_scale, zero_point=y_zero)
    builder.op("MEAN", [x, a], [y], "ReducerOptions", version=2, keepDims=keep_dims)
    # TensorFlow Lite Micro's arena is ten times the model: an unused constant makes room.
    builder.tensor((np.prod(shape),), data=np.zeros(np.prod(shape)))
    return builder.finish([x], [y])


def params(model):
    graph = read(model)
    (node,) = graph.nodes
    return node.op.lower([graph.tensor(n) for n in node.inputs], graph.values[node.outputs[0]])


@pytest.mark.parametrize(("shape", "axes"), CASES)
@pytest.mark.parametrize("quantization", QUANTIZATION)
@pytest.mark.parametrize("keep_dims", [True, False])
def test_n5_equals_tflm(rng, shape, axes, quantization, keep_dims):
    assert_equals_tflm(build(shape, axes, keep_dims, quantization), samples(rng, 4, shape))


@pytest.mark.parametrize("zero_point", [-128, -1, 0])
@pytest.mark.parametrize("elements", [2, 3, 4, 7, 12])
def test_n5_ties(rng, elements, zero_point):
    """Small counts at equal scales: halves, and thirds whose rounded multiplier is just below."""
    x = samples(rng, 200, (1, elements, 8))
    assert_equals_tflm(build((1, elements, 8), (1,), False, ((0.1, zero_point), (0.1, zero_point))), x)


@pytest.mark.parametrize(("shape", "axes"), CASES)
@pytest.mark.parametrize("quantization", QUANTIZATION[:5])
def test_close_to_forward(rng, shape, axes, quantization):
    assert_close_to_forward(build(shape, axes, False, quantization), samples(rng, 4, shape), steps=1)


def test_n2_kernel_equals_run(rng):
    cases = []
    for shape, axes in CASES:
        for quantization in QUANTIZATION:
            cases.append(Case(params(build(shape, axes, True, quantization)), [random_bytes(rng, 5, np.prod(shape))]))
    assert_kernels_equal_run(cases)


def test_c1_axes_must_exist():
    with pytest.raises(ValueError, match="of 3 dimensions"):
        Mean((3,)).infer_shape((1, 2, 3))
    with pytest.raises(ValueError, match="of 3 dimensions"):
        Mean((-4,)).infer_shape((1, 2, 3))


def test_c2_at_most_four_dimensions_after_merging():
    with pytest.raises(ValueError, match="four dimensions"):
        Mean((1, 3)).infer_shape((2, 2, 2, 2, 2))


def test_c3_accumulator_stays_within_int32():
    elements = (2**31 - 1) // 255
    y = QTensor((1, 1), 0.1, 0)
    Mean((1,), True).lower([QTensor((1, elements), 0.1, 0)], y)
    with pytest.raises(CannotQuantizeError, match="can leave int32"):
        Mean((1,), True).lower([QTensor((1, elements + 1), 0.1, 0)], y)


def test_axes_out_of_range_name_the_node():
    with pytest.raises(MalformedModelError, match="mean_0"):
        builder = ModelBuilder()
        x = builder.tensor((1, 2, 3), scale=0.1)
        axes = builder.tensor((1,), "int32", data=np.array([7]))
        y = builder.tensor((1, 2), scale=0.1)
        builder.op("MEAN", [x, axes], [y], "ReducerOptions")
        read(builder.finish([x], [y]))
