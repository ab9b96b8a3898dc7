"""ONNX normalizations; see :mod:`mcuq.frontends.onnx_ops`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.onnx_builder import Builder, Constant, Entry
from mcuq.frontends.onnx_file import OnnxNode
from mcuq.frontends.onnx_products import activation, constant_of
from mcuq.frontends.onnx_shapes import axis_of, first
from mcuq.ops.abs import Abs
from mcuq.ops.div import Div
from mcuq.ops.group_norm import GroupNorm
from mcuq.ops.l2_norm import L2Norm
from mcuq.ops.layer_norm import LayerNorm
from mcuq.ops.normalization import NormalizeOp
from mcuq.ops.rms_norm import RmsNorm
from mcuq.ops.sum import Sum
from mcuq.tensor import Array, Shape

Inputs = Sequence[Entry | None]
Reader = Callable[[Builder, OnnxNode, Inputs], Entry]


def _of_rows(op: type[NormalizeOp]) -> Reader:
    """Return the reader of a norm over all dimensions from an axis on, which become one."""

    def reader(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
        x = activation(first(inputs))
        axis = axis_of(node, len(x.shape), -1)
        depth = math.prod(x.shape[axis:])
        rows = b.reshape(x, (*x.shape[:axis], depth))
        factor = constant_of(inputs[1], "the factor").real()
        summand = constant_of(inputs[2], "the summand").real() if len(inputs) > 2 and inputs[2] else np.zeros(1)
        constants = (_channels(part, x.shape[axis:]) for part in (factor, summand))
        return b.reshape(b.emit(op(node.real("epsilon", 1e-5)), rows, *constants), x.shape)

    return reader


def _channels(part: Array, shape: Shape) -> Constant:
    return Constant(np.broadcast_to(part, shape).ravel().astype(np.float32))


def _group_norm(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read GroupNormalization and InstanceNormalization of [1, C, ...]; before opset 21 factors are one per group."""
    x = activation(first(inputs))
    if len(x.shape) < 3 or x.shape[0] != 1:
        raise UnsupportedOperatorError(f"takes [1, C, ...], not shape {x.shape}")
    channels = x.shape[1]
    groups = node.integer("num_groups", 1) if node.kind == "GroupNormalization" else channels
    factor, summand = (constant_of(entry, "a parameter").real().ravel() for entry in inputs[1:3])
    constants = [Constant(np.repeat(part, channels // part.size)) for part in (factor, summand)]
    image = b.image(b.reshape(x, (1, channels, x.shape[2], math.prod(x.shape[3:]))))
    y = b.emit(GroupNorm(node.real("epsilon", 1e-5), groups), image, *constants)
    return b.reshape(b.channels_first(y, 4), x.shape)


def _lp_norm(b: Builder, node: OnnxNode, inputs: Inputs) -> Entry:
    """Read LpNormalization along an axis."""
    x = activation(first(inputs))
    axis, last = axis_of(node, len(x.shape), -1), len(x.shape) - 1
    if node.integer("p", 2) == 1:
        return b.emit(Div(), x, b.emit(Sum((axis,), keep_dims=True), b.emit(Abs(), x)))
    swapped = [*range(last + 1)]
    swapped[axis], swapped[last] = last, axis
    return b.transpose(b.emit(L2Norm(), b.transpose(x, swapped)), swapped)


READERS: Mapping[str, Reader] = {
    "GroupNormalization": _group_norm,
    "InstanceNormalization": _group_norm,
    "LayerNormalization": _of_rows(LayerNorm),
    "LpNormalization": _lp_norm,
    "RMSNormalization": _of_rows(RmsNorm),
    "SimplifiedLayerNormalization": _of_rows(RmsNorm),
}
