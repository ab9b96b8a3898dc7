"""Repeated tensors: their kernel, TensorFlow Lite Micro's BROADCAST_TO, numpy."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import assert_equals_tflm, read, samples
from single_op import assert_close, case_of, graph_of
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.tile import Tile, broadcast_repeats
from mcuq.tensor import QTensor

CASES = [
    (Tile((1, 2, 3)), (1, 4, 5)),
    (Tile((1, 1, 1, 4)), (1, 2, 3, 1)),
    (Tile((1, 3)), (1, 7)),
    (Tile((1, 2, 1, 2)), (1, 3, 2, 5)),
]


@pytest.mark.parametrize(("shape", "target"), [((1, 4), (3, 4)), ((1, 3, 1, 2), (1, 3, 5, 2)), ((1, 1), (2, 6))])
def test_n5_broadcast_equals_tflm(rng, shape, target):
    builder = ModelBuilder()
    x, y = (builder.tensor(s, scale=0.1, zero_point=5) for s in (shape, target))
    wanted = builder.tensor((len(target),), "int32", data=np.array(target))
    builder.op("BROADCAST_TO", [x, wanted], [y])
    model = builder.finish([x], [y])
    assert_equals_tflm(model, samples(rng, 3, shape))
    assert read(model).nodes[-1].op == Tile(broadcast_repeats(shape, target)[1])


@pytest.mark.parametrize(("op", "shape"), CASES)
def test_forward_is_numpys(rng, op, shape):
    x = rng.normal(size=(2, *shape))
    np.testing.assert_array_equal(op.forward(x), np.tile(x, (1, *op.repeats)))


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(graph_of(op, QTensor(shape, 0.1, 3)), rng) for op, shape in CASES])


def test_forward_moves_what_the_kernel_moves(rng):
    for op, shape in CASES:
        assert_close(graph_of(op, QTensor(shape, 0.1, 3)), samples(rng, 3, shape), steps=0)


def test_c2_the_quantization_is_the_inputs():
    op, shape = CASES[0]
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        op.lower([QTensor(shape, 0.1, 0)], QTensor(op.infer_shape(shape), 0.2, 0))


def test_c1_repeats_are_positive():
    with pytest.raises(ValueError, match="repeats"):
        Tile((1, 0)).infer_shape((1, 3))
    with pytest.raises(ValueError, match="at most 6"):
        Tile((2, 2, 2, 2)).infer_shape((3, 3, 3, 3))
