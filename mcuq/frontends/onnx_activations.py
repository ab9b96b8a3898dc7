"""ONNX activations whose attributes say more than their names, and softmax; see :mod:`mcuq.frontends.onnx_ops`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mcuq.errors import MalformedModelError, UnsupportedOperatorError
from mcuq.frontends.batch import ONE_SOFTMAX
from mcuq.frontends.onnx_builder import Builder, Constant, Entry
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_products import activation, constant_of, two
from mcuq.frontends.onnx_shapes import first
from mcuq.ops.base import Op
from mcuq.ops.clip import Clip
from mcuq.ops.elu import Elu
from mcuq.ops.gelu import Gelu
from mcuq.ops.log_softmax import LogSoftmax
from mcuq.ops.logistic import Logistic
from mcuq.ops.mul import Mul
from mcuq.ops.prelu import PRelu
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.silu import Silu
from mcuq.ops.softmax import Softmax

Inputs = Sequence[Entry | None]


def clip(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Clip; its limits are attributes before opset 11."""
    x = activation(first(inputs))
    low, high = node.real("min", -math.inf), node.real("max", math.inf)
    given = [*inputs[1:3], None, None]
    low = constant_of(given[0], "the limit").number() if given[0] is not None else low
    high = constant_of(given[1], "the limit").number() if given[1] is not None else high
    low, high = (-math.inf if low <= -3.4e38 else low), (math.inf if high >= 3.4e38 else high)
    return b.emit(clipping(low, high), x) if (low, high) != (-math.inf, math.inf) else x


def clipping(low: float, high: float) -> Op:
    """Return the op that keeps values between two limits, infinite ones included."""
    if (low, high) == (0, math.inf):
        return Relu()
    return Relu6() if (low, high) == (0, 6) else Clip(low, high)


def elu(node: OnnxNode) -> Op:
    """Read Elu."""
    return Elu(node.real("alpha", 1.0))


def selu(node: OnnxNode) -> Op:
    """Read Selu, a scaled ELU."""
    return Elu(node.real("alpha", 1.67326319217681884765625), node.real("gamma", 1.05070102214813232421875))


def softmax(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read Softmax and LogSoftmax over any axis; before opset 13 over all dimensions from the axis on."""
    x = activation(first(inputs))
    op: Op = Softmax() if node.kind == "Softmax" else LogSoftmax()
    rank = len(x.shape)
    axis = node.integer("axis", 1 if node.opset < 13 else -1)
    if not -rank <= axis < max(rank, 1):
        raise MalformedModelError(f"axis {axis} of {rank} dimensions")
    axis %= rank
    if (x.shape[axis] if node.opset >= 13 else math.prod(x.shape[axis:])) == 1:
        raise UnsupportedOperatorError(ONE_SOFTMAX)
    if axis == rank - 1:
        return b.emit(op, x)
    if node.opset < 13:
        flat = (math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))
        return b.reshape(b.emit(op, b.reshape(x, flat)), x.shape)
    swapped = [*range(axis), rank - 1, *range(axis + 1, rank - 1), axis]
    return b.transpose(b.emit(op, b.transpose(x, swapped)), swapped)


def celu(node: OnnxNode) -> Op:
    """Read Celu, which is ELU where alpha is 1."""
    if node.real("alpha", 1.0) != 1:
        raise UnsupportedOperatorError(f"alpha {node.real('alpha', 1.0):g}; only 1, which is ELU, is supported")
    return Elu()


def swish(node: OnnxNode) -> Op:
    """Read Swish, which is SiLU where alpha is 1."""
    if node.real("alpha", 1.0) != 1:
        raise UnsupportedOperatorError(f"alpha {node.real('alpha', 1.0):g}; only 1, which is SiLU, is supported")
    return Silu()


def prelu(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read PRelu with one slope, or one per channel."""
    x, slope = two(inputs)
    x, slope = activation(x), constant_of(slope, "the slope")
    if slope.values.size == 1:
        return b.emit(PRelu(), x, slope.reshape((1,)))
    own = (1,) * (len(x.shape) - len(slope.shape)) + slope.shape
    if len(x.shape) in (3, 4) and len(own) == len(x.shape) and own[1] == slope.values.size:
        return b.channels_first(b.emit(PRelu(), b.image(x), slope.reshape((own[1],))), len(x.shape))
    return b.emit(PRelu(), x, slope)


def quick_gelu(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read ``x * sigmoid(alpha * x)``."""
    x = activation(first(inputs))
    inner = b.emit(Mul(), x, Constant(np.array(node.real("alpha", 1.702), np.float32)))
    return b.emit(Mul(), x, b.emit(Logistic(), inner))


def gelu(node: OnnxNode) -> Op:
    """Read Gelu."""
    return Gelu(node.text("approximate", "none"))
