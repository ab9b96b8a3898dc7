"""Quantization that an ONNX model brings along: QuantizeLinear/DequantizeLinear pairs, and dynamic quantization.

A pair around an activation says how it is quantized (uint8 is shifted to int8 by 128); a DequantizeLinear of constants
makes weights and biases, whose integers are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from mcuq.errors import CannotQuantizeError, MalformedModelError, UnsupportedOperatorError
from mcuq.frontends import onnx_ops, onnx_products, onnx_windows
from mcuq.frontends.onnx_builder import Builder, Constant, Entry, Value
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_products import constant_of
from mcuq.graph import SCALES
from mcuq.ops.requantize import Requantize
from mcuq.tensor import Array, DType, QTensor

UINT8_SHIFT = 128
# What also works on the integers themselves:
CARRIED = "Concat Flatten Gather Identity MaxPool Reshape Slice Split Squeeze Transpose Unsqueeze".split()


@dataclass(frozen=True, eq=False)
class Dynamic:
    """An output of DynamicQuantizeLinear for the activation ``x``, whose range is only known when it runs.

    A scale may have been multiplied by those of weights, ``factor``.
    """

    x: Value
    part: Literal["integers", "scale", "zero_point"]
    factor: Array | None = None
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Product:
    """The integer result of MatMulInteger or ConvInteger, which waits for its scales."""

    x: Value
    node: OnnxNode
    weights: Array  # zero point taken off
    shape: tuple[int, ...] = ()


Known = Entry | Dynamic | Product


def integer_input(value: Value, dtype: str) -> Value:
    """Return a model input as the file has it: integers, or real."""
    return replace(value, integers=cast(DType, dtype)) if dtype in ("int8", "uint8") else value


def output(b: Builder, value: Value) -> Value:
    """Return a model output as the file has it; the graph's activations themselves are int8."""
    known = b.known.get(value.name)
    if value.integers and known is None:
        raise UnsupportedOperatorError(f"an output is {value.integers} without scale and zero point")
    if value.integers != "uint8" or known is None or known.dtype == "uint8":
        return value
    shifted = b.emit(Requantize(), replace(value, integers=None))
    b.known[shifted.name] = QTensor(value.shape, known.scale, known.zero_point + UINT8_SHIFT, "uint8")
    return shifted


def convert(b: Builder, node: OnnxNode, inputs: Sequence[Known | None]) -> Sequence[Known] | None:
    """Return the outputs of an operator on integers or on dynamically quantized values; None: it is not one."""
    if any(isinstance(entry, Dynamic | Product) for entry in inputs):
        return [_dynamic(b, node, list(inputs))]
    if node.kind.endswith("DequantizeLinear"):
        return [_dequantize(b, node, inputs)]
    if any(isinstance(entry, Value) and entry.integers for entry in inputs):
        return _carried(b, node, inputs)
    return None


def _carried(b: Builder, node: OnnxNode, inputs: Sequence[Known | None]) -> Sequence[Known]:
    """Apply an operator that only moves or picks elements to integers."""
    if node.kind == "Cast" and isinstance(inputs[0], Value) and _cast_type(node) == inputs[0].integers:
        return [inputs[0]]
    if node.kind not in CARRIED:
        raise UnsupportedOperatorError("works on integers; put a DequantizeLinear before it and a QuantizeLinear after")
    values = [entry for entry in inputs if isinstance(entry, Value)]
    dtype, known = values[0].integers, b.known.get(values[0].name)
    real = [replace(entry, integers=None) if isinstance(entry, Value) else entry for entry in inputs]
    result = onnx_ops.READERS[node.kind](b, node, cast(list[Entry | None], real))
    outputs = [result] if isinstance(result, Value | Constant) else list(result)
    if any(b.known.get(value.name) != (known and replace(known, shape=value.shape)) for value in values):
        raise UnsupportedOperatorError("joins integers of different scales")
    for value in outputs:
        if known is not None and isinstance(value, Value):
            b.known[value.name] = replace(known, shape=value.shape)
    return [replace(value, integers=dtype) if isinstance(value, Value) else value for value in outputs]


def _cast_type(node: OnnxNode) -> str:
    import onnx

    return str(onnx.helper.tensor_dtype_to_np_dtype(node.integer("to", 1)).name)


def quantize(b: Builder, node: OnnxNode, inputs: Sequence[Entry | None]) -> Entry:
    """Read QuantizeLinear: the quantization of an activation, or integers of a constant."""
    x = inputs[0]
    scale, zero_point = _scale(inputs), _zero_point(node, inputs)
    if isinstance(x, Constant):
        return _integers(node, x, scale, zero_point)
    if x is None or scale.size != 1 or zero_point.size != 1:
        raise UnsupportedOperatorError("an activation with scales per channel; mcuq quantizes activations per tensor")
    if zero_point.dtype.name not in ("int8", "uint8"):
        raise UnsupportedOperatorError(f"an activation in {zero_point.dtype.name}; mcuq takes int8 and uint8")
    dtype = cast(DType, zero_point.dtype.name)
    value = b.quantized(x, _tensor(x, scale, zero_point))
    return replace(value, integers=dtype)


