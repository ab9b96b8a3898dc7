"""Small TFLite models that together hold most operators."""

import numpy as np
from tflite_builder import ModelBuilder


class Chain(ModelBuilder):
    """Operators one after the other, each on the output of the one before."""

    def __init__(self, shape, scale=0.05, zero_point=3):
        super().__init__()
        self.rng = np.random.default_rng(0)
        self.first = self.last = self.tensor(shape, scale=scale, zero_point=zero_point)
        self.scale, self.zero_point = scale, zero_point

    def weights(self, *shape, axis=0):
        scale = self.rng.uniform(0.01, 0.02, shape[axis])
        bias = self.tensor((shape[axis],), "int32", scale=scale, data=self.rng.integers(-500, 500, shape[axis]))
        return [self.tensor(shape, scale=scale, axis=axis, data=self.rng.integers(-127, 128, shape)), bias]

    def integers(self, *values):
        return self.tensor(np.shape(values), "int32", data=values)

    def then(self, code, shape, *operands, options=None, scale=None, zero_point=None, dtype="int8", **fields):
        scale, zero_point = scale or self.scale, self.zero_point if zero_point is None else zero_point
        y = self.tensor(shape, dtype, scale=scale, zero_point=zero_point)
        self.op(code, [self.last, *operands], [y], options, **fields)
        self.last = y
        return self


def image_model():
    """Layers on images, uint8 at the border."""
    c = Chain((1, 9, 8, 2))
    c.graph.tensors[c.first].type, c.graph.tensors[c.first].quantization.zeroPoint = 3, [131]
    c.then("QUANTIZE", (1, 9, 8, 2))
    c.then("PAD", (1, 11, 8, 2), c.integers((0, 0), (1, 1), (0, 0), (0, 0)), options="PadOptions")
    strides = {"strideH": 2, "strideW": 2}
    c.then("CONV_2D", (1, 6, 4, 4), *c.weights(4, 3, 3, 2), options="Conv2DOptions", **strides)
    kernel = c.weights(1, 3, 2, 8, axis=3)
    fields = {"strideH": 1, "strideW": 1, "depthMultiplier": 2, "padding": 1}
    c.then("DEPTHWISE_CONV_2D", (1, 4, 3, 8), *kernel, options="DepthwiseConv2DOptions", **fields)
    window = {"filterHeight": 2, "filterWidth": 2, "strideH": 1, "strideW": 1}
    c.then("MAX_POOL_2D", (1, 4, 3, 8), options="Pool2DOptions", **window)
    c.then("AVERAGE_POOL_2D", (1, 3, 2, 8), options="Pool2DOptions", padding=1, **window)
    c.then("HARD_SWISH", (1, 3, 2, 8))
    c.then("MEAN", (1, 8), c.integers(1, 2), options="ReducerOptions")
    return c.finish([c.first], [c.then("QUANTIZE", (1, 8), zero_point=131, dtype="uint8").last])


def vector_model():
    """Layers on vectors, with a computed shape, a second input and a second output."""
    c = Chain((1, 2, 6))
    branch = c.then("LEAKY_RELU", (1, 2, 6), options="LeakyReluOptions", alpha=0.3).last
    c.then("MUL", (1, 2, 6), c.tensor((6,), scale=0.1, data=range(6)), options="MulOptions")
    c.then("CONCATENATION", (1, 2, 12), branch, options="ConcatenationOptions", axis=2)
    shape, rows = c.tensor((3,), "int32"), c.tensor((), "int32")
    target = c.tensor((2,), "int32")
    c.op("SHAPE", [c.last], [shape], "ShapeOptions")
    one = c.integers(1)
    c.op("STRIDED_SLICE", [shape, c.integers(0), one, one], [rows], "StridedSliceOptions", shrinkAxisMask=1)
    c.op("PACK", [rows, c.tensor((), "int32", data=24)], [target], "PackOptions", valuesCount=2)
    c.then("RESHAPE", (1, 24), target, options="ReshapeOptions")
    c.then("FULLY_CONNECTED", (1, 5), *c.weights(5, 24), options="FullyConnectedOptions")
    second = c.tensor((1, 5), scale=0.05, zero_point=3)
    c.then("SUB", (1, 5), second, options="SubOptions").then("ADD", (1, 5), second, options="AddOptions")
    c.then("RELU", (1, 5)).then("RELU6", (1, 5))
    squashed = c.then("TANH", (1, 5), scale=1 / 128, zero_point=0).last
    c.then("LOGISTIC", (1, 5), scale=1 / 256, zero_point=-128)
    c.then("SOFTMAX", (1, 5), options="SoftmaxOptions", scale=1 / 256, zero_point=-128, beta=1.0)
    return c.finish([c.first, second], [c.last, squashed])


