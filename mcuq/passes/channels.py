"""Channels of a quantized graph: which layers keep them apart, and which are constant whatever the input.

A channel is an index along a value's last dimension.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from mcuq.errors import McuqError
from mcuq.fixedpoint import INT32_MAX, INT32_MIN, Int64, requantize
from mcuq.graph import Graph, Node
from mcuq.ops.conv2d import Conv2d, Conv2dParams
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d, DepthwiseConv2dParams
from mcuq.ops.fully_connected import FullyConnectedParams
from mcuq.ops.groups import CHANNELWISE
from mcuq.ops.mean import Mean
from mcuq.ops.reshape import Reshape
from mcuq.tensor import QConstant, QTensor, Shape

Mask = npt.NDArray[np.bool_]
Linear = Conv2dParams | DepthwiseConv2dParams | FullyConnectedParams
T = TypeVar("T", bound=np.generic)


class Bounds(NamedTuple):
    """Smallest and largest integer of every channel, at any position, for any input."""

    low: Int64
    high: Int64

    @property
    def constant(self) -> Mask:
        """Which channels have one value everywhere."""
        return np.asarray(self.low == self.high)


def linear(graph: Graph, node: Node) -> Linear | None:
    """Return the integers of a layer that sums products channel by channel; None for any other.

    None too for groups other than depthwise, and for a layer that cannot be lowered: ``plan`` says why.
    """
    if isinstance(node.op, Conv2d) and node.op.groups > 1:
        return None
    operands = [graph.tensor(n) for n in node.inputs]
    operands = [c.in_bytes if isinstance(c, QConstant) else c for c in operands]
    try:
        params = node.op.lowered(operands, graph.values[node.outputs[0]])
    except McuqError:
        return None
    if isinstance(params, FullyConnectedParams) and params.input_c % channels(graph, node.inputs[0]):
        return None
    return params if isinstance(params, Linear) else None


def channels(graph: Graph, value: str) -> int:
    """Return how many channels a value has."""
    return last(graph.values[value].shape)


def last(shape: Shape) -> int:
    """Return the size of the last dimension; 1 of a scalar."""
    return shape[-1] if shape else 1


def filters(graph: Graph, node: Node, params: Linear) -> Int64:
    """Return a layer's weights as [output channels, taps, input channels]; a depthwise filter has one input channel."""
    weights = params.weights.astype(np.int64)
    if isinstance(params, DepthwiseConv2dParams):
        return np.moveaxis(weights, 2, 0).reshape(weights.shape[2], -1, 1)
    return weights.reshape(len(weights), -1, channels(graph, node.inputs[0]))


def is_padded(node: Node) -> bool:
    """Whether a window of this layer may lie partly outside the image, where it sees the zero point."""
    return any(getattr(node.op, "padding", ()))


def is_channelwise(graph: Graph, node: Node) -> bool:
    """Whether output channel c depends on channel c of the inputs alone (after a reshape: c modulo their number)."""
    operands = node.inputs[: node.op.operands]
    if not isinstance(node.op, CHANNELWISE) or not all(name in graph.values for name in operands):
        return False
    shape, made = graph.values[operands[0]].shape, channels(graph, node.outputs[0])
    if isinstance(node.op, Reshape):
        return made % last(shape) == 0
    if isinstance(node.op, Mean) and any(axis % len(shape) == len(shape) - 1 for axis in node.op.axes):
        return False
    return all(channels(graph, name) == made for name in operands)


def expand(node: Node, per_input: npt.NDArray[T], outputs: int) -> npt.NDArray[T]:
    """Carry something known per input channel to the output channels of a depthwise or channelwise layer."""
    times = outputs // len(per_input)
    return np.repeat(per_input, times) if isinstance(node.op, DepthwiseConv2d) else np.tile(per_input, times)


def channel_bounds(graph: Graph) -> dict[str, Bounds]:
    """Bound every channel of every value, by interval arithmetic through the layers that sum products."""
    bounds = {name: _any(tensor) for name, tensor in graph.values.items()}
    for node in graph.nodes:
        if params := linear(graph, node):
            bounds[node.outputs[0]] = _linear_bounds(graph, node, params, bounds[node.inputs[0]])
        elif is_channelwise(graph, node):
            bounds[node.outputs[0]] = _constants(graph, node, bounds)
    return bounds


def _any(tensor: QTensor) -> Bounds:
    low, high = (np.full(last(tensor.shape), limit, np.int64) for limit in tensor.limits)
    return Bounds(low, high)


def _linear_bounds(graph: Graph, node: Node, params: Linear, x: Bounds) -> Bounds:
    """Bound the accumulators, then requantize both bounds: that never changes their order, unless int32 wraps."""
    low, high = x.low - params.input_zero_point, x.high - params.input_zero_point
    if is_padded(node):
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    weights = filters(graph, node, params)
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    if isinstance(params, DepthwiseConv2dParams):
        low, high = (expand(node, bound, len(weights))[:, np.newaxis] for bound in (low, high))
    least = params.bias + (positive * low + negative * high).sum(axis=1)
    most = params.bias + (positive * high + negative * low).sum(axis=1)
    left = np.maximum(params.shift.astype(np.int64), 0)
    wraps = (((least << left) < INT32_MIN) | ((most << left) > INT32_MAX)) & (least != most)
    least, most = (
        np.clip(
            requantize(acc, params.multiplier, params.shift) + params.output_zero_point,
            params.activation_min,
            params.activation_max,
        )
        for acc in (least, most)
    )
    return Bounds(np.where(wraps, params.activation_min, least), np.where(wraps, params.activation_max, most))


def _constants(graph: Graph, node: Node, bounds: Mapping[str, Bounds]) -> Bounds:
    """Run a channelwise layer on its inputs' constants; what is not constant may be anything."""
    output = graph.values[node.outputs[0]]
    anything = _any(output)
    operands = node.inputs[: node.op.operands]
    known = np.all([expand(node, bounds[name].constant, last(output.shape)) for name in operands], axis=0)
    if not known.any():
        return anything
    tensors = [graph.tensor(name) for name in node.inputs]
    try:
        params = node.op.lowered(tensors, output)
    except McuqError:
        return anything
    filled = [np.broadcast_to(bounds[n].low, graph.values[n].shape).astype(graph.values[n].dtype) for n in operands]
    result = params.run(*(x.reshape(1, -1) for x in filled)).view(output.dtype).reshape(-1, last(output.shape))
    known &= (result == result[0]).all(axis=0)
    return Bounds(*(np.where(known, result[0].astype(np.int64), limit) for limit in anything))