def _tensor(x: Value, scale: Array, zero_point: Array) -> QTensor:
    shift = UINT8_SHIFT if zero_point.dtype.name == "uint8" else 0
    return QTensor(x.shape, float(scale.item()), int(zero_point.item()) - shift)


def _integers(node: OnnxNode, x: Constant, scale: Array, zero_point: Array) -> Constant:
    """Quantize a constant as the operator says: half to even, then saturated."""
    if zero_point.dtype.name not in ("int8", "uint8", "int32"):
        raise UnsupportedOperatorError(f"a constant in {zero_point.dtype.name}; mcuq takes int8 and uint8")
    axis, info = _axis(node, x, scale), np.iinfo(zero_point.dtype)
    quotient = x.real() / _along(axis, x, scale).astype(np.float32)
    rounded = np.rint(quotient).astype(np.float64) + _along(axis, x, zero_point)
    return Constant(np.clip(rounded, info.min, info.max).astype(zero_point.dtype))


def _scale(inputs: Sequence[Known | None]) -> Array:
    scale = constant_of(cast(Entry | None, inputs[1]), "the scale").real().astype(np.float64).ravel()
    if not scale.size or not np.all((scale >= SCALES[0]) & (scale <= SCALES[1])):
        raise MalformedModelError("a scale is not a positive number")
    return np.asarray(scale)


def _zero_point(node: OnnxNode, inputs: Sequence[Known | None], default: str = "uint8") -> Array:
    if len(inputs) > 2 and inputs[2] is not None:
        return constant_of(cast(Entry, inputs[2]), "the zero point").values.ravel()
    import onnx

    if kind := node.integer("output_dtype", 0):
        default = onnx.helper.tensor_dtype_to_np_dtype(kind).name
    if default not in ("int8", "uint8", "int32"):
        raise UnsupportedOperatorError(f"integers of type {default}; mcuq takes int8 and uint8")
    return np.zeros(1, default)


def _axis(node: OnnxNode, x: Constant, scale: Array) -> int:
    """Return the dimension that the scales lie along."""
    if node.integer("block_size", 0):
        raise UnsupportedOperatorError("scales per block; mcuq takes scales per tensor or per channel")
    if scale.size == 1:
        return 0
    axis = node.integer("axis", 1)
    if not -len(x.shape) <= axis < len(x.shape) or x.shape[axis] != scale.size:
        raise MalformedModelError(f"{scale.size} scales along dimension {axis} of {x.shape}")
    return axis % len(x.shape)


def _along(axis: int, x: Constant, values: Array) -> Array:
    """Return scales or zero points in a shape that broadcasts with x."""
    if values.size == 1:
        return values.reshape(())
    return values.reshape([-1 if d == axis else 1 for d in range(len(x.shape))])


def _dequantize(b: Builder, node: OnnxNode, inputs: Sequence[Known | None]) -> Entry:
    """Read DequantizeLinear: constants keep their integers, an activation goes on as the same value."""
    x = inputs[0]
    scale = _scale(inputs)
    if isinstance(x, Constant):
        return weights_of(node, x, scale, _zero_point(node, inputs, x.values.dtype.name))
    if not isinstance(x, Value) or not x.integers:
        raise MalformedModelError("its input is not quantized")
    zero_point = _zero_point(node, inputs, x.integers)
    if scale.size != 1 or zero_point.size != 1 or zero_point.dtype.name != x.integers:
        raise UnsupportedOperatorError(f"an {x.integers} activation with {zero_point.dtype} zero points or per channel")
    if x.name not in b.known:
        return _from_input(b, x, QTensor(x.shape, float(scale.item()), int(zero_point.item()), x.integers))
    known, given = b.known[x.name], _tensor(x, scale, zero_point)
    if (known.scale, known.zero_point) != (given.scale, given.zero_point):
        raise UnsupportedOperatorError(
            f"integers of scale {known.scale:g} and zero point {known.zero_point} are read with {given.scale:g} and "
            f"{given.zero_point} (both as int8)"
        )
    return replace(x, integers=None)


def _from_input(b: Builder, x: Value, tensor: QTensor) -> Value:
    """Return a model's integer input as an int8 activation."""
    b.known[x.name] = tensor
    if x.integers == "int8":
        return replace(x, integers=None)
    shifted = b.emit(Requantize(), replace(x, integers=None))
    b.known[shifted.name] = QTensor(x.shape, tensor.scale, tensor.zero_point - UINT8_SHIFT)
    return shifted


