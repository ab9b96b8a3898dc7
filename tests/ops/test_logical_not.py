"""Negation: TensorFlow Lite Micro, its kernel."""

import numpy as np
from harness import assert_kernels_equal_run
from oracle import run
from single_op import case_of, graph_of
from tflite_builder import ModelBuilder, tflm

from mcuq.ops.logical_not import LogicalNot
from mcuq.tensor import QTensor


def test_n5_equals_tflm():
    builder = ModelBuilder()
    x, y = builder.tensor((1, 2), "bool"), builder.tensor((1, 2), "bool")
    builder.op("LOGICAL_NOT", [x], [y])
    model, truths = builder.finish([x], [y]), np.array([[[True, False]], [[False, False]]])
    np.testing.assert_array_equal(run(model, truths.view(np.int8)), tflm(model, truths))


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run([case_of(graph_of(LogicalNot(), QTensor((1, 5), 0.1, 3), scale=1.0, zero_point=0), rng)])
