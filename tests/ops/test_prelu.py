"""Rectifier with a slope per channel against its kernel, TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import samples
from single_op import assert_close, assert_graph_equals_tflm, case_of, graph_of
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.prelu import PRelu
from mcuq.tensor import QConstant, QTensor

SHAPES = [((1, 3, 5, 7), (1, 1, 7)), ((1, 4, 1, 16), (16,)), ((1, 6), (1,)), ((1, 9, 1), (1, 1))]
QUANTIZATIONS = [
    ((0.05, -3), (0.002, -100), (0.03, -100)),
    ((0.1, 0), (0.01, 0), (0.1, 0)),
    ((0.25, 7), (0.25, 127), (0.125, -128)),
    ((0.01, 127), (0.03, -128), (0.5, 127)),
]


def slopes(rng, shape, quantization):
    scale, zero_point = quantization
    return QConstant(rng.integers(-128, 128, shape).astype(np.int8), np.float32([scale]).astype(float), zero_point)


def single(rng, shapes, quantization):
    (x_scale, x_zero), slope, (y_scale, y_zero) = quantization
    x = QTensor(shapes[0], x_scale, x_zero)
    return graph_of(PRelu(), x, slopes(rng, shapes[1], slope), scale=y_scale, zero_point=y_zero)


def build(graph):
    builder, slope = ModelBuilder(), graph.constants["c_0"]
    x, y = (builder.tensor(t.shape, scale=t.scale, zero_point=t.zero_point) for t in graph.values.values())
    alpha = builder.tensor(slope.shape, scale=slope.scale[0], zero_point=slope.zero_point, data=slope.values)
    builder.op("PRELU", [x, alpha], [y])
    return builder.finish([x], [y])


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_n5_equals_tflm(rng, shapes, quantization):
    graph = single(rng, shapes, quantization)
    assert_graph_equals_tflm(graph, build(graph), samples(rng, 12, shapes[0]))


def test_n5_many_random_scales(rng):
    for _ in range(60):
        quantization = [(10 ** rng.uniform(-4, 1), rng.integers(-128, 128)) for _ in range(3)]
        graph = single(rng, SHAPES[0], quantization)
        assert_graph_equals_tflm(graph, build(graph), samples(rng, 3, SHAPES[0][0]))


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_close_to_forward(rng, shapes, quantization):
    assert_close(single(rng, shapes, quantization), samples(rng, 5, shapes[0]), steps=1)


def test_n2_kernel_equals_run(rng):
    cases = [case_of(single(rng, shapes, q), rng) for shapes in SHAPES for q in QUANTIZATIONS]
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("slope", [(3,), (3, 1, 1), (6, 1), (2, 3)])
def test_c1_one_slope_per_channel(slope):
    with pytest.raises(ValueError, match="for 6 channels"):
        PRelu().infer_shape((1, 3, 6), slope)


def test_c2_slopes_have_one_scale():
    slope = QConstant(np.ones(2, np.int8), np.array([0.1, 0.2]))
    x = QTensor((1, 2), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="per tensor"):
        PRelu().lower([x, slope], x)
