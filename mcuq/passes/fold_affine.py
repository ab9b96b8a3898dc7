"""Fold per-channel products and sums (batch norms, normalizations) into the weights of neighbouring layers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mcuq.float_graph import FloatGraph, consumers
from mcuq.graph import Node
from mcuq.ops.base import Op
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.groups import AFFINE, WEIGHTED
from mcuq.ops.mul import Mul
from mcuq.ops.neg import Neg
from mcuq.ops.reshape import Reshape
from mcuq.ops.sub import Sub
from mcuq.passes.rewriting import free_name, is_inner, producers, pruned
from mcuq.passes.scaled_weights import scaled
from mcuq.tensor import Array, QConstant, Shape


@dataclass(frozen=True, eq=False)
class Affine:
    """``y = factor * x + offset`` for one activation x of y's shape; factor and offset broadcast to it, float64."""

    x: str
    factor: Array
    offset: Array
    activation: str

    def along_last(self, shape: Shape) -> tuple[Array, Array] | None:
        """Return factor and offset per index of the last dimension; None where they differ along another."""
        parts = (self.factor, self.offset)
        if any(math.prod(part.shape[:-1]) != 1 for part in parts):
            return None
        factor, offset = (np.broadcast_to(part.ravel(), shape[-1:]) for part in parts)
        return factor, offset


def fold_affine(graph: FloatGraph) -> FloatGraph:
    """Fold products and sums with constants into the layer before, or those behind; merge what is left.

    Before::

        x -> sub mean -> mul 1 / std -> conv2d w, b -> mul gamma -> add beta -> relu

    After::

        x -> conv2d w gamma / std, (b - sum of w mean / std) gamma + beta -> relu

    - Into the layer before, if it has no activation and no other reader: any per-channel product and sum.
    - Into the layers behind, if all of them take it: sums only where nothing is padded, as padding is 0 of the sum, not
      of what goes into it; a transposed convolution takes products alone.
    - Several on end, or one that differs between channels, become a 1x1 depthwise convolution: its weights are
      quantized per channel and its bias has 32 bits, where the constant of a product or sum has 8.

    Nothing is folded across a value whose quantization the model gives. Integer weights take products into their scales
    (:mod:`mcuq.passes.scaled_weights`) and sums into their bias, if that is real: they stay the same integers, or their
    opposites. Nothing is folded into those behind, whose scales belong to their outputs.
    """
    while True:
        changed = next(_folds(graph), None)
        if changed is None:
            return graph
        graph = pruned(changed)


def _folds(graph: FloatGraph) -> Iterator[FloatGraph]:
    """Yield the graph with one fold done, the best first."""
    affines = [(node, affine) for node in graph.nodes if (affine := _affine(graph, node))]
    for fold in (_into_producer, _into_readers, _into_depthwise):
        for node, affine in affines:
            if (changed := fold(graph, node, affine)) is not None:
                yield changed


def _affine(graph: FloatGraph, node: Node) -> Affine | None:
    """Read a sum, difference or product with a constant, or a negative."""
    if isinstance(node.op, Neg):
        return Affine(node.inputs[0], -np.ones(1), np.zeros(1), "none")
    if not isinstance(node.op, AFFINE) or sum(name in graph.constants for name in node.inputs) != 1:
        return None
    position = 0 if node.inputs[0] in graph.shapes else 1
    x, name = node.inputs[position], node.inputs[1 - position]
    if graph.shapes[x] != graph.shapes[node.outputs[0]] or isinstance(graph.constants[name], QConstant):
        return None
    constant, one, zero = graph.real(name).astype(np.float64), np.ones(1), np.zeros(1)
    if isinstance(node.op, Mul):
        return Affine(x, np.atleast_1d(constant), zero, node.op.activation)
    sign = -1 if isinstance(node.op, Sub) else 1  # of the second operand
    factor, offset = (one, sign * constant) if position == 0 else (sign * one, constant)
    return Affine(x, factor, np.atleast_1d(offset), node.op.activation)


def _into_producer(graph: FloatGraph, node: Node, affine: Affine) -> FloatGraph | None:
    before = producers(graph).get(affine.x)
    if (
        not before
        or not isinstance(before.op, WEIGHTED)
        or any(not isinstance(graph.constants.get(name), np.ndarray) for name in before.inputs[2:])
        or not _is_hidden(graph, affine.x)
        or not is_inner(graph, affine.x)
    ):
        return None
    channels = affine.along_last(graph.shapes[affine.x])
    if before.op.activation != "none" or channels is None:
        return None
    factor, offset = channels
    constant = graph.constants.get(before.inputs[1])
    weights = None if constant is None else scaled(constant, factor, before.op.weights_axis or 0)
    if weights is None:
        return None
    op = replace(before.op, activation=affine.activation)
    merged = replace(before, op=op, outputs=node.outputs)
    return _with_weights(_without(graph, node), merged, weights, _bias(graph, before, len(factor)) * factor + offset)


def _into_readers(graph: FloatGraph, node: Node, affine: Affine) -> FloatGraph | None:
    y = node.outputs[0]
    if affine.activation != "none" or not _is_hidden(graph, y):
        return None
    changed = replace(graph, nodes=tuple(n for n in graph.nodes if n is not node))
    pending = [(reader, y) for reader in consumers(graph)[y]]
    while pending:
        reader, name = pending.pop()
        if isinstance(reader.op, Reshape) and _is_hidden(graph, reader.outputs[0]):
            pending += [(after, reader.outputs[0]) for after in consumers(graph)[reader.outputs[0]]]
        elif (folded := _behind(graph, reader, affine, name)) is not None:
            changed = _with_weights(changed, reader, *folded)
        else:
            return None
    nodes = (replace(n, inputs=tuple(affine.x if name == y else name for name in n.inputs)) for n in changed.nodes)
    return replace(changed, nodes=tuple(nodes))


