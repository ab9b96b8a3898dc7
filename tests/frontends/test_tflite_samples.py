"""Dilated convolutions as the converter writes them for models whose batch is open: every shape says one sample."""

import numpy as np
import pytest
from oracle import read, run, samples
from tflite_builder import ModelBuilder, tflm

from mcuq.errors import UnsupportedOperatorError

H, W, IN, OUT, K = 9, 10, 4, 5, 3
X, Y = {"scale": 0.1, "zero_point": 11}, {"scale": 0.4, "zero_point": -7}
DILATION = 2
PADS, CROPS = [[2, 3], [2, 2]], [[0, 1], [0, 0]]  # so that blocks of 2 divide 9 + 2 + 3 and 10 + 2 + 2


class Layer:
    """Weights of one convolution, and models that compute it."""

    def __init__(self, rng, filters):
        self.weights = rng.integers(-127, 128, (OUT, *filters, IN)).astype(np.int8)
        self.bias = rng.integers(-999, 999, OUT)

    def begin(self):
        builder = ModelBuilder()
        weights = builder.tensor(self.weights.shape, scale=[0.01] * OUT, data=self.weights)
        return builder, [weights, builder.tensor((OUT,), "int32", scale=[0.001] * OUT, data=self.bias)]

    def dilated(self, shape):
        """The convolution as TensorFlow Lite Micro has it."""
        builder, constants = self.begin()
        x, y = builder.tensor(shape, **X), builder.tensor((*shape[:-1], OUT), **Y)
        add_convolution(builder, [x, *constants], y, dilation=(DILATION if shape[1] > 1 else 1, DILATION))
        return builder.finish([x], [y])


def add_convolution(builder, inputs, y, dilation=(1, 1), stride=1, padding=0):
    steps = {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1], "strideH": stride, "strideW": stride}
    builder.op("CONV_2D", inputs, [y], "Conv2DOptions", version=3, padding=padding, **steps)


def opened(builder):
    """Say that the batch of all activations is open."""
    for tensor in builder.graph.tensors:
        if not tensor.buffer:
            tensor.shapeSignature = [-1, *tensor.shape[1:]]


def integers(builder, values):
    return builder.tensor(np.shape(values), "int32", data=np.array(values))


def of_images(layer, stride=1):
    builder, constants = layer.begin()
    shapes = [(1, H, W, IN), (1, 7, 7, IN), (1, 5 // stride, 5 // stride, OUT), (1, H, W, OUT)]
    tensors = [builder.tensor(shape, **kind) for shape, kind in zip(shapes, (X, X, Y, Y), strict=True)]
    block = integers(builder, [DILATION] * 2)
    builder.op("SPACE_TO_BATCH_ND", [tensors[0], block, integers(builder, PADS)], [tensors[1]])
    add_convolution(builder, [tensors[1], *constants], tensors[2], stride=stride, padding=1)
    builder.op("BATCH_TO_SPACE_ND", [tensors[2], block, integers(builder, CROPS)], [tensors[3]])
    opened(builder)
    return builder.finish(tensors[:1], tensors[3:])


def of_rows(layer):
    builder, constants = layer.begin()
    shapes = [(1, W, IN), (1, 7, IN), (1, 1, 7, IN), (1, 1, 5, OUT), (1, 5, OUT), (1, W, OUT)]
    tensors = [builder.tensor(shape, **kind) for shape, kind in zip(shapes, (X, X, X, Y, Y, Y), strict=True)]
    block = integers(builder, [DILATION])
    builder.op("SPACE_TO_BATCH_ND", [tensors[0], block, integers(builder, [[2, 2]])], [tensors[1]])
    builder.op("EXPAND_DIMS", [tensors[1], integers(builder, 1)], [tensors[2]], "ExpandDimsOptions")
    add_convolution(builder, [tensors[2], *constants], tensors[3], padding=1)
    builder.op("RESHAPE", [tensors[3], integers(builder, [-1, 5, OUT])], [tensors[4]])
    builder.op("BATCH_TO_SPACE_ND", [tensors[4], block, integers(builder, [[0, 0]])], [tensors[5]])
    opened(builder)
    return builder.finish(tensors[:1], tensors[5:])


def test_images(rng):
    """Padded with what stands for 0, as LiteRT does: the bytes of the dilated convolution in TensorFlow Lite Micro."""
    layer, x = Layer(rng, (K, K)), samples(rng, 4, (1, H, W, IN))
    (node,) = read(of_images(layer)).nodes
    assert node.op.dilation == (DILATION, DILATION)
    np.testing.assert_array_equal(run(of_images(layer), x), tflm(layer.dilated((1, H, W, IN)), x))


def test_rows(rng):
    layer, x = Layer(rng, (1, K)), samples(rng, 4, (1, W, IN))
    assert [node.op.name for node in read(of_rows(layer)).nodes if node.op.name != "reshape"] == ["conv2d"]
    wanted = tflm(layer.dilated((1, 1, W, IN)), x.reshape(4, 1, 1, W, IN))
    np.testing.assert_array_equal(run(of_rows(layer), x), wanted.reshape(4, 1, W, OUT))


def test_strides_are_refused_by_name(rng):
    with pytest.raises(UnsupportedOperatorError, match="4 samples at once"):
        read(of_images(Layer(rng, (K, K)), stride=2))
