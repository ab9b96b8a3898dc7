"""Concatenation against its kernel, TensorFlow Lite Micro and numpy."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import assert_close_to_forward, assert_equals_tflm, read, run, samples
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError, UnsupportedOperatorError
from mcuq.ops.concatenation import Concatenation
from mcuq.tensor import QConstant, QTensor

# shapes, axis
CASES = [
    ([(1, 4, 5, 3), (1, 4, 5, 3)], 3),
    ([(1, 4, 5, 3), (1, 4, 5, 1), (1, 4, 5, 2)], -1),
    ([(1, 2, 5, 3), (1, 1, 5, 3)], 1),
    ([(1, 2, 5, 3), (1, 2, 1, 3), (1, 2, 2, 3), (1, 2, 4, 3)], -2),
    ([(1, 3, 2), (1, 3, 2)], 0),
    ([(1, 7), (1, 1)], 1),
    ([(5,), (2,)], 0),
    ([(1, 6, 2)], 1),
    ([(1, 3, n) for n in range(1, 9)], 2),
]
QUANTIZATION = (0.1, 3)


def build(shapes, axis, activation=0, constant=None, quantization=None):
    """Build a model; ``constant`` is the last input's data, ``quantization`` its scale and zero point."""
    builder = ModelBuilder()
    inputs = [builder.tensor(s, scale=0.1, zero_point=3) for s in shapes[:-1]]
    scale, zero_point = quantization or QUANTIZATION
    inputs.append(builder.tensor(shapes[-1], scale=scale, zero_point=zero_point, data=constant))
    y_shape = list(shapes[0])
    y_shape[axis] = sum(s[axis] for s in shapes)
    y = builder.tensor(y_shape, scale=0.1, zero_point=3)
    options = {"axis": axis, "fusedActivationFunction": activation}
    builder.op("CONCATENATION", inputs, [y], "ConcatenationOptions", **options)
    return builder.finish(inputs if constant is None else inputs[:-1], [y])


def params(model):
    graph = read(model)
    (node,) = graph.nodes
    return node.op.lower([graph.tensor(n) for n in node.inputs], graph.values[node.outputs[0]])


@pytest.mark.parametrize(("shapes", "axis"), CASES)
def test_n5_equals_tflm(rng, shapes, axis):
    assert_equals_tflm(build(shapes, axis), *(samples(rng, 4, s) for s in shapes))


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_n5_constant_operand(rng, axis):
    shapes = [(1, 2, 3, 4)] * 2
    model = build(shapes, axis, constant=rng.integers(-128, 128, shapes[1]))
    x = samples(rng, 4, shapes[0])
    assert_equals_tflm(model, x)
    assert_close_to_forward(model, x, steps=0)


@pytest.mark.parametrize(("shapes", "axis"), CASES)
def test_close_to_forward(rng, shapes, axis):
    assert_close_to_forward(build(shapes, axis), *(samples(rng, 4, s) for s in shapes), steps=0)


def test_more_inputs_than_tflm_takes(rng):
    """TensorFlow Lite Micro stops at 10."""
    shapes = [(1, 2, 3)] * 12
    inputs = [samples(rng, 4, s) for s in shapes]

    np.testing.assert_array_equal(run(build(shapes, 2), *inputs), np.concatenate(inputs, axis=3))


def test_n2_kernel_equals_run(rng):
    cases = [
        Case(params(build(shapes, axis)), [random_bytes(rng, 5, np.prod(s)) for s in shapes]) for shapes, axis in CASES
    ]
    assert_kernels_equal_run(cases)


def test_c1_axis_exists_and_other_dimensions_agree():
    with pytest.raises(ValueError, match="axis 3 of 3 dimensions"):
        Concatenation(3).infer_shape((1, 2, 3), (1, 2, 3))
    for other in [(1, 4, 3), (1, 2), (1, 2, 3, 1)]:
        with pytest.raises(ValueError, match="differ beside dimension 2"):
            Concatenation(-1).infer_shape((1, 2, 3), other)


@pytest.mark.parametrize(
    "other",
    [
        QTensor((1, 4), 0.1, 4),
        QTensor((1, 4), 0.2, 3),
        QTensor((1, 4), 0.1, 3, "uint8"),
        QConstant(np.zeros((1, 4), np.int8), np.array([0.1]), zero_point=0),
    ],
)
def test_c2_quantization_must_be_equal(other):
    x = QTensor((1, 4), 0.1, 3)
    with pytest.raises(CannotQuantizeError, match="input 1 of concatenation"):
        Concatenation().lower([x, other], QTensor((1, 8), 0.1, 3))


def test_c3_fused_activation_is_refused():
    with pytest.raises(UnsupportedOperatorError, match="fused activation relu"):
        read(build(*CASES[0], activation=1))
