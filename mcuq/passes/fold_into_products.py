"""Fold what stands around a product of two activations into it: single factors and transposes of the matrices.

This is what is left of attention beside its two products and the softmax between them: the scale of the scores, which
frameworks multiply queries, keys or scores by (or queries and keys by its root), and the transpose of the keys.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain

import numpy as np

from mcuq.float_graph import FloatGraph, consumers
from mcuq.graph import Node
from mcuq.ops.groups import REARRANGING
from mcuq.ops.matmul import Matmul
from mcuq.ops.mul import Mul
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice
from mcuq.ops.transpose import Transpose
from mcuq.passes.rewriting import free_name, is_inner, producers, pruned, renamed, same_quantization, scalar
from mcuq.tensor import Shape


def fold_into_products(graph: FloatGraph) -> FloatGraph:
    """Let products of matrices multiply by a number, read their operands transposed and be made transposed.

    Before::

        q -> mul 0.6 -> q';   k -> mul 0.6 -> transpose (0, 1, 3, 2) -> k';   q', k' -> matmul -> scores

    After::

        q, k -> matmul transpose_b, factor 0.36 -> scores

    A factor of an operand is found behind reshapes, transposes and slices too, as far as nothing else reads what they
    move. Values that the model gives a quantization stay: its integers are rounded there.
    """
    while True:
        changed = next(_folds(graph), None)
        if changed is None:
            return graph
        graph = pruned(changed)


def _folds(graph: FloatGraph) -> Iterator[FloatGraph]:
    """Yield the graph with one fold done."""
    for node in graph.nodes:
        if isinstance(node.op, Matmul):
            for fold in FOLDS:
                if (changed := fold(graph, node, node.op)) is not None:
                    yield changed


def _factor_before(graph: FloatGraph, node: Node, op: Matmul) -> FloatGraph | None:
    """Take the factor of an operand."""
    made = producers(graph)
    for name in node.inputs:
        before = made.get(name)
        while before and _is_hidden(graph, before.outputs[0]) and isinstance(before.op, (*REARRANGING, Slice)):
            before = made.get(before.inputs[0])
        if before and _is_hidden(graph, before.outputs[0]) and (found := _multiplied(graph, before)):
            return _with_factor(graph, node, op, before, found)
    return None


def _factor_behind(graph: FloatGraph, node: Node, op: Matmul) -> FloatGraph | None:
    """Take a factor of the product."""
    (y,) = node.outputs
    if op.activation != "none" or not _is_hidden(graph, y):
        return None
    (reader,) = consumers(graph)[y]
    found = _multiplied(graph, reader)
    if found is None or reader.outputs[0] in graph.known:
        return None
    made = replace(node, op=replace(op, factor=op.factor * found[1]), outputs=reader.outputs)
    rest = [other for other in graph.nodes if other is not reader]
    return replace(graph, nodes=tuple(made if other is node else other for other in rest))


def _transposed_before(graph: FloatGraph, node: Node, op: Matmul) -> FloatGraph | None:
    """Read an operand past the transposes and reshapes that do no more than exchange its last two dimensions."""
    for place, name in enumerate(node.inputs):
        shape = graph.shape(name)
        swapped = (*shape[:-2], shape[-1], shape[-2])
        for x in _swapped_from(graph, name, swapped):
            taken = {*graph.shapes, *graph.constants}
            seen = x if graph.shapes[x] == swapped else free_name(f"{node.name}_operand_{place}", taken)
            inputs = tuple(seen if i == place else other for i, other in enumerate(node.inputs))
            flipped = _flagged(op, op.transpose_a != (place == 0), op.transpose_b != (place == 1))
            made = [] if seen == x else [Node(seen, Reshape(swapped), (x,), (seen,))]
            return _replaced(_described(graph, x, seen, swapped), node, *made, replace(node, op=flipped, inputs=inputs))
    return None


def _swapped_from(graph: FloatGraph, name: str, swapped: Shape) -> Iterator[str]:
    """Yield values that are, in their order, an activation with its last two dimensions exchanged."""
    made, between = producers(graph), list[Node]()
    while (before := made.get(name)) and isinstance(before.op, REARRANGING) and _is_same(graph, before):
        between.insert(0, before)
        name = before.inputs[0]
        order = np.arange(math.prod(swapped), dtype=np.float64).reshape(1, *graph.shapes[name])
        for step in between:
            order = np.asarray(step.op.forward(order), np.float64)
        if isinstance(before.op, Transpose) and np.array_equal(order.swapaxes(-1, -2).ravel(), np.arange(order.size)):
            yield name


def _described(graph: FloatGraph, x: str, seen: str, shape: Shape) -> FloatGraph:
    """Return the graph with one more value, x in another shape."""
    known = {seen: replace(graph.known[x], shape=shape)} if x in graph.known else {}
    return replace(graph, shapes={**graph.shapes, seen: shape}, known={**graph.known, **known})


def _transposed_behind(graph: FloatGraph, node: Node, op: Matmul) -> FloatGraph | None:
    """Make the transposed product: of the operands transposed, in the other order."""
    (y,) = node.outputs
    if not _is_hidden(graph, y):
        return None
    (reader,) = consumers(graph)[y]
    if not _swaps_last(reader):
        return None
    flipped = _flagged(op, not op.transpose_b, not op.transpose_a)
    made = replace(node, op=flipped, inputs=node.inputs[::-1], outputs=reader.outputs)
    rest = [other for other in graph.nodes if other is not reader]
    return replace(graph, nodes=tuple(made if other is node else other for other in rest))


Fold = Callable[[FloatGraph, Node, Matmul], FloatGraph | None]
FOLDS: tuple[Fold, ...] = (_factor_before, _factor_behind, _transposed_before, _transposed_behind)


def _is_hidden(graph: FloatGraph, name: str) -> bool:
    """Whether one node alone reads a value, and the model gives it no quantization."""
    return is_inner(graph, name) and name not in graph.known


def _multiplied(graph: FloatGraph, node: Node) -> tuple[str, float] | None:
    """Return what a node multiplies by a positive number, and the number."""
    if not isinstance(node.op, Mul) or node.op.activation != "none":
        return None
    for x, name in (node.inputs, node.inputs[::-1]):
        number = scalar(graph, name)
        if number is not None and number > 0 and graph.shapes.get(x) == graph.shapes[node.outputs[0]]:
            return x, number
    return None


def _with_factor(graph: FloatGraph, node: Node, op: Matmul, multiplying: Node, found: tuple[str, float]) -> FloatGraph:
    """Let the readers of a product with a number read what it multiplies, and a product of matrices take the number."""
    x, number = found
    made = _replaced(graph, node, replace(node, op=replace(op, factor=op.factor * number)))
    rest = tuple(other for other in made.nodes if other.name != multiplying.name)
    shapes = {name: shape for name, shape in graph.shapes.items() if name != multiplying.outputs[0]}
    return renamed(replace(made, nodes=rest, shapes=shapes), {multiplying.outputs[0]: x})


def _swaps_last(node: Node) -> bool:
    """Whether a node exchanges the last two dimensions, and these alone."""
    axes = node.op.axes if isinstance(node.op, Transpose) else ()
    rank = len(axes)
    return rank > 1 and axes == (*range(rank - 2), rank - 1, rank - 2)


def _is_same(graph: FloatGraph, node: Node) -> bool:
    """Whether the model gives what a node moves no other quantization than before."""
    x, y = node.inputs[0], node.outputs[0]
    return y not in graph.known or same_quantization(graph.known.get(x), graph.known[y])


def _flagged(op: Matmul, transpose_a: bool, transpose_b: bool) -> Matmul:
    return replace(op, transpose_a=transpose_a, transpose_b=transpose_b)


def _replaced(graph: FloatGraph, node: Node, *made: Node) -> FloatGraph:
    nodes = ((other,) if other is not node else made for other in graph.nodes)
    return replace(graph, nodes=tuple(chain.from_iterable(nodes)))
