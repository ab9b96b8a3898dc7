"""Cross-layer equalization: scale channels between two layers so that both have weights of like size.

For a layer, an activation f with f(s x) = s f(x) for s > 0, and a layer behind it, ``W2 f(W1 x + b1)`` is
``(W2 S) f(S^-1 (W1 x + b1))`` for any positive diagonal S; ``s = sqrt(r1 / r2)`` makes the channels' ranges r1 (of W1)
and r2 (of W2) equal; b1 counts as a weight, or the activations of channels that live by their bias alone would grow
without bound (M. Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV
2019, section 4.1). The float function stays what it was, to rounding. ReLU6 is no such activation: layers on either
side of it are left as they are, as are those with a known quantization between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcuq.float_graph import FloatGraph, consumers
from mcuq.graph import Node
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.groups import HOMOGENEOUS, WINDOWED
from mcuq.ops.mean import Mean
from mcuq.ops.pad import Pad
from mcuq.ops.pooling import PoolOp
from mcuq.tensor import Array, QConstant

MAX_ROUNDS = 50
CLOSE = 1e-3  # relative change of the scales at which a round is the last
DEAD = 1e-6  # of the largest channel's weights: a channel that small stays as it is

Reals = npt.NDArray[np.float64]
LINEAR = ("none", "relu")  # activations with f(s x) = s f(x)


class Pair(NamedTuple):
    """A layer and the one behind it, with nothing between that mixes channels or scales them unevenly."""

    first: Node
    second: Node


def equalize(graph: FloatGraph) -> FloatGraph:
    """Return the same function with weights of like size on both sides of every pair of layers."""
    found = list(pairs(graph))
    constants = dict(graph.constants)
    for _ in range(MAX_ROUNDS):
        changes = [_equalize(constants, pair) for pair in found]
        if max(changes, default=0.0) < CLOSE:
            break
    return replace(graph, constants=constants)


def pairs(graph: FloatGraph) -> Iterator[Pair]:
    """Yield the pairs of layers that can be equalized, in execution order."""
    readers = consumers(graph)
    for node in graph.nodes:
        if not _is_free(graph, node, readers) or getattr(node.op, "activation", "none") not in LINEAR:
            continue
        second = _next(graph, node, readers)
        while second is not None and not isinstance(second.op, WINDOWED):
            kept = graph.shape(second.outputs[0])[-1:]  # () of a scalar
            mixes = not kept or kept[0] % graph.shape(node.outputs[0])[-1]
            second = None if mixes else _next(graph, second, readers)
        if second is not None and _is_free(graph, second, readers) and _sees_channels(graph, node, second):
            yield Pair(node, second)


def _is_free(graph: FloatGraph, node: Node, readers: dict[str, list[Node]]) -> bool:
    """Whether a node is a layer whose constants are real numbers of its own."""
    return isinstance(node.op, WINDOWED) and all(
        name in graph.constants and not isinstance(graph.constants[name], QConstant) and len(readers[name]) == 1
        for name in node.inputs[1:]
    )


def _next(graph: FloatGraph, node: Node, readers: dict[str, list[Node]]) -> Node | None:
    """Return the one node behind, if it is a layer or lets every channel's scale through."""
    name = node.outputs[0]
    if name in graph.outputs or name in graph.known or len(readers[name]) != 1:
        return None
    reader = readers[name][0]
    if reader.inputs[0] != name or name in reader.inputs[1:]:
        return None
    return reader if isinstance(reader.op, WINDOWED) or _is_transparent(graph, reader) else None


def _is_transparent(graph: FloatGraph, node: Node) -> bool:
    op, shape = node.op, graph.shape(node.inputs[0])
    if isinstance(op, PoolOp):
        return op.activation in LINEAR
    if isinstance(op, Mean):
        return len(shape) - 1 not in {axis % len(shape) for axis in op.axes}
    if isinstance(op, Pad):
        return len(node.inputs) == 1 and not op.before[-1] and not op.after[-1]
    return isinstance(op, HOMOGENEOUS)


def _sees_channels(graph: FloatGraph, first: Node, second: Node) -> bool:
    """Whether the innermost dimension of the second layer's input is the channels, once or several times over."""
    channels = graph.shape(first.outputs[0])[-1]
    if isinstance(second.op, FullyConnected):
        return graph.shape(second.inputs[1])[1] % channels == 0
    return graph.shape(second.inputs[0])[-1] == channels


def _equalize(constants: dict[str, Array | QConstant], pair: Pair) -> float:
    """Scale one pair's constants; return the largest relative change."""
    weights = [np.asarray(constants[node.inputs[1]], np.float64) for node in pair]
    first = np.abs(_by_output(pair.first, weights[0])).max(axis=1)
    second = np.abs(_by_input(pair.second, weights[1], len(first))).max(axis=1)
    for name in pair.first.inputs[2:]:
        first = np.maximum(first, np.abs(np.asarray(constants[name], np.float64).ravel()))
    alive = (first > first.max() * DEAD) & (second > second.max() * DEAD)
    scale = np.sqrt(np.divide(first, second, out=np.ones_like(first), where=alive))
    for name in pair.first.inputs[2:]:
        bias = np.asarray(constants[name], np.float64)
        constants[name] = (bias / scale.reshape(bias.shape)).astype(np.float32)
    constants[pair.first.inputs[1]] = (weights[0] / _along_outputs(pair.first, scale)).astype(np.float32)
    constants[pair.second.inputs[1]] = (weights[1] * _along_inputs(pair.second, scale, weights[1])).astype(np.float32)
    return float(np.abs(scale - 1).max())


def _by_output(node: Node, weights: Reals) -> Reals:
    """Return weights as [output channels, others]."""
    first = np.moveaxis(weights, node.op.weights_axis or 0, 0)
    return first.reshape(len(first), -1)


def _by_input(node: Node, weights: Reals, channels: int) -> Reals:
    """Return weights as [input channels, others]."""
    if isinstance(node.op, DepthwiseConv2d):
        return np.moveaxis(weights, 3, 0).reshape(channels, -1)
    groups = node.op.groups if isinstance(node.op, Conv2d) else 1
    inputs = channels // groups
    return np.moveaxis(weights.reshape(groups, -1, inputs), 2, 1).reshape(channels, -1)


def _along_outputs(node: Node, scale: Reals) -> Reals:
    return (
        scale
        if isinstance(node.op, DepthwiseConv2d)
        else scale.reshape(-1, *(1,) * (1 + 2 * isinstance(node.op, Conv2d)))
    )


def _along_inputs(node: Node, scale: Reals, weights: Reals) -> Reals:
    """Return a scale per input channel in the shape of the weights, or one that broadcasts to it."""
    if isinstance(node.op, DepthwiseConv2d):
        return np.repeat(scale, weights.shape[3] // len(scale))
    if isinstance(node.op, Conv2d):
        groups = scale.reshape(node.op.groups, -1)
        return np.repeat(groups, len(weights) // len(groups), axis=0)[:, np.newaxis, np.newaxis]
    return np.tile(scale, weights.shape[1] // len(scale))
