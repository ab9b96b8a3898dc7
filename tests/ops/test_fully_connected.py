"""Fully connected layers against their kernel, TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from kernels.packed_layers import refused
from oracle import assert_close_to_forward, assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError, UnsupportedOperatorError
from mcuq.fixedpoint import quantize_multiplier, requantize
from mcuq.ops.fully_connected import FullyConnected
from mcuq.tensor import QConstant, QTensor

# input shape; outputs, row length; keep dimensions; activation; per channel
SHAPES = [
    ((1, 8), (1, 8), False, "none", False),
    ((1, 13), (2, 13), False, "relu", True),
    ((1, 7), (3, 7), False, "relu6", False),
    ((1, 1), (5, 1), False, "none", True),
    ((1, 33), (7, 33), False, "relu_n1_to_1", True),
    ((1, 640), (9, 640), False, "none", False),
    ((1, 3, 5, 2), (4, 30), False, "none", True),
    ((1, 6, 5), (9, 5), False, "none", True),
    ((1, 6, 5), (3, 5), True, "relu", False),
    ((1, 2, 3, 10), (2, 10), True, "none", True),
]
ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}


def build(rng, shape, zero_point=-7, scale_out=0.6, bias=True):
    x_shape, (o, i), keep_dims, activation, per_channel = shape
    builder = ModelBuilder()
    scales = rng.uniform(0.002, 0.02, o if per_channel else 1).astype(np.float32)
    x = builder.tensor(x_shape, scale=0.05, zero_point=zero_point)
    weights = rng.integers(-128, 128, (o, i))
    k = builder.tensor(weights.shape, scale=scales, zero_point=0, data=weights)
    bias_scale = np.float32(0.05) * scales
    b = builder.tensor((o,), "int32", scale=bias_scale, data=rng.integers(-3000, 3000, o)) if bias else -1
    y_shape = FullyConnected(keep_dims).infer_shape(x_shape, weights.shape)
    y = builder.tensor(y_shape, scale=scale_out, zero_point=3)
    code = ACTIVATIONS[activation]
    builder.op(
        "FULLY_CONNECTED",
        [x, k, b],
        [y],
        "FullyConnectedOptions",
        version=4,
        keepNumDims=keep_dims,
        fusedActivationFunction=code,
    )
    return builder.finish([x], [y])


def params(rng, shape, **options):
    graph = read(build(rng, shape, **options))
    (node,) = graph.nodes
    return node.op.lower([graph.tensor(n) for n in node.inputs], graph.values[node.outputs[0]])


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_n2_kernel_equals_run(rng, zero_point):
    """Every shape, extreme zero points, tight and wide output scales (saturating and not)."""
    cases = []
    for shape in SHAPES:
        for scale_out in (0.003, 0.6):
            p = params(rng, shape, zero_point=zero_point, scale_out=scale_out)
            cases.append(Case(p, [random_bytes(rng, 5, p.batch * p.input_c)]))
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bias", [True, False])
def test_n5_equals_tflm(rng, shape, bias):
    assert_equals_tflm(build(rng, shape, bias=bias), samples(rng, 6, shape[0]))


def build_biases(scale_x, scale_w, scale_out, biases):
    """One input, weights 0: every output is its requantized bias."""
    builder = ModelBuilder()
    channels = len(biases)
    x = builder.tensor((1, 1), scale=scale_x)
    k = builder.tensor((channels, 1), scale=scale_w, data=np.zeros(channels))
    b = builder.tensor((channels,), "int32", scale=scale_x * scale_w, data=biases)
    y = builder.tensor((1, channels), scale=scale_out)
    builder.op("FULLY_CONNECTED", [x, k, b], [y], "FullyConnectedOptions")
    return builder.finish([x], [y])


def test_n5_per_tensor_multiplier_is_a_double_product(rng):
    """Accumulators where the product in float32 and the product in double give different bytes."""
    told_apart = 0
    for _ in range(20):
        scale_x, scale_w = rng.uniform(1e-4, 1e-3, 2).astype(np.float32)
        scale_out = np.float32(rng.uniform(0.5, 1.0))
        exact = float(scale_x) * float(scale_w) / float(scale_out)
        ties = ((np.arange(1, 120) + 0.5) / exact).astype(np.int64)
        biases = (ties[:, np.newaxis] + np.arange(-8, 9)).ravel()
        rounded = quantize_multiplier(float(scale_x * scale_w) / float(scale_out))
        told_apart += np.sum(requantize(biases, *quantize_multiplier(exact)) != requantize(biases, *rounded))
        assert_equals_tflm(build_biases(scale_x, scale_w, scale_out, biases), np.zeros((1, 1, 1), np.int8))
    assert told_apart > 100


@pytest.mark.parametrize("shape", SHAPES)
def test_close_to_forward(rng, shape):
    assert_close_to_forward(build(rng, shape, bias=False), samples(rng, 4, shape[0]))


def test_macs_count_every_vector():
    assert FullyConnected(keep_dims=True).macs((1, 6, 5), (3, 5)) == 6 * 5 * 3


def test_c1_rows_must_fill_the_input():
    with pytest.raises(ValueError, match="vectors of 4"):
        FullyConnected().infer_shape((1, 6), (3, 4))


def test_c1_rows_are_the_last_dimension_where_dimensions_are_kept():
    with pytest.raises(ValueError, match="vectors of 3"):
        FullyConnected(keep_dims=True).infer_shape((1, 6), (2, 3))


def test_c2_accumulator_overflow_is_refused():
    """A bias near 2^31 plus any positive product leaves int32."""
    weights = QConstant(np.full((1, 1), 127, np.int8), np.array([0.1]))
    bias = QConstant(np.array([2**31 - 1], np.int32), np.array([0.1]))
    x = QTensor((1, 1), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="outside int32"):
        FullyConnected().lower([x, weights, bias], x)


def test_c3_weight_zero_point_is_refused():
    weights = QConstant(np.full((1, 1), 127, np.int8), np.array([0.1]), zero_point=5)
    x = QTensor((1, 1), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="zero point"):
        FullyConnected().lower([x, weights], x)


def test_c4_scales_along_another_dimension_are_refused():
    weights = QConstant(np.ones((2, 2), np.int8), np.array([0.1, 0.2]), axis=1)
    x = QTensor((1, 2), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="dimension 1"):
        FullyConnected().lower([x, weights], x)


def test_bias_of_another_length_is_refused():
    with pytest.raises(ValueError, match="bias has 2"):
        FullyConnected().infer_shape((1, 4), (3, 4), (2,))


def test_shuffled_weights_are_refused():
    builder = ModelBuilder()
    x, y = builder.tensor((1, 1), scale=0.1), builder.tensor((1, 1), scale=0.1)
    k = builder.tensor((1, 1), scale=0.1, data=[1])
    builder.op("FULLY_CONNECTED", [x, k], [y], "FullyConnectedOptions", weightsFormat=1)
    with pytest.raises(UnsupportedOperatorError, match="weights format 1"):
        read(builder.finish([x], [y]))


def test_c5_values_outside_their_bits_are_refused():
    """Weights that the stored bits, or the codebook, do not have; refused whatever the chip."""
    for match, options in (("outside -8..7", {"bits": 4}), ("not in its codebook", {"codebook": [[0, 5]], "bits": 2})):
        refused(FullyConnected(), (1, 2), match, **options)
