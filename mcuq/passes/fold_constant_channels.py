"""Remove channels that are constant, or that nothing reads; what they add goes into the next layer's bias.

Trained networks have dead filters: all weights zero, or an output that saturates whatever the input is. Such a channel
is a constant, so the next layer multiplies known numbers. In the VWW reference model half of the multiplications are of
that kind: its pointwise layers have up to 234 dead filters of 256, constants at and away from the zero point, and
nearly all the layers after them have zero weights there.

A channel goes when

- it is made by a convolution, depthwise convolution or fully connected layer, or carried on by a layer that keeps
  channels apart (depthwise, pooling, mean over rows and columns, padding, resizing, element-wise, reshape): then it
  goes from all layers along the way together;
- every layer that sums over it (convolution, fully connected) has zero weights for it, or it is constant and adds the
  same at every position: no padding, or its constant is the zero point, which is what the padding holds.

Whether a channel is constant is proven by interval arithmetic over all inputs, borders included
(:func:`mcuq.passes.channels.channel_bounds`). What a removed channel added to an accumulator is one of the terms that
the overflow proof already counts, so the new bias is an int32 and the accumulator proof still holds.

Not folded: model inputs and outputs; channels that a softmax, a concatenation, a grouped convolution, or an
element-wise layer with a constant operand reads or makes; a constant away from the zero point into a padded
convolution with weights for it (its contribution is another one at each border). A layer keeps at least one channel.
What is left is not rounded up to a kernel's tile: the layers it would matter for are the ones that cost least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mcuq.fixedpoint import Int64
from mcuq.graph import Graph, Node, with_states, without_states
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.reshape import Reshape
from mcuq.passes.channels import (
    Bounds,
    Mask,
    channel_bounds,
    channels,
    expand,
    filters,
    is_channelwise,
    is_padded,
    linear,
)
from mcuq.tensor import Array, QConstant


class Folded(NamedTuple):
    """What a fold saved: channels of how many, and multiply-accumulates before and after."""

    channels: int
    of: int
    macs_before: int
    macs_after: int

    @property
    def lines(self) -> list[str]:
        """What to tell the user: one line, or none."""
        share = f"{self.channels:,} of {self.of:,} channels are constant or unused and are left out, same bytes"
        return [f"{share}: {self.macs_before:,} -> {self.macs_after:,} multiply-accumulates"] if self.channels else []


def fold_constant_channels(graph: Graph) -> Graph:
    """Return a graph that computes the same bytes with fewer channels; the graph itself when there is none to fold.

    Before::

        conv2d_0 [1, 1, 8, 4] --a: 6x6x4, channel 2 is always 5--> conv2d_1 [1, 1, 4, 9] --b: 6x6x9-->

    After::

        conv2d_0 [1, 1, 8, 3] --a: 6x6x3--> conv2d_1 [1, 1, 3, 9], bias + (5 - zero_point) * w[2] --b: 6x6x9-->

    Nodes and values keep their names. States stay whole, as inputs and outputs do.
    """
    if graph.states:
        stateless = without_states(graph)
        folded = fold_constant_channels(stateless)
        return graph if folded is stateless else with_states(folded, graph).verify()
    while True:
        bounds = channel_bounds(graph)
        dropped = _removable(graph, bounds)
        if not any(mask.any() for mask in dropped.values()):
            return graph
        graph = _without(graph, dropped, bounds)


def saved(before: Graph, after: Graph) -> Folded:
    """Count what a fold removed from the layers that sum products."""
    made = [(node.outputs[0], node.op.macs(*_shapes(before, node))) for node in before.nodes]
    counts = [(channels(before, name), channels(after, name)) for name, macs in made if macs]
    return Folded(
        channels=sum(old - new for old, new in counts),
        of=sum(old for old, _ in counts),
        macs_before=sum(macs for _, macs in made),
        macs_after=sum(node.op.macs(*_shapes(after, node)) for node in after.nodes),
    )


def _shapes(graph: Graph, node: Node) -> list[tuple[int, ...]]:
    return [graph.tensor(name).shape for name in node.inputs]


def _removable(graph: Graph, bounds: Mapping[str, Bounds]) -> dict[str, Mask]:
    """Return which channels of every value can go."""
    free = {name: np.zeros(channels(graph, name), bool) for name in graph.values}
    links, sums = _sorted(graph)
    for node in (*links, *sums):
        free[node.outputs[0]][:] = node.outputs[0] not in graph.outputs
    apart = {node.name for node in links}
    for node in graph.nodes:
        for name in () if node.name in apart else {*node.inputs} & graph.values.keys():
            free[name] &= _is_known(graph, node, bounds[name])
    while _keep_apart(graph, links, free) or _keep_one(free):
        pass
    return free


def _sorted(graph: Graph) -> tuple[list[Node], list[Node]]:
    """Return the layers that keep channels apart, and those that sum over them."""
    depthwise = [n for n in graph.nodes if isinstance(n.op, DepthwiseConv2d) and linear(graph, n)]
    apart = [*depthwise, *(n for n in graph.nodes if is_channelwise(graph, n))]
    return apart, [n for n in graph.nodes if n not in apart and linear(graph, n)]


def _is_known(graph: Graph, node: Node, x: Bounds) -> Mask:
    """Return for which input channels a layer needs no data to know what they contribute."""
    params = linear(graph, node)
    if not params:
        return np.zeros(len(x.low), bool)
    everywhere = (x.low == params.input_zero_point) if is_padded(node) else True
    ignored = ~filters(graph, node, params).any(axis=(0, 1))
    return np.asarray(ignored | (x.constant & everywhere))


def _keep_apart(graph: Graph, links: Sequence[Node], free: dict[str, Mask]) -> bool:
    """Let a channel stay on both sides of a layer that keeps channels apart, or on none; whether anything changed."""
    before = sum(int(mask.sum()) for mask in free.values())
    for node in links:
        output = node.outputs[0]
        for name in node.inputs[: node.op.operands]:
            free[output] &= expand(node, free[name], channels(graph, output))
        for name in node.inputs[: node.op.operands]:
            free[name] &= _gather(node, free[output], channels(graph, name))
    return before != sum(int(mask.sum()) for mask in free.values())


def _gather(node: Node, per_output: Mask, inputs: int) -> Mask:
    """Return for which input channels something holds at all the output channels they lead to."""
    if isinstance(node.op, DepthwiseConv2d):
        return np.asarray(per_output.reshape(inputs, -1).all(axis=1))
    return np.asarray(per_output.reshape(-1, inputs).all(axis=0))


def _keep_one(free: Mapping[str, Mask]) -> bool:
    """Keep the first channel of a value that would lose all; whether there was one."""
    for mask in free.values():
        if mask.all():
            mask[0] = False
            return True
    return False


def _without(graph: Graph, dropped: Mapping[str, Mask], bounds: Mapping[str, Bounds]) -> Graph:
    """Return the graph without these channels."""
    values = {
        name: replace(tensor, shape=(*tensor.shape[:-1], int((~dropped[name]).sum())))
        if dropped[name].any()
        else tensor
        for name, tensor in graph.values.items()
    }
    nodes: list[Node] = []
    constants = dict(graph.constants)
    for node in graph.nodes:
        touched = any(dropped[n].any() for n in (*node.inputs, *node.outputs) if n in dropped)
        if touched and isinstance(node.op, Reshape):
            nodes.append(replace(node, op=replace(node.op, shape=values[node.outputs[0]].shape)))
        elif touched and not is_channelwise(graph, node):
            weights, bias = _constants(graph, node, dropped, bounds[node.inputs[0]])
            names = tuple(_names(graph, node, constants))
            constants |= dict(zip(names, (weights, bias), strict=True))
            nodes.append(replace(node, inputs=(node.inputs[0], *names)))
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.inputs}
    kept = {name: constant for name, constant in constants.items() if name in used}
    return replace(graph, nodes=tuple(nodes), values=values, constants=kept).verify()


def _constants(graph: Graph, node: Node, dropped: Mapping[str, Mask], x: Bounds) -> tuple[QConstant, QConstant]:
    """Return a layer's weights and bias without the channels that its input and output lose."""
    params = linear(graph, node)
    assert params, node.name
    taken, kept = dropped[node.inputs[0]], ~dropped[node.outputs[0]]
    weights = graph.constants[node.inputs[1]]
    bias = params.bias.astype(np.int64)
    if isinstance(node.op, DepthwiseConv2d):
        values: Array = weights.values[..., kept]
    else:
        per_channel = filters(graph, node, params).sum(axis=1)
        bias = bias + per_channel[:, taken] @ (x.low - params.input_zero_point)[taken]
        values = weights.values[kept].reshape(int(kept.sum()), -1, len(taken))[:, :, ~taken]
        values = values.reshape(*_filter_shape(weights, int(kept.sum()), values))
    scale = weights.scale.reshape(-1)[kept] if weights.scale.size > 1 else weights.scale
    codebook = weights.codebook
    if codebook is not None and len(codebook) > 1:
        codebook = codebook[kept]
    return replace(weights, values=values, scale=scale, codebook=codebook), _bias(graph, node, bias, kept)


def _filter_shape(weights: QConstant, outputs: int, values: Array) -> tuple[int, ...]:
    """[O, h, w, I] or [O, I] for the weights that are left."""
    window = weights.shape[1:-1]
    return (outputs, *window, values.size // (outputs * int(np.prod(window))))


def _bias(graph: Graph, node: Node, bias: Int64, kept: Mask) -> QConstant:
    old = graph.constants[node.inputs[2]] if len(node.inputs) > 2 else QConstant(bias, np.ones(1))
    scale = old.scale.reshape(-1)[kept] if old.scale.size > 1 else old.scale
    return replace(old, values=bias[kept].astype(np.int32), scale=scale)


def _names(graph: Graph, node: Node, constants: Mapping[str, QConstant]) -> Iterator[str]:
    """Yield names for a layer's own weights and bias: the old ones, unless another layer uses them too."""
    users = [name for other in graph.nodes for name in other.inputs]
    for position, what in enumerate(("weights", "bias"), 1):
        name = node.inputs[position] if position < len(node.inputs) else ""
        if users.count(name) != 1:
            name = f"{node.name}_{what}"
            while name in constants or name in graph.values:
                name += "_"
        yield name
