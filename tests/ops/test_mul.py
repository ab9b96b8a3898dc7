"""Element-wise product against its kernel, TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import assert_close_to_forward, assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq.ops.mul import Mul

SHAPES = [
    ((1, 4, 4, 8), (1, 4, 4, 8)),
    ((1, 3, 5, 7), (1, 1, 1, 7)),
    ((1, 3, 5, 7), (1, 1, 1, 1)),
    ((1, 1, 1, 1), (1, 3, 5, 7)),
    ((1, 1, 1, 3), (1, 4, 2, 3)),
    ((1, 6), (6,)),
]
QUANTIZATION = [
    ((0.1, -128), (0.03, 127), (0.2, 0)),
    ((0.5, 3), (0.5, 3), (0.5, 3)),  # products end in ties
    ((0.25, 0), (0.25, 0), (1.0, -128)),
    ((2.0, -5), (0.001, 9), (0.0001, -128)),  # multiplier above 1
    ((0.01, 127), (0.02, -128), (1.9, 55)),
]


def build(shapes, quantization, activation=0, constant=None):
    builder = ModelBuilder()
    (a_scale, a_zero), (b_scale, b_zero), (y_scale, y_zero) = quantization
    a = builder.tensor(shapes[0], scale=a_scale, zero_point=a_zero)
    b = builder.tensor(shapes[1], scale=b_scale, zero_point=b_zero, data=constant)
    y = builder.tensor(np.broadcast_shapes(*shapes), scale=y_scale, zero_point=y_zero)
    builder.op("MUL", [a, b], [y], "MulOptions", version=2, fusedActivationFunction=activation)
    return builder.finish([a, b] if constant is None else [a], [y])


def params(model):
    graph = read(model)
    (node,) = graph.nodes
    return node.op.lower([graph.tensor(n) for n in node.inputs], graph.values[node.outputs[0]])


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("quantization", QUANTIZATION)
@pytest.mark.parametrize("activation", [0, 1, 2, 3])
def test_n5_equals_tflm(rng, shapes, quantization, activation):
    model = build(shapes, quantization, activation)
    assert_equals_tflm(model, samples(rng, 4, shapes[0]), samples(rng, 4, shapes[1])[::-1])


@pytest.mark.parametrize("quantization", QUANTIZATION)
def test_n5_every_pair_of_bytes(quantization):
    a, b = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))
    pairs = (x.astype(np.int8).reshape(256, 1, 256) for x in (a, b))
    assert_equals_tflm(build(((1, 256), (1, 256)), quantization), *pairs)


@pytest.mark.parametrize("shape", [(7,), (1, 1, 1, 7), (1, 1, 1, 1), ()])
def test_n5_constant_operand(rng, shape):
    model = build(((1, 3, 5, 7), shape), QUANTIZATION[0], constant=rng.integers(-128, 128, shape))
    assert_equals_tflm(model, samples(rng, 4, (1, 3, 5, 7)))


@pytest.mark.parametrize("quantization", QUANTIZATION)
def test_close_to_forward(rng, quantization):
    shapes = SHAPES[1]
    assert_close_to_forward(
        build(shapes, quantization), samples(rng, 4, shapes[0]), samples(rng, 4, shapes[1]), steps=1
    )


def test_n2_kernel_equals_run(rng):
    cases = []
    for shapes in SHAPES:
        for quantization in QUANTIZATION:
            p = params(build(shapes, quantization, activation=1))
            cases.append(Case(p, [random_bytes(rng, 5, np.prod(s)) for s in shapes]))
    assert_kernels_equal_run(cases)


def test_c1_broadcasting_needs_at_most_four_dimensions():
    with pytest.raises(ValueError, match="four dimensions"):
        Mul().infer_shape((2, 1, 2, 1, 2), (1, 2, 1, 2, 1))
