"""One function per TFLite operator: its options to an ``Op``, and which tensors are its operands.

Each takes the operator, its input tensors (None where an optional one is absent) and its output tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.flatbuffer import FileOperator, FileTensor
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.logistic import Logistic
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.mul import Mul
from mcuq.ops.pad import Pad
from mcuq.ops.pooling import PoolOp
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.ops.softmax import Softmax
from mcuq.ops.sub import Sub
from mcuq.ops.tanh import Tanh
from mcuq.ops.window import Padding, Pair, same_padding

Tensors = Sequence[FileTensor | None]
Converted = tuple[Op, Sequence[FileTensor]]

MAX_PADDING = 32_767  # TFLite keeps it in 16 bits
ACTIVATIONS = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6"}


def _activation(options: object) -> str:
    code = options.FusedActivationFunction() if options is not None else 0  # type: ignore[attr-defined]
    if code not in ACTIVATIONS:
        raise UnsupportedOperatorError(f"fused activation {code} (tanh and sign are not supported)")
    return ACTIVATIONS[code]


def _present(tensors: Tensors) -> list[FileTensor]:
    return [tensor for tensor in tensors if tensor is not None]


def _constant(tensor: FileTensor | None, what: str) -> FileTensor:
    """Return the tensor if it is known at compile time."""
    if tensor is None or tensor.data is None:
        raise UnsupportedOperatorError(f"{what} must be constant")
    return tensor


def _padding(code: int, size: Pair, window: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Padding:
    """Return the explicit padding of TFLite's SAME (0) and VALID (1)."""
    if min(*stride, *dilation, *window) < 1:
        raise UnsupportedOperatorError(f"window {window}, stride {stride} and dilation {dilation} must be positive")
    if code not in (0, 1):
        raise UnsupportedOperatorError(f"padding {code} (only SAME and VALID are supported)")
    padding = same_padding(size, window, stride, dilation) if code == 0 else (0, 0, 0, 0)
    if max(padding) > MAX_PADDING:
        raise UnsupportedOperatorError(f"padding {padding} is beyond TFLite's limit of {MAX_PADDING}")
    return padding


def _image(tensor: FileTensor | None) -> FileTensor:
    if tensor is None or len(tensor.shape) != 4 or tensor.shape[0] != 1:
        raise UnsupportedOperatorError(f"needs one image, [1, rows, columns, channels], not {tensor}")
    return tensor


def _with_constants(tensors: Tensors) -> list[FileTensor]:
    """Return the input, its constant int8 weights and, where there is one, its constant int32 bias."""
    operands = [*_present(tensors[:1]), _constant(tensors[1], "the weights")]
    operands += [_constant(tensor, "the bias") for tensor in tensors[2:] if tensor is not None]
    for tensor, dtype in zip(operands[1:], ("int8", "int32"), strict=False):
        if tensor.dtype != dtype:
            raise UnsupportedOperatorError(f"{tensor} must be {dtype}")
    return operands


def _conv2d(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    options, x = operator.options, _image(tensors[0])
    operands = _with_constants(tensors)
    _, h, w, c = x.shape
    _, kh, kw, i = operands[1].shape
    stride = (options.StrideH(), options.StrideW())
    dilation = (options.DilationHFactor(), options.DilationWFactor())
    padding = _padding(options.Padding(), (h, w), (kh, kw), stride, dilation)
    return Conv2d(stride, dilation, padding, max(c // i, 1), _activation(options)), operands


def _add(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Add(_activation(operator.options)), _present(tensors)


def _logistic(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Logistic(), _present(tensors)


def _depthwise_conv2d(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    options, x = operator.options, _image(tensors[0])
    operands = _with_constants(tensors)
    _, kh, kw, o = operands[1].shape
    if options.DepthMultiplier() not in (0, o // x.shape[3]):
        raise UnsupportedOperatorError(f"depth multiplier {options.DepthMultiplier()} of {x.shape[3]} to {o} channels")
    stride = (options.StrideH(), options.StrideW())
    dilation = (options.DilationHFactor(), options.DilationWFactor())
    padding = _padding(options.Padding(), (x.shape[1], x.shape[2]), (kh, kw), stride, dilation)
    return DepthwiseConv2d(stride, dilation, padding, _activation(options)), operands


def _fully_connected(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    options = operator.options
    if options is not None and options.WeightsFormat() != 0:
        raise UnsupportedOperatorError(f"weights format {options.WeightsFormat()} (only row major is supported)")
    keep_dims = options is not None and bool(options.KeepNumDims())
    return FullyConnected(keep_dims, _activation(options)), _with_constants(tensors)


def _pool(op: type[PoolOp], operator: FileOperator, tensors: Tensors) -> Converted:
    options, x = operator.options, _image(tensors[0])
    window = (options.FilterHeight(), options.FilterWidth())
    stride = (options.StrideH(), options.StrideW())
    padding = _padding(options.Padding(), (x.shape[1], x.shape[2]), window, stride)
    return op(window, stride, padding, _activation(options)), [x]


def _average_pool(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return _pool(AveragePool, operator, tensors)


def _max_pool(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return _pool(MaxPool, operator, tensors)


def _pad(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    paddings = _constant(tensors[1], "the paddings").data
    before, after = np.asarray(paddings).reshape(-1, 2).T.tolist()
    values = [_constant(tensor, "the padding's value") for tensor in tensors[2:]]
    return Pad(tuple(before), tuple(after)), [*_present(tensors[:1]), *values]


def _sub(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Sub(_activation(operator.options)), _present(tensors)


def _mul(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Mul(_activation(operator.options)), _present(tensors)


def _mean(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    axes = np.asarray(_constant(tensors[1], "the axes").data).ravel().tolist()
    keep_dims = operator.options is not None and bool(operator.options.KeepDims())
    return Mean(tuple(axes), keep_dims), _present(tensors[:1])


def _softmax(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Softmax(operator.options.Beta()), _present(tensors)


def _concatenation(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    if (activation := _activation(operator.options)) != "none":
        raise UnsupportedOperatorError(f"concatenation with the fused activation {activation}")
    return Concatenation(operator.options.Axis()), _present(tensors)


def _one(tensors: Tensors) -> list[FileTensor]:
    """Return the only operand of an element-wise operator."""
    if len(tensors) != 1:
        raise UnsupportedOperatorError(f"takes one input, not {len(tensors)}")
    return _present(tensors)


def _hard_swish(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return HardSwish(), _one(tensors)


def _leaky_relu(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return LeakyRelu(operator.options.Alpha()), _one(tensors)


def _quantize(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Requantize(), _one(tensors)


def _relu(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Relu(), _one(tensors)


def _relu6(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Relu6(), _one(tensors)


def _reshape(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    """Whatever names the shape (options, operand, axes), the output tensor has it."""
    return Reshape(output.shape), _present(tensors[:1])


def _tanh(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Tanh(), _one(tensors)


READERS: dict[str, Callable[[FileOperator, Tensors, FileTensor], Converted]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _average_pool,
    "CONCATENATION": _concatenation,
    "CONV_2D": _conv2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv2d,
    "EXPAND_DIMS": _reshape,
    "FULLY_CONNECTED": _fully_connected,
    "HARD_SWISH": _hard_swish,
    "LEAKY_RELU": _leaky_relu,
    "LOGISTIC": _logistic,
    "MAX_POOL_2D": _max_pool,
    "MEAN": _mean,
    "MUL": _mul,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _quantize,
    "RELU": _relu,
    "RELU6": _relu6,
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
    "SQUEEZE": _reshape,
    "SUB": _sub,
    "TANH": _tanh,
}
