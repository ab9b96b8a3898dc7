"""Subtraction against its kernel, TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import assert_close_to_forward, assert_equals_tflm, read, run, samples
from tflite_builder import ModelBuilder

from mcuq.ops.sub import Sub

SHAPES = [
    ((1, 4, 4, 8), (1, 4, 4, 8)),
    ((1, 3, 5, 7), (1, 1, 1, 7)),
    ((1, 3, 5, 7), (1, 1, 1, 1)),
    ((1, 1, 1, 3), (1, 4, 2, 3)),
    ((1, 6), (6,)),
]
QUANTIZATION = [
    ((0.1, -128), (0.03, 127), (0.2, 0)),
    ((0.5, 3), (0.5, 3), (0.5, 3)),
    ((2.0, -5), (0.001, 9), (0.9, -128)),
    ((0.625, 77), (0.078125, -62), (1.5, 44)),
    ((0.1875, 107), (0.078125, -127), (0.25, -23)),
]


def build(shapes, quantization, activation=0, constant=None):
    builder = ModelBuilder()
    (a_scale, a_zero), (b_scale, b_zero), (y_scale, y_zero) = quantization
    a = builder.tensor(shapes[0], scale=a_scale, zero_point=a_zero, data=constant)
    b = builder.tensor(shapes[1], scale=b_scale, zero_point=b_zero)
    y = builder.tensor(np.broadcast_shapes(*shapes), scale=y_scale, zero_point=y_zero)
    builder.op("SUB", [a, b], [y], "SubOptions", version=2, fusedActivationFunction=activation)
    return builder.finish([a, b] if constant is None else [b], [y])


def params(model):
    graph = read(model)
    (node,) = graph.nodes
    return node.op.lower([graph.tensor(n) for n in node.inputs], graph.values[node.outputs[0]])


def every_pair():
    """All 65536 pairs of bytes: 256 samples [1, 256] of either operand."""
    a, b = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))
    return a.astype(np.int8).reshape(256, 1, 256), b.astype(np.int8).reshape(256, 1, 256)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("quantization", QUANTIZATION)
@pytest.mark.parametrize("activation", [0, 1, 3])
def test_n5_equals_tflm(rng, shapes, quantization, activation):
    model = build(shapes, quantization, activation)
    assert_equals_tflm(model, samples(rng, 4, shapes[0]), samples(rng, 4, shapes[1])[::-1])


@pytest.mark.parametrize("quantization", QUANTIZATION)
def test_n5_every_pair_of_bytes(quantization):
    """Power-of-two ratios of scales hit ties in every rounding."""
    assert_equals_tflm(build(((1, 256), (1, 256)), quantization), *every_pair())


def test_n5_a_negated_multiplier_is_not_a_subtraction():
    """5 - 0.5 * (1 + 5 * 2^-20): a tie of the high multiply decides on which side of 4.5 the result lies."""
    model = build(((1, 1), (1, 1)), ((1.0, 0), (0.5 * (1 + 5 * 2**-20), 0), (1.0, 0)))
    a, b = np.full((1, 1, 1), 5, np.int8), np.full((1, 1, 1), 1, np.int8)
    assert_equals_tflm(model, a, b)

    assert run(model, a, b).item() == 4  # with the multiplier of b negated in an addition: 5


def test_n5_constant_operand(rng):
    model = build(((7,), (1, 3, 5, 7)), QUANTIZATION[0], constant=rng.integers(-128, 128, 7))
    assert_equals_tflm(model, samples(rng, 4, (1, 3, 5, 7)))


@pytest.mark.parametrize("quantization", QUANTIZATION)
def test_close_to_forward(rng, quantization):
    shapes = SHAPES[1]
    assert_close_to_forward(build(shapes, quantization), samples(rng, 4, shapes[0]), samples(rng, 4, shapes[1]))


def test_n2_kernel_equals_run(rng):
    cases = []
    for shapes in SHAPES:
        for quantization in QUANTIZATION:
            p = params(build(shapes, quantization, activation=1))
            cases.append(Case(p, [random_bytes(rng, 5, np.prod(s)) for s in shapes]))
    assert_kernels_equal_run(cases)


def test_c1_broadcasting_needs_at_most_four_dimensions():
    with pytest.raises(ValueError, match="four dimensions"):
        Sub().infer_shape((2, 1, 2, 1, 2), (1, 2, 1, 2, 1))
