"""Padding against its kernel, TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import assert_close_to_forward, assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError, UnsupportedOperatorError
from mcuq.ops.pad import Pad
from mcuq.tensor import QConstant, QTensor

# input shape; elements before and after, per dimension
SHAPES = [
    ((1, 4, 3, 5), ((0, 0), (1, 2), (3, 1), (0, 0))),
    ((1, 4, 3, 5), ((0, 0), (0, 1), (1, 0), (2, 3))),
    ((1, 1, 7, 1), ((0, 0), (2, 2), (0, 0), (0, 0))),
    ((1, 2, 2, 2), ((0, 0), (0, 0), (0, 0), (0, 0))),
    ((1, 6, 3), ((0, 0), (1, 1), (2, 0))),
    ((1, 9), ((0, 0), (0, 4))),
    ((1, 3, 1, 2), ((2, 1), (1, 0), (0, 1), (1, 1))),
    ((6,), ((1, 2),)),
]


def build(shape, zero_point=-7, value=None, value_scale=0.05):
    """PAD, or PADV2 where a value is given."""
    x_shape, paddings = shape
    builder = ModelBuilder()
    x = builder.tensor(x_shape, scale=0.05, zero_point=zero_point)
    p = builder.tensor((len(paddings), 2), "int32", data=paddings)
    y = builder.tensor([n + sum(p) for n, p in zip(x_shape, paddings, strict=True)], scale=0.05, zero_point=zero_point)
    if value is None:
        builder.op("PAD", [x, p], [y], "PadOptions", version=2)
    else:
        v = builder.tensor((1,), scale=value_scale, zero_point=zero_point, data=[value])
        builder.op("PADV2", [x, p, v], [y], "PadV2Options", version=2)
    return builder.finish([x], [y])


def test_n2_kernel_equals_run(rng):
    cases = []
    for shape in SHAPES:
        for zero_point in (-128, 0, 127):
            graph = read(build(shape, zero_point))
            (node,) = graph.nodes
            x, y = graph.values[node.inputs[0]], graph.values[node.outputs[0]]
            cases.append(Case(node.op.lower([x], y), [random_bytes(rng, 5, x.elements)]))
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("value", [None, -128, 3, 127])
def test_n5_equals_tflm(rng, shape, value):
    assert_equals_tflm(build(shape, value=value), samples(rng, 4, shape[0]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("value", [None, 90])
def test_close_to_forward(rng, shape, value):
    assert_close_to_forward(build(shape, value=value), samples(rng, 4, shape[0]), steps=0)


def test_c1_quantization_must_not_change():
    with pytest.raises(CannotQuantizeError, match="the input has scale"):
        Pad((0, 0), (0, 1)).lower([QTensor((1, 2), 0.1, 0)], QTensor((1, 3), 0.1, 1))


def test_c2_paddings_are_not_negative():
    with pytest.raises(ValueError, match="must not be negative"):
        Pad((0, -1), (0, 0)).infer_shape((1, 2))


@pytest.mark.parametrize("rank", [3, 5])
def test_every_dimension_has_paddings_and_there_are_at_most_four(rank):
    with pytest.raises(ValueError, match="at most four"):
        Pad((0,) * rank, (0,) * rank).infer_shape((1, 2, 2, 2, 2))


def test_c3_the_value_has_the_quantization_of_the_output():
    x, value = QTensor((1, 2), 0.1, 0), QConstant(np.array([1], np.int8), np.array([0.2]))
    with pytest.raises(CannotQuantizeError, match="the value has scale"):
        Pad((0, 0), (0, 1)).lower([x, value], QTensor((1, 3), 0.1, 0))


def test_c3_the_value_is_constant():
    builder = ModelBuilder()
    x, y = builder.tensor((1, 2), scale=0.1), builder.tensor((1, 3), scale=0.1)
    p, v = builder.tensor((2, 2), "int32", data=[[0, 0], [0, 1]]), builder.tensor((1,), scale=0.1)
    builder.op("PADV2", [x, p, v], [y], "PadV2Options")
    with pytest.raises(UnsupportedOperatorError, match="value must be constant"):
        read(builder.finish([x, v], [y]))
