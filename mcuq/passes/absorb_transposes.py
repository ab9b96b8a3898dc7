"""Let fully connected layers take the order of elements that a transpose would bring them into.

A flattened image is read by a fully connected layer, whose weights have a column for every element; a decoder's first
layer makes an image, its weights have a row for every element. Permuting columns or rows is free, so the transpose
becomes a reshape. On the way the elements may pass other reshapes, element-wise layers and, towards the columns,
concatenations of vectors; constants there are permuted too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from mcuq.float_graph import FloatGraph, consumers
from mcuq.graph import Node
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.groups import BROADCASTING, UNARY
from mcuq.ops.reshape import Reshape
from mcuq.ops.transpose import Transpose
from mcuq.passes.rewriting import free_name, is_inner, producers, pruned
from mcuq.tensor import Array, QConstant


def absorb_transposes(graph: FloatGraph) -> FloatGraph:
    """Turn every transpose into a reshape that fully connected layers behind or before it can make up for.

    Before::

        a [1, 4, 4, 8] -> transpose (0, 3, 1, 2) -> reshape [1, 128] -> fully_connected [10, 128]

    After::

        a [1, 4, 4, 8] -> reshape [1, 8, 4, 4] -> reshape [1, 128] -> fully_connected [10, 128], columns permuted
    """
    for node in graph.nodes:
        if isinstance(node.op, Transpose):
            graph = _behind(graph, node) or _before(graph, node) or graph
    return pruned(graph)


@dataclass
class _Permuted:
    """Nodes that change when values have their elements in another order: ``value == new.ravel()[order]``."""

    graph: FloatGraph
    orders: dict[str, Array] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    constants: dict[str, Array | QConstant] = field(default_factory=dict)

    def replaced(self) -> FloatGraph:
        nodes = tuple(self.nodes.get(node.name, node) for node in self.graph.nodes)
        return replace(self.graph, nodes=nodes, constants={**self.graph.constants, **self.constants})

    def constant(self, name: str, changed: Array | QConstant) -> str:
        new = free_name(f"{name}_permuted", {*self.graph.shapes, *self.graph.constants, *self.constants})
        self.constants[new] = changed
        return new

    def operands(self, node: Node, order: Array) -> bool:
        """Permute the constant operands of an element-wise layer; whether that can be done."""
        inputs = []
        for name in node.inputs:
            constant = self.graph.constants.get(name)
            if constant is None or math.prod(constant.shape) == 1:
                inputs.append(name)
            elif math.prod(constant.shape) == len(order):
                inputs.append(self.constant(name, _taken(constant, np.argsort(order))))
            else:
                return False
        self.nodes[node.name] = replace(node, inputs=tuple(inputs))
        return True


def _behind(graph: FloatGraph, transpose: Node) -> FloatGraph | None:
    """Let the layers that read a transpose's output take its input's order."""
    output = transpose.outputs[0]
    permuted = _Permuted(graph, {output: _order(graph, transpose)})
    permuted.nodes[transpose.name] = replace(transpose, op=Reshape(graph.shapes[output]))
    readers = consumers(graph)
    for node in graph.nodes:
        if node is not transpose and permuted.orders.keys() & set(node.inputs) and not _follows(permuted, node):
            return None
    if any(name in graph.outputs or not readers[name] for name in permuted.orders):
        return None
    return permuted.replaced()


def _follows(permuted: _Permuted, node: Node) -> bool:
    """Change a node so that it takes its operands in their new order; whether it can."""
    graph, out = permuted.graph, node.outputs[0]
    if isinstance(node.op, FullyConnected):
        return _columns(permuted, node)
    if isinstance(node.op, Concatenation):
        shapes = [graph.shape(name) for name in node.inputs]
        order = _concatenated(permuted.orders, node, [math.prod(shape) for shape in shapes])
        outer = math.prod(shapes[0][: node.op.axis % len(shapes[0])])
    elif isinstance(node.op, (Reshape, *UNARY)) or _with_constants(graph, node):
        order, outer = next(permuted.orders[name] for name in node.inputs if name in permuted.orders), 1
        if not permuted.operands(node, order):
            return False
    else:
        return False
    permuted.orders[out] = order
    return outer == 1 and len(order) == math.prod(graph.shapes[out])


def _columns(permuted: _Permuted, node: Node) -> bool:
    x, name = node.inputs[0], node.inputs[1]
    constant = permuted.graph.constants.get(name)
    if constant is None or constant.shape[1] != len(permuted.orders[x]):
        return False
    new = permuted.constant(name, _taken(constant, np.argsort(permuted.orders[x]), axis=1))
    permuted.nodes[node.name] = replace(node, inputs=(x, new, *node.inputs[2:]))
    return True


def _concatenated(orders: Mapping[str, Array], node: Node, sizes: list[int]) -> Array:
    starts = np.cumsum([0, *sizes])
    parts = (orders.get(n, np.arange(size)) + start for n, size, start in zip(node.inputs, sizes, starts, strict=False))
    return np.concatenate(list(parts))


def _before(graph: FloatGraph, transpose: Node) -> FloatGraph | None:
    """Let the fully connected layer that makes a transpose's input make its output instead."""
    order, made = _order(graph, transpose), producers(graph)
    permuted = _Permuted(graph)
    permuted.nodes[transpose.name] = replace(transpose, op=Reshape(graph.shapes[transpose.outputs[0]]))
    name = transpose.inputs[0]
    while is_inner(graph, name):
        node = made[name]
        if isinstance(node.op, FullyConnected):
            return _rows(permuted, node, order)
        if not (isinstance(node.op, (Reshape, *UNARY)) or _with_constants(graph, node)):
            return None
        if not permuted.operands(node, np.argsort(order)):
            return None
        name = next(n for n in node.inputs if n in graph.shapes)
    return None


def _rows(permuted: _Permuted, node: Node, order: Array) -> FloatGraph | None:
    graph = permuted.graph
    if any(n not in graph.constants or graph.constants[n].shape[0] != len(order) for n in node.inputs[1:]):
        return None
    names = [permuted.constant(n, _taken(graph.constants[n], order, axis=0)) for n in node.inputs[1:]]
    permuted.nodes[node.name] = replace(node, inputs=(node.inputs[0], *names))
    return permuted.replaced()


def _with_constants(graph: FloatGraph, node: Node) -> bool:
    """Whether a node computes element by element, of one activation that has the output's size."""
    activations = [name for name in node.inputs if name in graph.shapes]
    if not isinstance(node.op, BROADCASTING) or len(activations) != 1:
        return False
    return math.prod(graph.shapes[activations[0]]) == math.prod(graph.shapes[node.outputs[0]])


def _order(graph: FloatGraph, transpose: Node) -> Array:
    """Return where in a transpose's input each element of its output lies."""
    assert isinstance(transpose.op, Transpose)
    shape = graph.shapes[transpose.inputs[0]]
    return np.arange(math.prod(shape)).reshape(shape).transpose(transpose.op.axes).ravel()


def _taken(constant: Array | QConstant, order: Array, axis: int | None = None) -> Array | QConstant:
    """Return a constant with the elements along an axis, or all of them, in another order."""
    if not isinstance(constant, QConstant):
        return constant.take(order, axis).reshape(constant.shape)
    made = replace(constant, values=constant.values.take(order, axis).reshape(constant.shape))
    if axis != constant.axis:
        return made
    scale, codebook = constant.scale, constant.codebook
    return replace(
        made,
        scale=scale[order] if scale.size > 1 else scale,
        codebook=codebook[order] if codebook is not None and len(codebook) > 1 else codebook,
    )