def _behind(graph: FloatGraph, reader: Node, affine: Affine, name: str) -> tuple[Array, Array] | None:
    """Return the weights and bias of a layer that reads ``affine.x`` in the place of its result."""
    if not _has_real_weights(graph, reader) or name in reader.inputs[1:]:
        return None
    weights, shape = graph.real(reader.inputs[1]).astype(np.float64), graph.shapes[affine.x]
    vector = weights.shape[1] if isinstance(reader.op, FullyConnected) else shape[-1]
    factor, offset = (_vector(part, shape, vector) for part in (affine.factor, affine.offset))
    is_image = isinstance(reader.op, FullyConnected) or graph.shapes[name] == shape
    if factor is None or offset is None or not is_image:
        return None
    is_padded = any(getattr(reader.op, "padding", ())) or isinstance(reader.op, ConvTranspose2d)
    if is_padded and np.any(offset):
        return None
    outputs = weights.shape[reader.op.weights_axis or 0]
    products = _spread(reader.op, offset, weights) * weights
    axes = tuple(d for d in range(weights.ndim) if d != reader.op.weights_axis)
    return weights * _spread(reader.op, factor, weights), _bias(graph, reader, outputs) + products.sum(axis=axes)


def _vector(part: Array, shape: Shape, size: int) -> Array | None:
    """Return what a layer sees in every vector of ``size`` elements; None where they differ."""
    if part.size == 1:
        return np.broadcast_to(part.ravel(), (size,))
    vectors = np.broadcast_to(part, shape).reshape(-1, size)
    return vectors[0] if np.all(vectors == vectors[0]) else None


def _spread(op: Op, per_input: Array, weights: Array) -> Array:
    """Bring something per input channel to the shape of a layer's weights."""
    if isinstance(op, DepthwiseConv2d):
        return np.repeat(per_input, weights.shape[3] // len(per_input))
    if not isinstance(op, Conv2d):
        return per_input
    groups = np.repeat(per_input.reshape(op.groups, -1), len(weights) // op.groups, axis=0)
    return groups[:, np.newaxis, np.newaxis]


def _into_depthwise(graph: FloatGraph, node: Node, affine: Affine) -> FloatGraph | None:
    """Make the last of a chain a 1x1 depthwise convolution of what the first one reads."""
    y = node.outputs[0]
    shape, readers = graph.shapes[y], consumers(graph)[y]
    if (
        len(shape) != 4
        or affine.along_last(shape) is None
        or (y not in graph.outputs and _goes_on(graph, affine, y, readers))
    ):
        return None
    length, x = 1, affine.x
    factor, offset = np.ones(shape[-1]) * affine.factor.ravel(), np.zeros(shape[-1]) + affine.offset.ravel()
    while link := _link(graph, x, shape):
        first, channels = link
        factor, offset, x, length = factor * channels[0], offset + factor * channels[1], first.x, length + 1
    if length == 1 and np.all(factor == factor[0]) and np.all(offset == offset[0]):
        return None
    made = replace(node, op=DepthwiseConv2d(activation=affine.activation), inputs=(x, ""))
    return _with_weights(graph, made, factor.reshape(1, 1, 1, -1), offset)


def _goes_on(graph: FloatGraph, affine: Affine, y: str, readers: list[Node]) -> bool:
    """Whether the only reader is the next of the chain."""
    if len(readers) != 1 or affine.activation != "none" or not _is_hidden(graph, y):
        return False
    after = _affine(graph, readers[0])
    return after is not None and after.along_last(graph.shapes[y]) is not None


def _link(graph: FloatGraph, x: str, shape: Shape) -> tuple[Affine, tuple[Array, Array]] | None:
    """Return the product or sum that makes x, if nothing else reads it."""
    before = producers(graph).get(x)
    affine = _affine(graph, before) if before and is_inner(graph, x) and _is_hidden(graph, x) else None
    channels = affine.along_last(shape) if affine and affine.activation == "none" else None
    return (affine, channels) if affine and channels is not None else None


def _has_real_weights(graph: FloatGraph, node: Node) -> bool:
    constants = [graph.constants.get(name) for name in node.inputs[1:]]
    return isinstance(node.op, WEIGHTED) and all(isinstance(constant, np.ndarray) for constant in constants)


def _is_hidden(graph: FloatGraph, name: str) -> bool:
    """Whether a value may vanish: no output, no quantization of the model's own."""
    return name not in graph.outputs and name not in graph.known


def _bias(graph: FloatGraph, node: Node, outputs: int) -> Array:
    return graph.real(node.inputs[2]).astype(np.float64).ravel() if len(node.inputs) > 2 else np.zeros(outputs)


def _without(graph: FloatGraph, node: Node) -> FloatGraph:
    return replace(graph, nodes=tuple(n for n in graph.nodes if n is not node))


def _with_weights(graph: FloatGraph, node: Node, weights: Array | QConstant, bias: Array) -> FloatGraph:
    """Return the graph with this node, under its name, and these weights and bias, its own."""
    taken = {*graph.shapes, *graph.constants}
    names = [free_name(f"{node.name}_folded_{what}", taken) for what in ("weights", "bias")]
    held = weights if isinstance(weights, QConstant) else weights.astype(np.float32)
    constants = {names[0]: held, names[1]: bias.astype(np.float32)}
    made = replace(node, inputs=(node.inputs[0], *names))
    nodes = tuple(made if n.name == node.name else n for n in graph.nodes)
    return replace(graph, nodes=nodes, constants={**graph.constants, **constants})