def weights_of(node: OnnxNode, x: Constant, scale: Array, zero_point: Array) -> Constant:
    """Return constant integers with their scales; their zero point becomes 0.

    Raises:
        CannotQuantizeError: for values that without it do not fit int8.
    """
    name = x.values.dtype.name
    if name not in ("int8", "uint8", "int32"):
        raise UnsupportedOperatorError(f"a constant in {name}; mcuq takes int8 and uint8 weights and int32 biases")
    axis = _axis(node, x, scale)
    if zero_point.size not in (1, scale.size):
        raise MalformedModelError(f"{zero_point.size} zero points for {scale.size} scales")
    centered = x.values.astype(np.int64) - _along(axis, x, zero_point).astype(np.int64)
    dtype = np.dtype("int32" if name == "int32" else "int8")
    info = np.iinfo(dtype.name)
    if centered.size and not (info.min <= centered.min() and centered.max() <= info.max):
        raise CannotQuantizeError(
            f"weights minus their zero point reach {centered.min()}..{centered.max()}, outside {dtype.name}; quantize "
            "them symmetrically (onnxruntime: weight_type=QuantType.QInt8)"
        )
    return Constant(centered.astype(dtype), scale, axis)


def dynamic_quantize(b: Builder, node: OnnxNode, inputs: Sequence[Entry | None]) -> Sequence[Entry]:
    """Read DynamicQuantizeLinear: the activation stays real, and is left to calibration."""
    x = inputs[0]
    if not isinstance(x, Value):
        raise UnsupportedOperatorError("its operand is a constant; fold it before the export")
    return cast(Sequence[Entry], [Dynamic(x, "integers"), Dynamic(x, "scale"), Dynamic(x, "zero_point")])


def _dynamic(b: Builder, node: OnnxNode, inputs: list[Known | None]) -> Known:
    """Follow the operators that onnxruntime's ``quantize_dynamic`` writes, and PyTorch's exporter."""
    x = inputs[0]
    if node.kind in ("MatMulInteger", "ConvInteger") and isinstance(x, Dynamic) and x.part == "integers":
        weights = constant_of(cast(Entry | None, inputs[1]), "the weights")
        zero_points = constant_of(cast(Entry, inputs[3]), "a zero point").values if len(inputs) > 3 else np.zeros(1)
        shape = [1] * len(weights.shape)
        shape[0 if node.kind == "ConvInteger" else -1] = -1
        plain = np.asarray(weights.values.astype(np.int64) - zero_points.astype(np.int64).reshape(shape))
        return Product(x.x, node, plain)
    if node.kind.endswith("DequantizeLinear") and isinstance(x, Dynamic) and x.part == "integers":
        return x.x
    if node.kind == "Cast" and isinstance(x, Product):
        return x
    if node.kind == "Mul" and len(inputs) == 2:
        first, second = sorted(inputs, key=lambda entry: (Product, Dynamic, Constant, Value).index(type(entry)))
        if isinstance(first, Dynamic) and isinstance(second, Constant) and first.part == "scale":
            return replace(first, factor=second.real().astype(np.float64))
        if isinstance(first, Product) and isinstance(second, Dynamic) and second.factor is not None:
            return _layer(b, first, second.factor)
    raise UnsupportedOperatorError("mcuq does not know this use of DynamicQuantizeLinear; leave quantizing to mcuq")


def _layer(b: Builder, product: Product, scale: Array) -> Value:
    """Emit the layer whose integer product was given its scales."""
    is_conv = product.node.kind == "ConvInteger"
    axis = 0 if is_conv else product.weights.ndim - 1
    scales = np.asarray(scale.ravel())
    if product.weights.min(initial=0) < -128 or product.weights.max(initial=0) > 127:
        raise CannotQuantizeError("weights minus their zero point do not fit int8; quantize them symmetrically")
    if scales.size not in (1, product.weights.shape[axis]) or not np.all((scales >= SCALES[0]) & (scales <= SCALES[1])):
        raise MalformedModelError(f"{scales.size} scales for weights of shape {product.weights.shape}")
    weights = Constant(product.weights.astype(np.int8), scales, axis if scales.size > 1 else 0)
    if is_conv:
        return cast(Value, onnx_windows.conv(b, product.node, [product.x, weights]))
    return onnx_products.matmul(b, product.x, weights)


def _waiting(b: Builder, node: OnnxNode, inputs: Sequence[Entry | None]) -> Entry:
    raise UnsupportedOperatorError("its input is not a DynamicQuantizeLinear's; export in the QDQ format")


def hint(unknown: Iterable[str]) -> str:
    """Return what to do about operators of the formats that are not read."""
    fused = ("QLinear", "QGemm", "QAttention", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM")
    if any(kind.rpartition(".")[2].startswith(fused) for kind in unknown):
        return (
            "the model is quantized in the QOperator format: write it as quant_format=QuantFormat.QDQ, or leave "
            "quantizing to mcuq"
        )
    return ""


READERS: dict[str, Callable[[Builder, OnnxNode, Sequence[Entry | None]], Entry | Sequence[Entry]]] = {
    "ConvInteger": _waiting,
    "DequantizeLinear": _waiting,
    "DynamicQuantizeLinear": dynamic_quantize,
    "MatMulInteger": _waiting,
    "QuantizeLinear": quantize,
    "com.microsoft.DequantizeLinear": _waiting,
    "com.microsoft.QuantizeLinear": quantize,
}
