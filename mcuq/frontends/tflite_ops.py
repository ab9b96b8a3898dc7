"""One function per TFLite operator: its options to an ``Op``, and which tensors are its operands.

Each takes the operator, its input tensors (None where an optional one is absent) and its output tensor. The int8 and
the float reader share them: no function asks for the type of an activation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends import tflite_copies, tflite_elementwise, tflite_matrices, tflite_reductions, tflite_samples
from mcuq.frontends.batch import ONE_SOFTMAX
from mcuq.frontends.flatbuffer import FileOperator, FileTensor
from mcuq.frontends.tflite_elementwise import Convert
from mcuq.frontends.tflite_operands import (
    Converted,
    Tensors,
    constant,
    data,
    explicit_padding,
    fused_activation,
    height_and_width,
    image,
    images,
    only,
    present,
    with_constants,
)
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.gelu import Gelu
from mcuq.ops.l2_norm import L2Norm
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.log_softmax import LogSoftmax
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.pooling import PoolOp
from mcuq.ops.prelu import PRelu
from mcuq.ops.resize_bilinear import ResizeBilinear
from mcuq.ops.softmax import Softmax

SEVERAL_OUTPUTS = ("SPLIT", "SPLIT_V", "TOPK_V2", "UNPACK")  # their functions are called once per output


def _conv2d(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    options, x = operator.options, images(tensors[0])
    operands = with_constants(tensors)
    _, h, w, c = x.shape
    _, kh, kw, i = operands[1].shape
    stride = (options.StrideH(), options.StrideW())
    dilation = (options.DilationHFactor(), options.DilationWFactor())
    padding = explicit_padding(options.Padding(), (h, w), (kh, kw), stride, dilation)
    return Conv2d(stride, dilation, padding, max(c // i, 1), fused_activation(options)), operands


def _depthwise_conv2d(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    options, x = operator.options, images(tensors[0])
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


def _softmax(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Softmax(operator.options.Beta()), present(tensors)


def _float_softmax(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    if output.shape and output.shape[-1] == 1:
        raise UnsupportedOperatorError(ONE_SOFTMAX)
    return _softmax(operator, tensors, output)


def _log_softmax(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return LogSoftmax(), only(tensors)


def _l2_norm(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    if (activation := fused_activation(operator.options)) != "none":
        raise UnsupportedOperatorError(f"an L2 normalization with the fused activation {activation}")
    return L2Norm(), only(tensors)


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


# Their operands or results may be truths or indices.
COUNTING = (
    *tflite_elementwise.TRUTHS,
    *tflite_reductions.INDICES,
    *"CAST EXPAND_DIMS GATHER ONE_HOT RESHAPE SQUEEZE".split(),
)

READERS: Mapping[str, Convert] = {
    **tflite_elementwise.READERS,
    **tflite_matrices.READERS,
    **tflite_reductions.READERS,
    "AVERAGE_POOL_2D": _average_pool,
    "CONCATENATION": tflite_copies.concatenation,
    "BATCH_TO_SPACE_ND": tflite_samples.batch_to_space,
    "BROADCAST_TO": tflite_copies.broadcast_to,
    "CONV_2D": _conv2d,
    "DEPTH_TO_SPACE": tflite_copies.depth_to_space,
    "DEPTHWISE_CONV_2D": _depthwise_conv2d,
    "EXPAND_DIMS": tflite_copies.reshape,
    "GATHER": tflite_copies.gather,
    "L2_NORMALIZATION": _l2_norm,
    "LEAKY_RELU": _leaky_relu,
    "LOG_SOFTMAX": _log_softmax,
    "MAX_POOL_2D": _max_pool,
    "MIRROR_PAD": tflite_copies.mirror_pad,
    "PACK": tflite_copies.pack,
    "PAD": tflite_copies.pad,
    "PADV2": tflite_copies.pad,
    "PRELU": _prelu,
    "RESHAPE": tflite_copies.reshape,
    "RESIZE_BILINEAR": _resize_bilinear,
    "RESIZE_NEAREST_NEIGHBOR": tflite_copies.resize_nearest,
    "REVERSE_V2": tflite_copies.reverse,
    "SLICE": tflite_copies.slice_,
    "SOFTMAX": _softmax,
    "SPACE_TO_BATCH_ND": tflite_samples.space_to_batch,
    "SPACE_TO_DEPTH": tflite_copies.space_to_depth,
    "SPLIT": tflite_copies.split,
    "SPLIT_V": tflite_copies.split_v,
    "SQUEEZE": tflite_copies.reshape,
    "STRIDED_SLICE": tflite_copies.strided_slice,
    "TILE": tflite_copies.tile,
    "TRANSPOSE": tflite_copies.transpose,
    "TRANSPOSE_CONV": _transpose_conv,
    "UNPACK": tflite_copies.unpack,
}

# Without an int8 kernel in TensorFlow Lite Micro, or one whose bytes mcuq does not compute.
FLOAT_READERS: Mapping[str, Convert] = {
    **READERS,
    **tflite_elementwise.FLOAT_READERS,
    **tflite_reductions.FLOAT_READERS,
    "GELU": _gelu,
    "ONE_HOT": tflite_copies.one_hot,
    "SOFTMAX": _float_softmax,
}
