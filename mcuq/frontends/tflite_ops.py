"""One function per TFLite operator: its options to an ``Op``, and which tensors are its operands.

Each takes the operator, its input tensors (None where an optional one is absent) and its output tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.flatbuffer import FileOperator, FileTensor
from mcuq.ops.add import Add
from mcuq.ops.base import Op
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.logistic import Logistic
from mcuq.ops.window import Padding, Pair, same_padding

Tensors = Sequence[FileTensor | None]
Converted = tuple[Op, Sequence[FileTensor]]

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
    return same_padding(size, window, stride, dilation) if code == 0 else (0, 0, 0, 0)


def _image(tensor: FileTensor | None) -> FileTensor:
    if tensor is None or len(tensor.shape) != 4 or tensor.shape[0] != 1:
        raise UnsupportedOperatorError(f"needs one image, [1, rows, columns, channels], not {tensor}")
    return tensor


def _conv2d(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    options, x, weights = operator.options, _image(tensors[0]), _constant(tensors[1], "the weights")
    _, h, w, c = x.shape
    window = (weights.shape[1], weights.shape[2])
    stride = (options.StrideH(), options.StrideW())
    dilation = (options.DilationHFactor(), options.DilationWFactor())
    padding = _padding(options.Padding(), (h, w), window, stride, dilation)
    op = Conv2d(stride, dilation, padding, c // weights.shape[3], _activation(options))
    return op, _present(tensors)


def _add(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Add(_activation(operator.options)), _present(tensors)


def _logistic(operator: FileOperator, tensors: Tensors, output: FileTensor) -> Converted:
    return Logistic(), _present(tensors)


READERS: dict[str, Callable[[FileOperator, Tensors, FileTensor], Converted]] = {
    "ADD": _add,
    "CONV_2D": _conv2d,
    "LOGISTIC": _logistic,
}
