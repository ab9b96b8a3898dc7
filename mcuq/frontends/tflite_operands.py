"""What the conversion of TFLite operators is made of: operands, what their numbers mean, paddings, activations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from mcuq.errors import CannotQuantizeError, MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.flatbuffer import FileTensor
from mcuq.ops.arg_extremum import INDEX
from mcuq.ops.base import Op
from mcuq.ops.compare import TRUTH
from mcuq.ops.window import Padding, Pair, same_padding
from mcuq.tensor import Array, DType, QConstant, QTensor, Shape

Tensors = Sequence[FileTensor | None]
Converted = tuple[Op | tuple[Op, ...], Sequence[FileTensor]]  # ops one after the other, and the first one's operands

NEW = -1  # the index of a constant that is not in the file
MAX_PADDING = 32_767  # TFLite keeps it in 16 bits
COUNTED: Mapping[str, QTensor] = {"bool": TRUTH, "int32": INDEX, "int64": INDEX}  # what activations of a type are
ACTIVATIONS = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6"}


def fused_activation(options: object) -> str:
    """Return the name of the activation that the operator's options ask for."""
    code = options.FusedActivationFunction() if options is not None else 0  # type: ignore[attr-defined]
    if code not in ACTIVATIONS:
        raise UnsupportedOperatorError(f"fused activation {code} (tanh and sign are not supported)")
    return ACTIVATIONS[code]


def present(tensors: Tensors) -> list[FileTensor]:
    """Return the operands that are not left out."""
    return [tensor for tensor in tensors if tensor is not None]


def only(tensors: Tensors) -> list[FileTensor]:
    """Return the only operand of an element-wise operator."""
    if len(tensors) != 1:
        raise UnsupportedOperatorError(f"takes one input, not {len(tensors)}")
    return present(tensors)


def constant(tensor: FileTensor | None, what: str) -> FileTensor:
    """Return the tensor if it is known at compile time."""
    if tensor is None or tensor.data is None:
        raise UnsupportedOperatorError(f"{what} must be constant")
    return tensor


def data(tensor: FileTensor | None, what: str) -> Array:
    """Return the values of a constant tensor."""
    values = constant(tensor, what).data
    assert values is not None
    return values


def integers(tensor: FileTensor | None, what: str) -> list[int]:
    """Return a constant list of integers, or one integer as such a list."""
    return [int(value) for value in data(tensor, what).ravel().tolist()]


def new_constant(like: FileTensor, values: Array) -> FileTensor:
    """Return a constant of the reader's own, of the given one's type."""
    return replace(like, index=NEW, shape=values.shape, data=values)


def image(tensor: FileTensor | None) -> FileTensor:
    """Return the tensor if it is one image."""
    if images(tensor).shape[0] != 1:
        raise UnsupportedOperatorError(f"needs one image, [1, rows, columns, channels], not {tensor}")
    return images(tensor)


def images(tensor: FileTensor | None) -> FileTensor:
    """Return the tensor if it is images."""
    if tensor is None or len(tensor.shape) != 4:
        raise UnsupportedOperatorError(f"needs one image, [1, rows, columns, channels], not {tensor}")
    return tensor


def with_constants(tensors: Tensors) -> list[FileTensor]:
    """Return the input, its constant weights and, where there is one, its constant bias.

    Weights and bias are int8 and int32, or float32 both.
    """
    operands = [*present(tensors[:1]), constant(tensors[1], "the weights")]
    operands += [constant(tensor, "the bias") for tensor in tensors[2:] if tensor is not None]
    is_float = operands[0].dtype == "float32" or operands[1].dtype == "float32"
    for tensor, dtype in zip(operands[1:], ("float32", "float32") if is_float else ("int8", "int32"), strict=False):
        if tensor.dtype != dtype:
            raise UnsupportedOperatorError(f"{tensor} must be {dtype}")
    return operands


