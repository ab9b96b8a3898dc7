"""Transposed convolution against its kernel, TensorFlow Lite Micro, real numbers and PyTorch."""

import numpy as np
import pytest
from harness import assert_kernels_equal_run
from oracle import samples
from requirements import require_module
from single_op import assert_close, assert_graph_equals_tflm, case_of, graph_of
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.window import same_padding
from mcuq.tensor import QConstant, QTensor

# input h, w, c; output channels, filter rows and columns; stride; SAME; activation; per channel
SHAPES = [
    ((4, 5, 3), (2, 2, 2), (2, 2), False, "none", True),
    ((4, 5, 3), (4, 3, 3), (2, 2), True, "none", True),
    ((3, 3, 8), (5, 3, 3), (1, 1), True, "none", False),
    ((2, 3, 1), (7, 5, 4), (3, 2), False, "none", True),
    ((3, 2, 5), (1, 1, 1), (2, 3), True, "none", True),
    ((1, 1, 9), (3, 4, 4), (2, 2), False, "none", True),
    ((2, 2, 2), (2, 7, 7), (1, 2), False, "relu", False),
    ((5, 1, 4), (3, 4, 1), (2, 1), True, "relu6", True),
    ((3, 3, 2), (2, 2, 2), (2, 2), False, "relu_n1_to_1", True),
]
ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}
# beside TFLite's two paddings: any, with rows that no pixel reaches
PADDINGS = [
    ((4, 5, 3), (2, 3, 3), (2, 2), (1, 1, 1, 1), (1, 1)),
    ((4, 5, 3), (2, 4, 4), (2, 2), (1, 1, 1, 1), (0, 0)),
    ((3, 4, 2), (3, 3, 5), (3, 2), (2, 0, 0, 3), (2, 1)),
    ((3, 3, 2), (3, 1, 2), (4, 3), (0, 0, 0, 1), (3, 0)),
    ((6, 2, 1), (1, 5, 3), (1, 1), (4, 4, 2, 0), (0, 0)),
]


def weights_of(rng, size, inputs, per_channel):
    scale = rng.uniform(0.002, 0.02, size[0] if per_channel else 1).astype(np.float32).astype(float)
    return QConstant(rng.integers(-128, 128, (*size, inputs)).astype(np.int8), scale)


def layer(rng, op, shape, size, per_channel=True, zero_point=-7, scale_out=0.6, bias=True):
    x, weights = QTensor((1, *shape), float(np.float32(0.05)), zero_point), weights_of(rng, size, shape[2], per_channel)
    values = rng.integers(-3000, 3000, size[0]).astype(np.int32)
    constants = [weights, QConstant(values, x.scale * weights.scale)] if bias else [weights]
    return graph_of(op, x, *constants, scale=scale_out, zero_point=3)


def single(rng, case, **options):
    (h, w, c), size, stride, same, activation, per_channel = case
    output = (h * stride[0], w * stride[1])
    padding = same_padding(output, size[1:], stride) if same else (0, 0, 0, 0)
    extra = tuple(
        o - ((n - 1) * s + k - p) if same else 0
        for o, n, s, k, p in zip(output, (h, w), stride, size[1:], (sum(padding[:2]), sum(padding[2:])), strict=True)
    )
    return layer(rng, ConvTranspose2d(stride, padding, extra, activation), (h, w, c), size, per_channel, **options)


def custom(rng, case, **options):
    shape, size, stride, padding, extra = case
    return layer(rng, ConvTranspose2d(stride, padding, extra), shape, size, **options)


def build(graph, case):
    """The same layer for TensorFlow Lite Micro."""
    builder, same, (node,) = ModelBuilder(), case[3], graph.nodes
    tensors = [graph.values["x"], graph.values["y"]]
    x, y = (builder.tensor(t.shape, scale=t.scale, zero_point=t.zero_point) for t in tensors)
    weights, bias = (graph.constants[name] for name in node.inputs[1:])
    k = builder.tensor(weights.shape, scale=weights.scale, data=weights.values, axis=0)
    b = builder.tensor(bias.shape, "int32", scale=bias.scale, data=bias.values)
    size = builder.tensor((4,), "int32", data=graph.values["y"].shape)
    options = {"padding": 0 if same else 1, "fusedActivationFunction": ACTIVATIONS[node.op.activation]}
    options |= {"strideH": node.op.stride[0], "strideW": node.op.stride[1]}
    builder.op("TRANSPOSE_CONV", [size, k, x, b], [y], "TransposeConvOptions", 4, **options)
    return builder.finish([x], [y])


