"""One function per TFLite operator: its options to an ``Op``, and which tensors are its operands.

Each takes the operator, its input tensors (None where an optional one is absent) and its output tensor. The int8 and
the float reader share them: no function asks for the type of an activation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends import tflite_copies
from mcuq.frontends.batch import ONE_SOFTMAX
from mcuq.frontends.flatbuffer import FileOperator, FileTensor
from mcuq.frontends.tflite_operands import (
    Converted,
    Tensors,
    constant,
    data,
    explicit_padding,
    fused_activation,
    height_and_width,
    image,
    integers,
    new_constant,
    only,
    present,
    quantized_constant,
    with_constants,
)
from mcuq.frontends.tflite_patterns import ACTIVATION
from mcuq.ops.abs import Abs
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op
from mcuq.ops.clip import Clip
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.elu import Elu
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.gelu import Gelu
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.logistic import Logistic
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.mul import Mul
from mcuq.ops.pooling import PoolOp
from mcuq.ops.prelu import PRelu
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.ops.resize_bilinear import ResizeBilinear
from mcuq.ops.softmax import Softmax
from mcuq.ops.sub import Sub
from mcuq.ops.tanh import Tanh

Convert = Callable[[FileOperator, Tensors, FileTensor], Converted]
SEVERAL_OUTPUTS = ("SPLIT", "SPLIT_V", "UNPACK")  # their functions are called once per output


def _of_one(op: Op) -> Convert:
    """Return the function for an element-wise operator without options."""
    return lambda operator, tensors, output: (op, only(tensors))


def _add(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Add(fused_activation(operator.options)), present(tensors)


def _sub(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Sub(fused_activation(operator.options)), present(tensors)


def _mul(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Mul(fused_activation(operator.options)), present(tensors)


def _div(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """Multiply with the reciprocal of a constant."""
    divisor = constant(tensors[1], "the divisor")
    with np.errstate(divide="ignore"):  # the graph refuses infinite constants
        reciprocal = np.reciprocal(data(divisor, "the divisor"))
    return Mul(fused_activation(operator.options)), [*present(tensors[:1]), new_constant(divisor, reciprocal)]


def _neg(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    (x,) = only(tensors)
    return Mul(), [x, new_constant(x, np.full((), -1, np.float32))]


def _square(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Mul(), [*only(tensors), *only(tensors)]


def _minimum(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    x, limit = _and_one_constant(tensors, output)
    return Clip(high=limit), [x]


def _maximum(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    x, limit = _and_one_constant(tensors, output)
    return Clip(low=limit), [x]


def _and_one_constant(tensors: Tensors, output: FileTensor) -> tuple[FileTensor, float]:
    """Return the activation and the number that it is compared with; integers are compared as they are."""
    constants = [tensor for tensor in present(tensors) if tensor.data is not None]
    others = [tensor for tensor in present(tensors) if tensor.data is None]
    if len(constants) != 1 or len(others) != 1 or data(constants[0], "the limit").size != 1:
        raise UnsupportedOperatorError("of two operands one must be a constant with one element")
    limit, x = constants[0], others[0]
    if limit.dtype == "float32":
        return x, float(data(limit, "the limit").item())
    for tensor in (x, limit):
        if (tensor.scale.tolist(), tensor.zero_point.tolist()) != (output.scale.tolist(), output.zero_point.tolist()):
            raise UnsupportedOperatorError(f"{tensor} and {output} must have the same scale and zero point")
    return x, float(quantized_constant(limit).real().item())


def _conv2d(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    options, x = operator.options, image(tensors[0])
    operands = with_constants(tensors)
    _, h, w, c = x.shape
    _, kh, kw, i = operands[1].shape
    stride = (options.StrideH(), options.StrideW())
    dilation = (options.DilationHFactor(), options.DilationWFactor())
    padding = explicit_padding(options.Padding(), (h, w), (kh, kw), stride, dilation)
    return Conv2d(stride, dilation, padding, max(c // i, 1), fused_activation(options)), operands


def _depthwise_conv2d(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    options, x = operator.options, image(tensors[0])
    operands = with_constants(tensors)
    _, kh, kw, o = operands[1].shape
    if options.DepthMultiplier() not in (0, o // x.shape[3]):
        raise UnsupportedOperatorError(f"depth multiplier {options.DepthMultiplier()} of {x.shape[3]} to {o} channels")
    stride = (options.StrideH(), options.StrideW())
    dilation = (options.DilationHFactor(), options.DilationWFactor())
    padding = explicit_padding(options.Padding(), height_and_width(x.shape), (kh, kw), stride, dilation)
    return DepthwiseConv2d(stride, dilation, padding, fused_activation(options)), operands


def _transpose_conv(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """Operand 0 is the output's shape, which the output has; then weights, input and bias.

    The padding is that of the convolution from output to input. What the filters of the input's pixels do not reach
    at the bottom and on the right is output padding.
    """
    options, x = operator.options, image(tensors[2])
    operands = with_constants([x, tensors[1], *tensors[3:]])
    size, window = height_and_width(output.shape), height_and_width(operands[1].shape)
    stride = (options.StrideH(), options.StrideW())
    top, _, left, _ = explicit_padding(options.Padding(), size, window, stride)
    reach = [(n - 1) * s + k for n, s, k in zip(height_and_width(x.shape), stride, window, strict=True)]
    bottom, right = (r - n - first for r, n, first in zip(reach, size, (top, left), strict=True))
    padding, extra = (top, max(bottom, 0), left, max(right, 0)), (max(-bottom, 0), max(-right, 0))
    return ConvTranspose2d(stride, padding, extra, fused_activation(options)), operands


def _fully_connected(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    options = operator.options
    if options is not None and options.WeightsFormat() != 0:
        raise UnsupportedOperatorError(f"weights format {options.WeightsFormat()} (only row major is supported)")
    keep_dims = options is not None and bool(options.KeepNumDims())
    return FullyConnected(keep_dims, fused_activation(options)), with_constants(tensors)


def _pool(op: type[PoolOp], operator: FileOperator, tensors: Tensors) -> Converted:
    options, x = operator.options, image(tensors[0])
    window = (options.FilterHeight(), options.FilterWidth())
    stride = (options.StrideH(), options.StrideW())
    padding = explicit_padding(options.Padding(), height_and_width(x.shape), window, stride)
    return op(window, stride, padding, fused_activation(options)), [x]


def _average_pool(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return _pool(AveragePool, operator, tensors)


def _max_pool(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return _pool(MaxPool, operator, tensors)


def _mean(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    keep_dims = operator.options is not None and bool(operator.options.KeepDims())
    return Mean(tuple(integers(tensors[1], "the axes")), keep_dims), present(tensors[:1])


def _reduce_max(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """Global max pooling: the maximum over all dimensions between the batch and the last."""
    x = present(tensors[:1])[0]
    axes = {axis % len(x.shape) for axis in integers(tensors[1], "the axes")}
    if axes != set(range(1, len(x.shape) - 1)):
        raise UnsupportedOperatorError(f"the maximum of {list(x.shape)} over {sorted(axes)}; only of whole images")
    batch, *pixels, channels = x.shape
    window = (1, int(np.prod(pixels)))
    return (Reshape((batch, *window, channels)), MaxPool(window, window), Reshape(output.shape)), [x]


def _softmax(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Softmax(operator.options.Beta()), present(tensors)


def _float_softmax(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    if output.shape and output.shape[-1] == 1:
        raise UnsupportedOperatorError(ONE_SOFTMAX)
    return _softmax(operator, tensors, output)


def _activation(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return operator.options, only(tensors)


def _leaky_relu(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return LeakyRelu(operator.options.Alpha()), only(tensors)


def _prelu(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """A slope per pixel is taken where all pixels have the same."""
    slope = constant(tensors[1], "the slope")
    per_channel = data(slope, "the slope").reshape(-1, slope.shape[-1] if slope.shape else 1)
    if np.any(per_channel != per_channel[0]):
        raise UnsupportedOperatorError("a slope for every pixel; share it over the image: PReLU(shared_axes=[1, 2])")
    return PRelu(), [*present(tensors[:1]), replace(slope, shape=per_channel[0].shape, data=per_channel[0])]


def _gelu(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Gelu("tanh" if operator.options is not None and operator.options.Approximate() else "none"), only(tensors)


def _resize_bilinear(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    options, (h, w) = operator.options, height_and_width(output.shape)
    return ResizeBilinear(h, w, bool(options.AlignCorners()), bool(options.HalfPixelCenters())), present(tensors[:1])


READERS: Mapping[str, Convert] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _average_pool,
    "CONCATENATION": tflite_copies.concatenation,
    "CONV_2D": _conv2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv2d,
    "EXPAND_DIMS": tflite_copies.reshape,
    "FULLY_CONNECTED": _fully_connected,
    "HARD_SWISH": _of_one(HardSwish()),
    "LEAKY_RELU": _leaky_relu,
    "LOGISTIC": _of_one(Logistic()),
    "MAXIMUM": _maximum,
    "MAX_POOL_2D": _max_pool,
    "MEAN": _mean,
    "MINIMUM": _minimum,
    "MUL": _mul,
    "PACK": tflite_copies.pack,
    "PAD": tflite_copies.pad,
    "PADV2": tflite_copies.pad,
    "PRELU": _prelu,
    "QUANTIZE": _of_one(Requantize()),
    "REDUCE_MAX": _reduce_max,
    "RELU": _of_one(Relu()),
    "RELU6": _of_one(Relu6()),
    "RESHAPE": tflite_copies.reshape,
    "RESIZE_BILINEAR": _resize_bilinear,
    "RESIZE_NEAREST_NEIGHBOR": tflite_copies.resize_nearest,
    "SLICE": tflite_copies.slice_,
    "SOFTMAX": _softmax,
    "SPLIT": tflite_copies.split,
    "SPLIT_V": tflite_copies.split_v,
    "SQUEEZE": tflite_copies.reshape,
    "STRIDED_SLICE": tflite_copies.strided_slice,
    "SUB": _sub,
    "TANH": _of_one(Tanh()),
    "TRANSPOSE": tflite_copies.transpose,
    "TRANSPOSE_CONV": _transpose_conv,
    "UNPACK": tflite_copies.unpack,
}

# Without an int8 kernel in TensorFlow Lite Micro, or one whose bytes mcuq does not compute.
FLOAT_READERS: Mapping[str, Convert] = {
    **READERS,
    ACTIVATION: _activation,
    "ABS": _of_one(Abs()),
    "DIV": _div,
    "ELU": _of_one(Elu()),
    "GELU": _gelu,
    "NEG": _neg,
    "RELU_0_TO_1": _of_one(Clip(0.0, 1.0)),
    "RELU_N1_TO_1": _of_one(Clip(-1.0, 1.0)),
    "SOFTMAX": _float_softmax,
    "SQUARE": _square,
    "TILE": tflite_copies.tile,
}
