"""Convolution against its kernel, TensorFlow Lite Micro and real numbers."""

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from kernels.packed_layers import refused
from oracle import assert_close_to_forward, assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError, MalformedModelError
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.window import same_padding
from mcuq.tensor import QConstant, QTensor

# input h, w, c; filters, kh, kw; stride; dilation; SAME; groups; activation; per channel
SHAPES = [
    ((5, 4, 3), (2, 3, 3), (1, 1), (1, 1), True, 1, "none", True),
    ((6, 6, 4), (5, 3, 3), (2, 2), (1, 1), True, 1, "relu", True),
    ((49, 10, 1), (8, 10, 4), (2, 2), (1, 1), True, 1, "relu", True),
    ((7, 5, 3), (3, 1, 1), (1, 1), (1, 1), False, 1, "relu6", False),
    ((1, 9, 2), (4, 1, 5), (1, 2), (1, 1), False, 1, "none", True),
    ((9, 9, 2), (3, 3, 3), (1, 1), (2, 3), True, 1, "none", True),
    ((6, 5, 6), (4, 3, 2), (1, 1), (1, 1), True, 2, "relu_n1_to_1", True),
    ((4, 4, 8), (8, 2, 2), (3, 3), (1, 1), True, 4, "none", False),
    ((2, 2, 1), (1, 7, 7), (1, 1), (1, 1), True, 1, "none", True),
]
ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}


def build(rng, shape, zero_point=-7, scale_out=0.6, bias=True):
    (h, w, c), (o, kh, kw), stride, dilation, same, groups, activation, per_channel = shape
    builder = ModelBuilder()
    scales = rng.uniform(0.002, 0.02, o if per_channel else 1).astype(np.float32)
    x = builder.tensor((1, h, w, c), scale=0.05, zero_point=zero_point)
    weights = rng.integers(-128, 128, (o, kh, kw, c // groups))
    k = builder.tensor(weights.shape, scale=scales, zero_point=0, data=weights)
    bias_scale = np.float32(0.05) * scales
    b = builder.tensor((o,), "int32", scale=bias_scale, data=rng.integers(-3000, 3000, o)) if bias else -1
    padding = same_padding((h, w), (kh, kw), stride, dilation) if same else (0, 0, 0, 0)
    op = Conv2d(stride, dilation, padding, groups, activation)
    y = builder.tensor(op.infer_shape((1, h, w, c), weights.shape), scale=scale_out, zero_point=3)
    builder.op(
        "CONV_2D",
        [x, k, b],
        [y],
        "Conv2DOptions",
        version=3,
        padding=0 if same else 1,
        strideH=stride[0],
        strideW=stride[1],
        dilationHFactor=dilation[0],
        dilationWFactor=dilation[1],
        fusedActivationFunction=ACTIVATIONS[activation],
    )
    return builder.finish([x], [y]), (1, h, w, c)


def params(rng, shape, **options):
    graph = read(build(rng, shape, **options)[0])
    (node,) = graph.nodes
    return node.op.lower([graph.tensor(n) for n in node.inputs], graph.values[node.outputs[0]])


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_n2_kernel_equals_run(rng, zero_point):
    """Every shape, extreme zero points, tight and wide output scales (saturating and not)."""
    cases = []
    for shape in SHAPES:
        for scale_out in (0.01, 0.6):
            p = params(rng, shape, zero_point=zero_point, scale_out=scale_out)
            cases.append(Case(p, [random_bytes(rng, 5, p.input_h * p.input_w * p.input_c)]))
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("shape", SHAPES)
def test_n5_equals_tflm(rng, shape):
    model, x_shape = build(rng, shape)
    assert_equals_tflm(model, samples(rng, 6, x_shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_close_to_forward(rng, shape):
    model, x_shape = build(rng, shape, bias=False)
    assert_close_to_forward(model, samples(rng, 4, x_shape))


def test_c1_groups_must_divide():
    with pytest.raises(ValueError, match="3 groups"):
        Conv2d(groups=3).infer_shape((1, 4, 4, 6), (4, 1, 1, 2))


def test_c2_accumulator_overflow_is_refused():
    """A bias near 2^31 plus any positive product leaves int32."""
    weights = QConstant(np.full((1, 1, 1, 1), 127, np.int8), np.array([0.1]))
    bias = QConstant(np.array([2**31 - 1], np.int32), np.array([0.1]))
    x = QTensor((1, 1, 1, 1), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="outside int32"):
        Conv2d().lower([x, weights, bias], x)


def test_c3_weight_zero_point_is_refused():
    weights = QConstant(np.full((1, 1, 1, 1), 127, np.int8), np.array([0.1]), zero_point=5)
    x = QTensor((1, 1, 1, 1), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="zero point"):
        Conv2d().lower([x, weights], x)


def test_c4_scales_along_another_dimension_are_refused():
    weights = QConstant(np.ones((2, 1, 1, 2), np.int8), np.array([0.1, 0.2]), axis=3)
    x = QTensor((1, 1, 1, 2), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="dimension 3"):
        Conv2d().lower([x, weights], x)


def test_shape_mismatch_names_the_node(rng):
    with pytest.raises(MalformedModelError, match="conv2d_0"):
        builder = ModelBuilder()
        x = builder.tensor((1, 4, 4, 2), scale=0.1)
        k = builder.tensor((3, 1, 1, 2), scale=[0.1], data=np.ones((3, 1, 1, 2)))
        y = builder.tensor((1, 4, 4, 5), scale=0.1)
        builder.op("CONV_2D", [x, k, -1], [y], "Conv2DOptions", strideH=1, strideW=1, padding=1)
        read(builder.finish([x], [y]))


def test_c5_values_outside_their_bits_are_refused():
    """Weights that the stored bits, or the codebook, do not have; refused whatever the chip."""
    for match, options in (("outside -8..7", {"bits": 4}), ("not in its codebook", {"codebook": [[0, 5]], "bits": 2})):
        refused(Conv2d(), (1, 1, 1, 2), match, **options)