@pytest.mark.parametrize("case", SHAPES)
@pytest.mark.parametrize("scale_out", [0.05, 0.6])
def test_n5_equals_tflm(rng, case, scale_out):
    graph = single(rng, case, scale_out=scale_out)
    assert_graph_equals_tflm(graph, build(graph, case), samples(rng, 6, (1, *case[0])))


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_n2_kernel_equals_run(rng, zero_point):
    cases = []
    for scale_out in (0.003, 0.6):
        cases += [case_of(single(rng, c, zero_point=zero_point, scale_out=scale_out), rng) for c in SHAPES]
        cases += [case_of(custom(rng, c, zero_point=zero_point, scale_out=scale_out), rng) for c in PADDINGS]
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("bias", [True, False])
def test_close_to_forward(rng, bias):
    for case in SHAPES:
        assert_close(single(rng, case, bias=bias), samples(rng, 4, (1, *case[0])), steps=1)
    for case in PADDINGS:
        assert_close(custom(rng, case, bias=bias), samples(rng, 4, (1, *case[0])), steps=1)


@pytest.mark.parametrize("case", PADDINGS)
def test_forward_is_torchs(rng, case):
    """PyTorch pads rows and columns alike on both sides: compare with more output, cropped."""
    torch = require_module("torch")
    shape, size, stride, (top, bottom, left, right), extra = case
    x, weights = rng.normal(size=(2, 1, *shape)), rng.normal(size=(*size, shape[2]))
    whole = torch.nn.functional.conv_transpose2d(
        torch.tensor(x[:, 0].transpose(0, 3, 1, 2)), torch.tensor(weights.transpose(3, 0, 1, 2)), stride=stride
    ).numpy()
    whole = np.pad(whole, ((0, 0), (0, 0), (0, extra[0]), (0, extra[1])))
    wanted = whole[:, :, top : whole.shape[2] - bottom, left : whole.shape[3] - right].transpose(0, 2, 3, 1)
    op = ConvTranspose2d(stride, (top, bottom, left, right), extra)
    assert op.infer_shape((1, *shape), weights.shape) == (1, *wanted.shape[1:])
    np.testing.assert_allclose(op.forward(x, weights)[:, 0], wanted, atol=1e-12)


def test_macs_count_every_tap():
    assert ConvTranspose2d((2, 2)).macs((1, 5, 4, 3), (6, 2, 2, 3)) == 5 * 4 * 3 * 6 * 2 * 2


@pytest.mark.parametrize("weights", [(2, 3, 3, 5), (2, 3, 3, 2)])
def test_c1_filters_have_the_inputs_channels(weights):
    with pytest.raises(ValueError, match="3 input channels"):
        ConvTranspose2d().infer_shape((1, 4, 4, 3), weights)


def test_c2_accumulator_overflow_is_refused():
    weights = QConstant(np.full((1, 1, 1, 1), 127, np.int8), np.array([0.1]))
    bias = QConstant(np.array([2**31 - 1], np.int32), np.array([0.1]))
    x = QTensor((1, 1, 1, 1), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="outside int32"):
        ConvTranspose2d().lower([x, weights, bias], x)


def test_c3_weight_zero_point_is_refused():
    weights = QConstant(np.full((1, 1, 1, 1), 127, np.int8), np.array([0.1]), zero_point=5)
    x = QTensor((1, 1, 1, 1), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="zero point"):
        ConvTranspose2d().lower([x, weights], x)


def test_c4_scales_along_another_dimension_are_refused():
    weights = QConstant(np.ones((2, 2, 2, 2), np.int8), np.array([0.1, 0.2]), axis=3)
    x = QTensor((1, 2, 2, 2), 0.1, 0)
    with pytest.raises(CannotQuantizeError, match="dimension 3"):
        ConvTranspose2d().lower([x, weights], QTensor((1, 3, 3, 2), 0.1, 0))


@pytest.mark.parametrize(
    "op",
    [
        ConvTranspose2d((2, 2), output_padding=(2, 0)),
        ConvTranspose2d((2, 2), output_padding=(0, -1)),
        ConvTranspose2d((2, 2), (-1, 0, 0, 0)),
        ConvTranspose2d((1, 1), (3, 3, 0, 0)),
    ],
    ids=str,
)
def test_c5_paddings_leave_an_output(op):
    with pytest.raises(ValueError, match="padding"):
        op.infer_shape((1, 3, 3, 1), (1, 2, 2, 1))


def test_bias_of_another_length_is_refused():
    with pytest.raises(ValueError, match="bias has 2"):
        ConvTranspose2d().infer_shape((1, 4, 4, 3), (5, 1, 1, 3), (2,))
