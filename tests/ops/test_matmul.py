"""Products of two activations against their kernel, TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import assert_close_to_forward, assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.matmul import Matmul
from mcuq.tensor import QTensor

SHAPES = [  # of a and b, before they are transposed
    ((1, 2, 6, 8), (1, 2, 8, 5)),
    ((1, 1, 3), (1, 3, 7)),
    ((1, 3, 4, 5), (1, 1, 5, 2)),
    ((1, 1, 4, 5), (1, 3, 5, 2)),
]
QUANTIZATIONS = [
    ((0.1, -128), (0.03, 127), (0.2, 0)),
    ((0.02, 3), (0.05, -7), (0.1, 5)),
    ((0.5, 0), (0.5, 0), (9.0, -20)),
]


def swapped(shape):
    return (*shape[:-2], shape[-1], shape[-2])


def build(shapes, quantization, transposes=(False, False)):
    builder = ModelBuilder()
    given = [swapped(shape) if transpose else shape for shape, transpose in zip(shapes, transposes, strict=True)]
    output = (*np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2]), shapes[0][-2], shapes[1][-1])
    a, b, y = (
        builder.tensor(s, scale=q[0], zero_point=q[1]) for s, q in zip((*given, output), quantization, strict=True)
    )
    builder.op("BATCH_MATMUL", [a, b], [y], "BatchMatMulOptions", adjX=transposes[0], adjY=transposes[1])
    return builder.finish([a, b], [y]), given


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("transposes", [(False, False), (False, True), (True, False), (True, True)])
def test_n5_equals_tflm(rng, shapes, transposes):
    for quantization in QUANTIZATIONS:
        model, given = build(shapes, quantization, transposes)
        assert_equals_tflm(model, samples(rng, 4, given[0]), samples(rng, 4, given[1])[::-1])
        assert read(model).nodes[0].op == Matmul(*transposes)


@pytest.mark.parametrize("activation", [0, 1, 3])
def test_n5_fully_connected_with_computed_weights(rng, activation):
    builder = ModelBuilder()
    shapes = ((1, 7), 5), ((1, 28), -9), ((4, 7), -9), ((1, 4), -20)
    x, flat, weights, y = (builder.tensor(shape, scale=0.05, zero_point=zero) for shape, zero in shapes)
    builder.op("RESHAPE", [flat, builder.tensor((2,), "int32", data=np.array([4, 7]))], [weights])
    builder.op("FULLY_CONNECTED", [x, weights, -1], [y], "FullyConnectedOptions", fusedActivationFunction=activation)
    model = builder.finish([x, flat], [y])
    assert_equals_tflm(model, samples(rng, 4, (1, 7)), samples(rng, 4, (1, 28))[::-1])


def test_close_to_forward(rng):
    model, given = build(SHAPES[0], QUANTIZATIONS[1])
    assert_close_to_forward(model, *(samples(rng, 4, shape) for shape in given), steps=1)


def test_n2_kernel_equals_run(rng):
    cases = []
    for shapes in SHAPES:
        for transposes in ((False, False), (True, True)):
            model, given = build(shapes, QUANTIZATIONS[1], transposes)
            graph = read(model)
            p = graph.nodes[0].op.lower([graph.values[n] for n in graph.inputs], graph.values[graph.outputs[0]])
            cases.append(Case(p, [random_bytes(rng, 5, int(np.prod(shape))) for shape in given]))
    assert_kernels_equal_run(cases)


def test_c1_the_sizes_fit():
    with pytest.raises(ValueError, match="matrices of 3 columns and of 4 rows"):
        Matmul().infer_shape((1, 2, 3), (1, 4, 2))


def test_c2_the_sum_stays_within_int32():
    with pytest.raises(CannotQuantizeError, match="can leave int32"):
        Matmul().lower([QTensor((1, 40_000), 0.1, 0), QTensor((40_000, 1), 0.1, 0)], QTensor((1, 1), 0.1, 0))


def test_a_factor_of_the_product(rng):
    """It becomes part of the one multiplier: half of the products is the products of half the scale."""
    a, b, y = QTensor((1, 3, 4), 0.1, 3), QTensor((1, 4, 5), 0.2, -5), QTensor((1, 3, 5), 0.3, 7)
    half = QTensor(a.shape, a.scale / 2, a.zero_point)
    halved, plain = Matmul(factor=0.5).lower([a, b], y), Matmul().lower([half, b], y)
    assert (halved.output_multiplier, halved.output_shift) == (plain.output_multiplier, plain.output_shift)
    x = rng.normal(size=(1, 3, 4)), rng.normal(size=(1, 4, 5))
    np.testing.assert_allclose(Matmul(factor=0.5).forward(*x), 0.5 * x[0] @ x[1])


@pytest.mark.parametrize("factor", [0.0, -1.0, float("inf"), float("nan")])
def test_c3_the_factor_is_positive(factor):
    with pytest.raises(ValueError, match="a product of matrices times"):
        Matmul(factor=factor).infer_shape((1, 2, 3), (1, 3, 2))