def explicit_padding(code: int, size: Pair, window: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Padding:
    """Return the explicit padding of TFLite's SAME (0) and VALID (1)."""
    if min(*stride, *dilation, *window) < 1:
        raise UnsupportedOperatorError(f"window {window}, stride {stride} and dilation {dilation} must be positive")
    if code not in (0, 1):
        raise UnsupportedOperatorError(f"padding {code} (only SAME and VALID are supported)")
    padding = same_padding(size, window, stride, dilation) if code == 0 else (0, 0, 0, 0)
    if max(padding) > MAX_PADDING:
        raise UnsupportedOperatorError(f"padding {padding} is beyond TFLite's limit of {MAX_PADDING}")
    return padding


def height_and_width(shape: Shape) -> Pair:
    """Return rows and columns of an NHWC shape."""
    _, h, w, _ = shape
    return h, w


def quantized_activation(tensor: FileTensor) -> QTensor:
    """Return what an integer activation's bytes mean.

    Raises:
        CannotQuantizeError, MalformedModelError: for scales and zero points that mean nothing.
    """
    if tensor.dtype in COUNTED:
        return replace(COUNTED[tensor.dtype], shape=tensor.shape)
    if tensor.scale.size != 1 or tensor.zero_point.size != 1:
        raise CannotQuantizeError(
            f"{tensor} has {tensor.scale.size} scales and {tensor.zero_point.size} zero points; "
            "an activation needs exactly one of each"
        )
    dtypes: dict[str, DType] = {"uint8": "uint8", "int16": "int16"}
    dtype = dtypes.get(tensor.dtype, "int8")
    result = QTensor(tensor.shape, float(tensor.scale[0]), int(tensor.zero_point[0]), dtype)
    low, high = result.limits
    if not low <= result.zero_point <= high:
        raise MalformedModelError(f"{tensor} has zero point {result.zero_point}, outside its type")
    if not 0 < result.scale < np.inf:
        raise MalformedModelError(f"{tensor} has scale {result.scale}, which is not a positive number")
    return result


def quantized_constant(tensor: FileTensor) -> QConstant:
    """Return what an integer constant's values mean.

    Raises:
        McuqError: for another type, or scales and zero points that mean nothing.
    """
    assert tensor.data is not None
    if tensor.dtype == "bool":
        truth = COUNTED["bool"]
        return QConstant(tensor.data.astype(np.int8), np.array([truth.scale]), truth.zero_point)
    if tensor.dtype not in ("int8", "int16", "int32"):
        raise CannotQuantizeError(f"constant {tensor} must be int8 (or an int32 bias)")
    if tensor.dtype != "int32" and not (tensor.scale.size and tensor.zero_point.size):
        raise CannotQuantizeError(f"constant {tensor} has no scale or no zero point")
    scale = tensor.scale if tensor.scale.size else np.ones(1)
    axis = _channels_of(tensor)
    if tensor.dtype != "int32" and not np.all(np.isfinite(scale) & (scale > 0)):
        raise MalformedModelError(f"{tensor} has a scale that is not a positive number")
    if np.any(tensor.zero_point != (tensor.zero_point[0] if tensor.zero_point.size else 0)):
        raise UnsupportedOperatorError(f"{tensor} has a different zero point per channel")
    zero_point = int(tensor.zero_point[0]) if tensor.zero_point.size else 0
    if abs(zero_point) > 128:
        raise MalformedModelError(f"{tensor} has zero point {zero_point}, outside its type")
    return QConstant(tensor.data, scale, zero_point, axis=axis)


def _channels_of(tensor: FileTensor) -> int:
    """Return the dimension that the scales lie along.

    Older converters give a depthwise bias, a vector, the dimension of its weights: where the one that the file names
    has another size, the only one that has as many elements as there are scales is meant.
    """
    count, named = tensor.scale.size, tensor.axis
    if count <= 1 or (0 <= named < len(tensor.shape) and tensor.shape[named] == count):
        return named
    if tensor.shape.count(count) != 1:
        raise MalformedModelError(f"{tensor} has {count} scales along dimension {named}")
    return tensor.shape.index(count)
