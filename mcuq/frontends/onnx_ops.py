"""One function per ONNX operator: the operator and its operands to nodes.

Each takes the builder, the operator and its operands (None where an optional one is left out), and returns its output,
or a list of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends import (
    onnx_activations,
    onnx_pools,
    onnx_products,
    onnx_recurrent,
    onnx_resize,
    onnx_shapes,
    onnx_windows,
)
from mcuq.frontends.onnx_builder import Builder, Constant, Entry
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_products import activation, binary, constant_of, two
from mcuq.frontends.onnx_shapes import first
from mcuq.ops.abs import Abs
from mcuq.ops.add import Add
from mcuq.ops.base import Op
from mcuq.ops.gelu import Gelu
from mcuq.ops.hard_sigmoid import HardSigmoid
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.logistic import Logistic
from mcuq.ops.mish import Mish
from mcuq.ops.mul import Mul
from mcuq.ops.relu import Relu
from mcuq.ops.softplus import Softplus
from mcuq.ops.sub import Sub
from mcuq.ops.tanh import Tanh

Inputs = Sequence[Entry | None]
Reader = Callable[[Builder, OnnxNode, Inputs], Entry | Sequence[Entry]]


def _commutative(op: Op) -> Reader:
    def reader(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
        x, y = two(inputs)
        return binary(b, op, *((y, x) if isinstance(x, Constant) else (x, y)))

    return reader


def _sub(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Sub; less a constant is plus its negative."""
    x, y = two(inputs)
    if isinstance(y, Constant) and y.scale is None:
        return binary(b, Add(), x, Constant(-y.real()))
    return binary(b, Sub(), x, y)


