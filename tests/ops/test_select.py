"""Selection against its kernel, TensorFlow Lite Micro and numpy."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import read, run, samples
from tflite_builder import ModelBuilder, tflm

from mcuq.errors import CannotQuantizeError
from mcuq.ops.select import Select
from mcuq.tensor import QTensor

SHAPES = [
    ((1, 3, 5, 7),) * 3,
    ((1, 3, 5, 1), (1, 3, 5, 7), (1, 1, 1, 7)),
    ((1, 4), (1, 3, 4), (1, 3, 1)),
    ((1, 1), (1, 6), (1, 1)),
]


def build(shapes, quantization=(0.1, 3)):
    builder = ModelBuilder()
    scale, zero_point = quantization
    condition = builder.tensor(shapes[0], "bool")
    a, b, y = (
        builder.tensor(shape, scale=scale, zero_point=zero_point)
        for shape in (*shapes[1:], np.broadcast_shapes(*shapes))
    )
    builder.op("SELECT_V2", [condition, a, b], [y])
    return builder.finish([condition, a, b], [y])


@pytest.mark.parametrize("shapes", SHAPES)
def test_n5_equals_tflm(rng, shapes):
    condition = rng.integers(0, 2, (4, *shapes[0])).astype(bool)
    a, b = samples(rng, 4, shapes[1]), samples(rng, 4, shapes[2])[::-1]
    model = build(shapes)
    np.testing.assert_array_equal(run(model, condition.view(np.int8), a, b), tflm(model, condition, a, b))
    assert read(model).nodes[0].op == Select()


def test_n5_a_constant_condition(rng):
    """As Keras's masks are."""
    builder = ModelBuilder()
    truth = rng.integers(0, 2, (1, 3, 5)).astype(bool)
    condition = builder.tensor(truth.shape, "bool", data=truth)
    a, b, y = (builder.tensor(truth.shape, scale=0.1, zero_point=3) for _ in range(3))
    builder.op("SELECT_V2", [condition, a, b], [y])
    model = builder.finish([a, b], [y])
    values = samples(rng, 4, truth.shape), samples(rng, 4, truth.shape)[::-1]
    np.testing.assert_array_equal(run(model, *values), tflm(model, *values))


def test_n2_kernel_equals_run(rng):
    cases = []
    for shapes in SHAPES:
        tensors = [QTensor(shape, 0.1, 3) for shape in shapes]
        p = Select().lower(tensors, QTensor(np.broadcast_shapes(*shapes), 0.1, 3))
        condition, *values = [random_bytes(rng, 5, int(np.prod(shape))) for shape in shapes]
        cases.append(Case(p, [np.where(condition > 0, condition, 3).astype(np.int8), *values]))
    assert_kernels_equal_run(cases)


def test_forward_is_numpys(rng):
    condition, a, b = rng.integers(0, 2, (2, 1, 3)), rng.normal(size=(2, 1, 3)), rng.normal(size=(2, 1, 3))
    np.testing.assert_array_equal(Select().forward(condition, a, b), np.where(condition, a, b))


def test_c1_broadcasting_needs_at_most_four_dimensions():
    with pytest.raises(ValueError, match="four dimensions"):
        Select().infer_shape((2, 1, 2, 1, 2), (1, 2, 1, 2, 1), (1,))


def test_c2_values_have_the_outputs_quantization():
    x = QTensor((1, 3), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        Select().lower([QTensor((1, 3), 1.0, 0), x, QTensor((1, 3), 0.2, 0)], x)


def test_masks_count_as_what_softmax_gives_nothing():
    """Rows of largest values 2 and 5: what is 1/512 of a quarter of the smaller's exponential is the least to hold."""
    scores = np.array([[[2.0, 1.0, 0.0, -1.0], [5.0, 0.0, 0.0, 0.0]]])
    keep = np.array([[[1, 1, 0, 0], [1, 1, 1, 0]]])
    (y,), (seen,) = Select().observe(keep, scores, np.full((1, 1, 1), -1e9))
    assert y.min() == -1e9
    np.testing.assert_allclose(seen.min(), 2 - np.log(512 * 4))
    np.testing.assert_array_equal(seen[keep == 1], scores[keep == 1])


def test_ordinary_values_count_as_they_are():
    (y,), (seen,) = Select().observe(np.array([[1, 0]]), np.array([[2.0, 1.0]]), np.full((1, 1), -50.0))
    np.testing.assert_array_equal(seen, y)
