"""Pixels to channels: its kernel, TensorFlow Lite Micro, numpy."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import assert_equals_tflm, read, samples
from single_op import assert_close, case_of, graph_of
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.depth_to_space import DepthToSpace
from mcuq.ops.space_to_depth import SpaceToDepth
from mcuq.tensor import QTensor

CASES = [(SpaceToDepth(2), (1, 6, 4, 3)), (SpaceToDepth(3), (1, 6, 3, 1)), (SpaceToDepth(1), (1, 2, 2, 5))]
CRD = [(SpaceToDepth(2, "CRD"), (1, 6, 4, 3)), (SpaceToDepth(3, "CRD"), (1, 6, 3, 2))]


@pytest.mark.parametrize(("op", "shape"), CASES)
def test_n5_equals_tflm(rng, op, shape):
    builder = ModelBuilder()
    x, y = (builder.tensor(s, scale=0.1, zero_point=5) for s in (shape, op.infer_shape(shape)))
    builder.op("SPACE_TO_DEPTH", [x], [y], "SpaceToDepthOptions", blockSize=op.block)
    model = builder.finish([x], [y])
    assert_equals_tflm(model, samples(rng, 3, shape))
    assert read(model).nodes[0].op == op


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(graph_of(op, QTensor(shape, 0.1, 3)), rng) for op, shape in CASES + CRD])


def test_forward_moves_what_the_kernel_moves(rng):
    for op, shape in CASES + CRD:
        assert_close(graph_of(op, QTensor(shape, 0.1, 3)), samples(rng, 3, shape), steps=0)


def test_c2_the_quantization_is_the_inputs():
    op, shape = CASES[0]
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        op.lower([QTensor(shape, 0.1, 0)], QTensor(op.infer_shape(shape), 0.2, 0))


def test_c1_blocks_fit():
    with pytest.raises(ValueError, match="do not divide"):
        SpaceToDepth(2).infer_shape((1, 3, 4, 1))


def test_mode_crd_undoes_its_opposite(rng):
    x = rng.normal(size=(5, 1, 6, 4, 3))
    np.testing.assert_array_equal(DepthToSpace(2, "CRD").forward(SpaceToDepth(2, "CRD").forward(x)), x)