def moving_model():
    """Layers that move or resize."""
    c = Chain((1, 8, 6, 4))
    c.then("TRANSPOSE", (1, 6, 8, 4), c.integers(0, 2, 1, 3), options="TransposeOptions")
    c.then("SLICE", (1, 4, 8, 4), c.integers(0, 1, 0, 0), c.integers(1, 4, -1, 4), options="SliceOptions")
    parts = [c.integers(0, 7, 0, 0), c.integers(1, 1, 8, 4), c.integers(1, -1, 2, 1)]
    c.then("STRIDED_SLICE", (1, 4, 4, 4), *parts, options="StridedSliceOptions", beginMask=2, endMask=2)
    halves = [c.tensor((1, 4, 4, 2), scale=0.05, zero_point=3) for _ in range(2)]
    c.op("SPLIT", [c.tensor((), "int32", data=3), c.last], halves, "SplitOptions", numSplits=2)
    c.last = halves[1]
    nearest = "ResizeNearestNeighborOptions"
    c.then("RESIZE_NEAREST_NEIGHBOR", (1, 7, 5, 2), c.integers(7, 5), options=nearest, halfPixelCenters=True)
    c.then("RESIZE_BILINEAR", (1, 4, 6, 2), c.integers(4, 6), options="ResizeBilinearOptions")
    c.then("PRELU", (1, 4, 6, 2), c.tensor((1, 1, 2), scale=0.01, data=[9, -5]))
    c.then("MINIMUM", (1, 4, 6, 2), c.tensor((), scale=0.05, zero_point=3, data=90), options="MaximumMinimumOptions")
    weights, bias = c.weights(3, 3, 2, 2)
    shape, x = c.integers(1, 8, 12, 3), c.last
    c.then("RELU", (1, 8, 12, 3))
    c.graph.operators.pop()
    strides = {"strideH": 2, "strideW": 2}
    c.op("TRANSPOSE_CONV", [shape, weights, x, bias], [c.last], "TransposeConvOptions", version=3, **strides)
    c.then("REDUCE_MAX", (1, 3), c.integers(1, 2), options="ReducerOptions")
    return c.finish([c.first], [c.last, halves[0]])


def float_model():
    """Float layers with float16, int8 and float32 weights, and an int8 one between."""
    c = Chain((1, 6, 6, 2))
    c.graph.tensors[c.first].type = 0
    real = {"dtype": "float32"}
    half, weights = c.tensor((3, 1, 1, 2), "float16", data=c.rng.normal(size=6)), c.tensor((3, 1, 1, 2), "float32")
    c.op("DEQUANTIZE", [half], [weights])
    c.then("CONV_2D", (1, 6, 6, 3), weights, options="Conv2DOptions", strideH=1, strideW=1, **real)
    hybrid, _ = c.weights(1, 3, 3, 3, axis=3)
    fields = {"strideH": 1, "strideW": 1, "depthMultiplier": 1, "padding": 1}
    c.then("DEPTHWISE_CONV_2D", (1, 4, 4, 3), hybrid, options="DepthwiseConv2DOptions", **fields, **real)
    c.then("QUANTIZE", (1, 4, 4, 3)).then("RELU", (1, 4, 4, 3)).then("DEQUANTIZE", (1, 4, 4, 3), **real)
    c.then("DIV", (1, 4, 4, 3), c.tensor((3,), "float32", data=[1, 2, 3]), options="DivOptions", **real)
    c.then("TILE", (1, 4, 8, 3), c.integers(1, 1, 2, 1), options="TileOptions", **real)
    c.then("GELU", (1, 4, 8, 3), options="GeluOptions", **real).then("NEG", (1, 4, 8, 3), options="NegOptions", **real)
    c.then("RESHAPE", (1, 96), **real)
    c.then("FULLY_CONNECTED", (1, 4), c.tensor((4, 96), "float32", data=c.rng.normal(size=(4, 96))), **real)
    return c.finish([c.first], [c.last])
