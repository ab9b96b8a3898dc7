"""Clip: its table against the formula, its kernel, and TensorFlow Lite Micro's MINIMUM of a MAXIMUM."""

import math

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from single_op import EVERY_BYTE, assert_close, assert_graph_equals_tflm, case_of, graph_of, run
from tflite_builder import ModelBuilder

from mcuq.ops.clip import Clip
from mcuq.ops.relu6 import Relu6
from mcuq.tensor import QTensor

QUANTIZATIONS = [
    ((0.05, -3), (0.03, -100)),
    ((0.1, 0), (0.1, 0)),
    ((0.25, 7), (0.0625, -128)),
    ((3.0, 127), (0.01, 5)),
]
OPS = [Clip(0, 6), Clip(-1, 1), Clip(-0.7), Clip(high=0.33), Clip(), Clip(2, 2), Clip(-1e30, -1)]


def single(op, quantization, shape=(1, 256)):
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    return graph_of(op, QTensor(shape, x_scale, x_zero), scale=y_scale, zero_point=y_zero)


@pytest.mark.parametrize("op", OPS, ids=str)
def test_table_is_the_formula(op):
    """Without a change of scale every integer between the limits' integers stays what it is."""
    x = QTensor((1, 256), 0.1, -20)
    low, high = (max(-128, min(127, round(limit / 0.1 + 1e-9) - 20)) for limit in (op.low, op.high))
    expected = [min(max(q, low), high) for q in range(-128, 128)]
    assert run(graph_of(op, x), EVERY_BYTE).ravel().tolist() == expected


@pytest.mark.parametrize("op", OPS, ids=str)
def test_close_to_forward(op):
    for quantization in QUANTIZATIONS:
        assert_close(single(op, quantization), EVERY_BYTE, steps=1)


@pytest.mark.parametrize("limits", [(-1.0, 1.0), (0.0, 6.0), (-0.7, 3.3)])
def test_equals_minimum_of_maximum_in_tflm(limits):
    """TensorFlow Lite Micro computes a clip as two layers."""
    builder, kind = ModelBuilder(), {"scale": 0.1, "zero_point": -20}
    x, between, y = (builder.tensor((1, 256), **kind) for _ in range(3))
    low, high = (builder.tensor((1,), data=[round(limit / 0.1) - 20], **kind) for limit in limits)
    builder.op("MAXIMUM", [x, low], [between], "MaximumMinimumOptions")
    builder.op("MINIMUM", [between, high], [y], "MaximumMinimumOptions")
    graph = graph_of(Clip(*limits), QTensor((1, 256), 0.1, -20))
    assert_graph_equals_tflm(graph, builder.finish([x], [y]), EVERY_BYTE)


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_from_0_to_6_it_is_relu6(quantization):
    np.testing.assert_array_equal(
        run(single(Clip(0, 6), quantization), EVERY_BYTE), run(single(Relu6(), quantization), EVERY_BYTE)
    )


def test_n2_kernel_equals_run(rng):
    cases = [case_of(single(op, q, shape), rng) for op in OPS for q in QUANTIZATIONS for shape in ((1, 1), (1, 5, 7))]
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("limits", [(1, 0), (math.nan, 0), (0, math.nan)])
def test_c1_limits_are_in_order(limits):
    with pytest.raises(ValueError, match="limits"):
        Clip(*limits)


def test_infinite_limits_are_none():
    assert Clip(-math.inf, math.inf) == Clip()
    assert math.isfinite(Clip().high)
