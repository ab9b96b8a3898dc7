"""ELU and SELU: all 256 inputs against TensorFlow Lite Micro, the formula, and PyTorch."""

import math

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from requirements import require_module
from single_op import EVERY_BYTE, assert_close, assert_graph_equals_tflm, assert_table, case_of, graph_of
from tflite_builder import ModelBuilder

from mcuq.ops.elu import Elu
from mcuq.tensor import QTensor

SELU = Elu(1.6732632423543772, 1.0507009873554805)
QUANTIZATIONS = [
    ((0.05, -3), (0.03, -100)),
    ((0.1, 0), (0.1, 0)),
    ((0.25, 7), (0.0625, -128)),
    ((0.002, -128), (0.5, 127)),
    ((3.0, 127), (0.01, 5)),
]
OPS = [Elu(), Elu(0.3), SELU]


def single(op, quantization, shape=(1, 256)):
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    return graph_of(op, QTensor(shape, x_scale, x_zero), scale=y_scale, zero_point=y_zero)


def build(quantization):
    builder = ModelBuilder()
    x, y = (builder.tensor((1, 256), scale=s, zero_point=z) for s, z in quantization)
    builder.op("ELU", [x], [y])
    return builder.finish([x], [y])


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_n5_equals_tflm(quantization):
    assert_graph_equals_tflm(single(Elu(), quantization), build(quantization), EVERY_BYTE)


def test_n5_many_random_scales(rng):
    for _ in range(100):
        x_scale, y_scale = 10 ** rng.uniform(-4, 1, 2)
        quantization = (x_scale, rng.integers(-128, 128)), (y_scale, rng.integers(-128, 128))
        assert_graph_equals_tflm(single(Elu(), quantization), build(quantization), EVERY_BYTE)


@pytest.mark.parametrize("op", OPS, ids=str)
def test_table_is_the_formula(op):
    def formula(x):
        return op.gamma * (x if x >= 0 else op.alpha * (math.exp(x) - 1))

    assert_table(op, formula, [*QUANTIZATIONS[:2], QUANTIZATIONS[3]])


@pytest.mark.parametrize("op", OPS, ids=str)
def test_close_to_forward(op):
    for quantization in QUANTIZATIONS:
        assert_close(single(op, quantization), EVERY_BYTE, steps=1)


def test_forward_is_torchs():
    torch = require_module("torch")
    x = np.linspace(-30, 30, 601)
    np.testing.assert_allclose(Elu(0.3).forward(x), torch.nn.functional.elu(torch.tensor(x), 0.3), atol=1e-12)
    np.testing.assert_allclose(SELU.forward(x), torch.nn.functional.selu(torch.tensor(x)), atol=1e-7)


def test_n2_kernel_equals_run(rng):
    cases = [case_of(single(op, q, shape), rng) for op in OPS for q in QUANTIZATIONS for shape in ((1, 1), (1, 5, 7))]
    assert_kernels_equal_run(cases)