def _div(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Div by a constant: times its reciprocal."""
    x, y = two(inputs)
    divisor = constant_of(y, "the divisor").real().astype(np.float64)
    if not np.all(divisor):
        raise MalformedModelError("it divides by 0")
    return binary(b, Mul(), x, Constant((1 / divisor).astype(np.float32)))


def _power(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Pow with the exponent 2 or 3."""
    x, y = two(inputs)
    exponent = constant_of(y, "the exponent").number()
    if exponent not in (1, 2, 3):
        raise UnsupportedOperatorError(f"the exponent {exponent:g}; 2 and 3 are supported")
    base = activation(x)
    result = base
    for _ in range(int(exponent) - 1):
        result = b.emit(Mul(), result, base)
    return result


def _neg(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    return b.emit(Mul(), activation(first(inputs)), Constant(np.array(-1, np.float32)))


def _unary(make: Callable[[OnnxNode], Op]) -> Reader:
    """Return the reader of an element-wise operator."""

    def reader(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
        return b.emit(make(node), activation(first(inputs)))

    return reader


def _cast(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Cast between float types, which does nothing."""
    import onnx

    x, dtype = first(inputs), onnx.helper.tensor_dtype_to_np_dtype(node.integer("to", 1))
    if dtype.name not in ("float16", "bfloat16", "float32", "float64"):
        raise UnsupportedOperatorError(f"a cast of an activation to {dtype.name}")
    return x


def _cast_like(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read CastLike: activations are float, and so becomes what is cast to their type."""
    x, like = two(inputs)
    activation(like)
    return x


def _dropout(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    if len(inputs) > 2 and inputs[2] is not None and np.any(constant_of(inputs[2], "training_mode").values):
        raise UnsupportedOperatorError("training mode; export the model in inference mode (model.eval())")
    return first(inputs)


def _expand(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Expand: times ones of the wanted shape."""
    x = activation(first(inputs))
    target = tuple(int(d) for d in onnx_shapes.constants(inputs, "the shape")[0].ravel())
    shape = np.broadcast_shapes(x.shape, target)
    if shape == x.shape:
        return x
    if math.prod(shape) > 1 << 20:
        raise MalformedModelError(f"it makes shape {shape} of {x.shape}")
    return binary(b, Mul(), x, Constant(np.ones(shape, np.float32)))


def _sum(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Sum of any number of operands."""
    total = first(inputs)
    for entry in inputs[1:]:
        total = _commutative(Add())(b, node, [total, entry])  # type: ignore[assignment]
    return total


def _mean(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Mean of any number of operands: their sum times the reciprocal of that number."""
    share = np.array(1 / len(inputs), np.float32)
    return binary(b, Mul(), _sum(b, node, inputs), Constant(share)) if len(inputs) > 1 else first(inputs)


def _limit(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Max or Min of an activation and a number."""
    x, y = two(inputs)
    x, y = (y, x) if isinstance(x, Constant) else (x, y)
    limit = constant_of(y, "the limit").number()
    low, high = (limit, math.inf) if node.kind == "Max" else (-math.inf, limit)
    return b.emit(onnx_activations.clipping(low, high), activation(x))


def _part(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    raise UnsupportedOperatorError(f"mcuq has {node.kind} only as part of GELU, softplus or a sign")


READERS: dict[str, Reader] = {
    "Abs": _unary(lambda node: Abs()),
    "Add": _commutative(Add()),
    "AveragePool": onnx_pools.average_pool,
    "BatchNormalization": onnx_products.batch_normalization,
    "Cast": _cast,
    "CastLike": _cast_like,
    "Celu": _unary(onnx_activations.celu),
    "Clip": onnx_activations.clip,
    "Concat": onnx_shapes.concat,
    "Conv": onnx_windows.conv,
    "ConvTranspose": onnx_windows.conv_transpose,
    "DepthToSpace": onnx_shapes.depth_to_space,
    "Div": _div,
    "Dropout": _dropout,
    "Elu": _unary(onnx_activations.elu),
    "Erf": _part,
    "Expand": _expand,
    "Flatten": onnx_shapes.reshape(onnx_shapes.reshaped),
    "GRU": onnx_recurrent.read,
    "Gather": onnx_shapes.gather,
    "GatherND": onnx_shapes.gather_nd,
    "Gelu": _unary(onnx_activations.gelu),
    "Gemm": onnx_products.gemm,
    "GlobalAveragePool": onnx_pools.global_average_pool,
    "GlobalMaxPool": onnx_pools.global_max_pool,
    "Greater": _part,
    "GreaterOrEqual": _part,
    "HardSigmoid": _unary(lambda node: HardSigmoid(node.real("alpha", 0.2), node.real("beta", 0.5))),
    "HardSwish": _unary(lambda node: HardSwish()),
    "Identity": onnx_shapes.identity,
    "LSTM": onnx_recurrent.read,
    "LeakyRelu": _unary(lambda node: LeakyRelu(node.real("alpha", 0.01))),
    "LogSoftmax": onnx_activations.log_softmax,
    "MatMul": onnx_products.matmul_operator,
    "Max": _limit,
    "MaxPool": onnx_pools.max_pool,
    "Mean": _mean,
    "Min": _limit,
    "Mish": _unary(lambda node: Mish()),
    "Mul": _commutative(Mul()),
    "Neg": _neg,
    "PRelu": onnx_activations.prelu,
    "Pad": onnx_shapes.pad,
    "Pow": _power,
    "RNN": onnx_recurrent.read,
    "ReduceMax": onnx_pools.reduce_max,
    "ReduceMean": onnx_pools.reduce_mean,
    "ReduceSum": onnx_pools.reduce_sum,
    "Relu": _unary(lambda node: Relu()),
    "Reshape": onnx_shapes.reshape(onnx_shapes.reshaped),
    "Resize": onnx_resize.resize,
    "Selu": _unary(onnx_activations.selu),
    "Sigmoid": _unary(lambda node: Logistic()),
    "Slice": onnx_shapes.slice_,
    "Softmax": onnx_activations.softmax,
    "Softplus": _unary(lambda node: Softplus()),
    "SpaceToDepth": onnx_shapes.space_to_depth,
    "Split": onnx_shapes.split,
    "Squeeze": onnx_shapes.reshape(onnx_shapes.squeezed),
    "Sub": _sub,
    "Sum": _sum,
    "Swish": _unary(onnx_activations.swish),
    "Tanh": _unary(lambda node: Tanh()),
    "Tile": onnx_shapes.tile,
    "Transpose": onnx_shapes.transpose,
    "Unsqueeze": onnx_shapes.reshape(onnx_shapes.unsqueezed),
    "Upsample": onnx_resize.resize,
    "Where": _part,
    "com.microsoft.Gelu": _unary(lambda node: Gelu()),
    "com.microsoft.QuickGelu": onnx_activations.quick_gelu,
}
