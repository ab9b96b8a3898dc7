"""Channels to pixels: its kernel, TensorFlow Lite Micro, numpy."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import assert_equals_tflm, read, samples
from single_op import assert_close, case_of, graph_of
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.depth_to_space import DepthToSpace
from mcuq.tensor import QTensor

CASES = [(DepthToSpace(2), (1, 3, 2, 12)), (DepthToSpace(3), (1, 2, 1, 9)), (DepthToSpace(1), (1, 2, 2, 5))]
CRD = [(DepthToSpace(2, "CRD"), (1, 3, 2, 12)), (DepthToSpace(3, "CRD"), (1, 2, 1, 18))]


@pytest.mark.parametrize(("op", "shape"), CASES)
def test_n5_equals_tflm(rng, op, shape):
    builder = ModelBuilder()
    x, y = (builder.tensor(s, scale=0.1, zero_point=5) for s in (shape, op.infer_shape(shape)))
    builder.op("DEPTH_TO_SPACE", [x], [y], "DepthToSpaceOptions", blockSize=op.block)
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
    with pytest.raises(ValueError, match="channels for blocks"):
        DepthToSpace(2).infer_shape((1, 3, 4, 1))


def test_mode_crd_is_pytorchs_pixel_shuffle(rng):
    """Written as PyTorch's documentation has it, of [C, H, W]."""
    x = rng.normal(size=(1, 3, 2, 12))
    y = np.moveaxis(x, -1, 1).reshape(1, 3, 2, 2, 3, 2).transpose(0, 1, 4, 2, 5, 3).reshape(1, 3, 6, 4)
    np.testing.assert_array_equal(DepthToSpace(2, "CRD").forward(x[np.newaxis])[0], np.moveaxis(y, 1, -1))
