"""Samples to pixels: its kernel, TensorFlow Lite Micro, numpy."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import assert_equals_tflm, read, samples
from single_op import assert_close, case_of, graph_of
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.batch_to_space import BatchToSpace
from mcuq.tensor import QTensor

CASES = [
    (BatchToSpace((2, 2)), (4, 3, 2, 3)),
    (BatchToSpace((3, 1)), (6, 2, 5, 1)),
    (BatchToSpace((2, 4)), (8, 1, 2, 5)),
]
TFLITE = [  # input, output, blocks, crops
    ((4, 3, 2, 3), (1, 6, 4, 3), (2, 2), [[0, 0], [0, 0]]),
    ((4, 3, 3, 3), (1, 5, 4, 3), (2, 2), [[1, 0], [0, 2]]),
    ((6, 2, 5, 1), (2, 3, 5, 1), (3, 1), [[2, 1], [0, 0]]),
]


def build(shape, output, block, pads):
    """Return the operator between reshapes, for a model's border has a batch of 1."""
    builder = ModelBuilder()
    flat = [int(np.prod(s)) for s in (shape, output)]
    a, x, y, b = (builder.tensor(s, scale=0.1, zero_point=5) for s in ((1, flat[0]), shape, output, (1, flat[1])))
    shapes = [builder.tensor((len(s),), "int32", data=np.array(s)) for s in (shape, (1, flat[1]))]
    blocks = builder.tensor((2,), "int32", data=np.array(block))
    beside = builder.tensor((2, 2), "int32", data=np.array(pads))
    builder.op("RESHAPE", [a, shapes[0]], [x])
    builder.op("BATCH_TO_SPACE_ND", [x, blocks, beside], [y])
    builder.op("RESHAPE", [y, shapes[1]], [b])
    return builder.finish([a], [b])


@pytest.mark.parametrize(("shape", "output", "block", "pads"), TFLITE)
def test_n5_equals_tflm(rng, shape, output, block, pads):
    model = build(shape, output, block, pads)
    assert_equals_tflm(model, samples(rng, 3, (1, int(np.prod(shape)))))
    assert BatchToSpace(block) in [node.op for node in read(model).nodes]


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(graph_of(op, QTensor(shape, 0.1, 3)), rng) for op, shape in CASES])


def test_forward_moves_what_the_kernel_moves(rng):
    for op, shape in CASES:
        assert_close(graph_of(op, QTensor(shape, 0.1, 3)), samples(rng, 3, shape), steps=0)


def test_c2_the_quantization_is_the_inputs():
    op, shape = CASES[0]
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        op.lower([QTensor(shape, 0.1, 0)], QTensor(op.infer_shape(shape), 0.2, 0))


def test_c1_blocks_fit():
    with pytest.raises(ValueError, match="samples for blocks"):
        BatchToSpace((2, 2)).infer_shape((1, 3, 4, 1))
