"""Softmax against its kernel, TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import assert_close_to_forward, assert_equals_tflm, read, run, samples
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.softmax import Softmax
from mcuq.tensor import QTensor

SHAPES = [(1, 1), (1, 2), (1, 10), (1, 12), (1, 3, 2, 5), (1, 4, 4, 3), (1, 257), (1, 1000)]
# scale, beta: from almost flat to one hot; the last ones saturate the multiplier
SCALES = [(1.6e-8, 1.0), (0.0005, 1.0), (0.02, 1.0), (0.1, 0.7), (0.1, 1.0), (0.25, 2.5)]
SCALES += [(1.0, 1.0), (7.9, 1.0), (8.0, 1.0), (15.99, 1.0), (16.0, 1.0), (31.9, 1.0), (32.0, 1.0), (1e12, 1.0)]
OUTPUT = QTensor((1, 4), 1 / 256, -128)


def build(shape, scale, beta=1.0, zero_point=3):
    builder = ModelBuilder()
    x = builder.tensor(shape, scale=scale, zero_point=zero_point)
    y = builder.tensor(shape, scale=1 / 256, zero_point=-128)
    builder.op("SOFTMAX", [x], [y], "SoftmaxOptions", beta=beta)
    builder.tensor((1000,), data=np.zeros(1000))  # room: TensorFlow Lite Micro's arena is ten times the model
    return builder.finish([x], [y])


def params(model):
    graph = read(model)
    (node,) = graph.nodes
    return node.op.lower([graph.tensor(n) for n in node.inputs], graph.values[node.outputs[0]])


def rows(rng, shape, count=200):
    """Random samples; the last quarter differs from its first value by a few steps only."""
    x = rng.integers(-128, 128, (count, *shape))
    near = count // 4
    x[-near:] = np.clip(x[-near:, ..., :1] + rng.integers(-6, 7, (near, *shape)), -128, 127)
    return x.astype(np.int8)


def sums_to_less_than_512(x, step):
    """Keep the samples on which TensorFlow Lite Micro does not abort."""
    real = np.exp(step * (x - x.max(axis=-1, keepdims=True).astype(np.float64)))
    return x[(real.sum(axis=-1) < 511).reshape(len(x), -1).all(axis=1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("scale", "beta"), SCALES)
def test_n5_equals_tflm(rng, shape, scale, beta):
    x = rows(rng, shape)
    if shape[-1] < 511:
        x[0], x[1] = -128, 127
    x = sums_to_less_than_512(x, scale * beta)
    if len(x):
        assert_equals_tflm(build(shape, scale, beta), x)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 10, 12, 256, 511])
def test_n5_equal_rows(depth):
    """Sums that are exact powers of two, and all others: 1/depth."""
    assert_equals_tflm(build((1, depth), 0.1), np.full((3, 1, depth), [[[-128]], [[0]], [[127]]], np.int8))


def test_n5_every_pair_of_bytes():
    a, b = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128))
    pairs = np.stack([a, b], axis=-1).astype(np.int8).reshape(-1, 1, 64, 2)
    for scale in (0.01, 0.0866, 0.5):
        assert_equals_tflm(build((1, 64, 2), scale), pairs)


def test_sum_of_512_and_more_gives_zeros():
    """TensorFlow Lite Micro aborts here; the reciprocal of 512 is just under 1/512, so even that rounds down."""
    for depth, expected in ((511, -127), (512, -128), (513, -128), (1000, -128), (4095, -128)):
        y = run(build((1, depth), 0.1), np.zeros((1, 1, depth), np.int8))

        assert np.unique(y).tolist() == [expected], depth


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("scale", "beta"), SCALES)
def test_close_to_forward(rng, shape, scale, beta):
    assert_close_to_forward(build(shape, scale, beta), samples(rng, 20, shape), steps=1)


def test_n2_kernel_equals_run(rng):
    cases = []
    for shape in SHAPES:
        for scale, beta in SCALES:
            p = params(build(shape, scale, beta))
            near = rows(rng, shape, 8).reshape(8, -1)
            cases.append(Case(p, [np.concatenate([random_bytes(rng, 4, near.shape[1]), near])]))
    longest = params(build((1, 4095), 0.1))
    cases.append(Case(longest, [random_bytes(rng, 4, 4095)]))
    assert_kernels_equal_run(cases)


def test_c1_output_quantization_is_fixed():
    with pytest.raises(CannotQuantizeError, match="1/256"):
        Softmax().lower([QTensor((1, 4), 0.1, 0)], QTensor((1, 4), 0.1, 0))


def test_c2_beta_times_scale_exceeds_2_to_the_minus_26():
    Softmax(beta=2.0).lower([QTensor((1, 4), 2.0**-26, 0)], OUTPUT)
    for beta in (1.0, 0.0, -1.0):
        with pytest.raises(CannotQuantizeError, match="2\\^-26"):
            Softmax(beta).lower([QTensor((1, 4), 2.0**-26, 0)], OUTPUT)


def test_c3_a_row_has_at_most_4095_values():
    with pytest.raises(CannotQuantizeError, match="4095"):
        Softmax().lower([QTensor((1, 4096), 0.1, 0)], QTensor((1, 4096), 1 / 256, -128))
