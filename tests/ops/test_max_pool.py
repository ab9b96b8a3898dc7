"""Max pooling against its kernel, TensorFlow Lite Micro and real numbers."""

import pytest
from harness import Case, assert_kernels_equal_run, random_bytes
from oracle import assert_close_to_forward, assert_equals_tflm, read, samples
from tflite_builder import ModelBuilder

from mcuq.errors import CannotQuantizeError
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.window import same_padding
from mcuq.tensor import QTensor

# input h, w, c; window; stride; SAME; activation
SHAPES = [
    ((4, 4, 3), (2, 2), (2, 2), False, "none"),
    ((5, 7, 5), (3, 3), (2, 2), True, "none"),
    ((6, 5, 17), (2, 3), (1, 2), True, "relu"),
    ((8, 8, 16), (8, 8), (8, 8), False, "none"),
    ((12, 3, 33), (12, 3), (1, 1), False, "relu6"),
    ((1, 9, 2), (1, 4), (1, 3), True, "relu_n1_to_1"),
    ((9, 1, 1), (7, 7), (1, 1), True, "none"),
    ((3, 3, 4), (1, 1), (1, 1), False, "relu"),
]
ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}


def build(shape, scale=0.05, zero_point=-7):
    (h, w, c), window, stride, same, activation = shape
    builder = ModelBuilder()
    x = builder.tensor((1, h, w, c), scale=scale, zero_point=zero_point)
    op = MaxPool(window, stride, same_padding((h, w), window, stride) if same else (0, 0, 0, 0))
    y = builder.tensor(op.infer_shape((1, h, w, c)), scale=scale, zero_point=zero_point)
    builder.op(
        "MAX_POOL_2D",
        [x],
        [y],
        "Pool2DOptions",
        version=2,
        padding=0 if same else 1,
        strideH=stride[0],
        strideW=stride[1],
        filterHeight=window[0],
        filterWidth=window[1],
        fusedActivationFunction=ACTIVATIONS[activation],
    )
    return builder.finish([x], [y]), (1, h, w, c)


@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_n2_kernel_equals_run(rng, zero_point):
    """Every shape, extreme zero points, activations that clamp and that do not."""
    cases = []
    for shape in SHAPES:
        for scale in (0.01, 0.1):
            graph = read(build(shape, scale, zero_point)[0])
            (node,) = graph.nodes
            x, y = graph.values[node.inputs[0]], graph.values[node.outputs[0]]
            cases.append(Case(node.op.lower([x], y), [random_bytes(rng, 5, x.elements)]))
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("zero_point", [-128, 0, 127])
def test_n5_equals_tflm(rng, shape, zero_point):
    model, x_shape = build(shape, zero_point=zero_point)
    assert_equals_tflm(model, samples(rng, 12, x_shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_close_to_forward(rng, shape):
    model, x_shape = build(shape)
    assert_close_to_forward(model, samples(rng, 4, x_shape), steps=0)


@pytest.mark.parametrize(("scale", "zero_point"), [(0.1, 0), (0.2, 1)])
def test_c1_quantization_must_not_change(scale, zero_point):
    x, y = QTensor((1, 2, 2, 1), 0.1, 1), QTensor((1, 1, 1, 1), scale, zero_point)
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        MaxPool((2, 2)).lower([x], y)


def test_c2_a_window_must_not_lie_in_the_padding():
    with pytest.raises(ValueError, match="whole window"):
        MaxPool((2, 2), padding=(0, 2, 0, 0)).infer_shape((1, 4, 4, 1))
