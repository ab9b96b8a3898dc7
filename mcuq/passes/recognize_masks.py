"""Find masks in front of a softmax: sums with a constant that has numbers like minus infinity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mcuq.float_graph import FloatGraph, consumers
from mcuq.graph import Node
from mcuq.ops.add import Add
from mcuq.ops.select import MASKED, Select
from mcuq.ops.softmax import Softmax
from mcuq.passes.rewriting import free_name, pruned
from mcuq.tensor import Array, Shape

LEAST = np.finfo(np.float32).min


def recognize_masks(graph: FloatGraph) -> FloatGraph:
    """Select scores, or nothing, where a mask is added to them.

    Before::

        scores -> add (0 or -1e9) -> softmax

    After::

        scores -> select (1 or 0), scores, -1e9 -> softmax

    In integers a sum would give the scores the mask's scale, and one score. What else is added stays a sum. Masks that
    are computed are left as they are, and so are values that the model gives a quantization.
    """
    for node in graph.nodes:
        mask = _mask(graph, node)
        if mask is not None:
            graph = _selected(graph, node, *mask)
    return pruned(graph)


def finite_masks(graph: FloatGraph) -> FloatGraph:
    """Return the graph with the least float32 for minus infinity in what is added and selected.

    No number is larger by it, a sum with any other rounds to it, and a softmax gives both nothing.
    """
    constants = dict(graph.constants)
    for node in graph.nodes:
        for name in node.inputs if isinstance(node.op, Add | Select) else ():
            values = constants.get(name)
            if isinstance(values, np.ndarray) and np.any(np.isneginf(values)):
                constants[name] = np.where(np.isneginf(values), LEAST, values)
    return replace(graph, constants=constants)


def _mask(graph: FloatGraph, node: Node) -> tuple[str, Array] | None:
    """Return what a mask is added to, and the mask."""
    (y,) = node.outputs[:1]
    readers = consumers(graph).get(y, [])
    is_score = y not in graph.known and y not in graph.outputs and readers
    if not isinstance(node.op, Add) or not is_score or not all(isinstance(n.op, Softmax) for n in readers):
        return None
    for x, name in (node.inputs, node.inputs[::-1]):
        if x in graph.shapes and name in graph.constants and graph.shapes[x] == graph.shapes[y]:
            mask = graph.real(name)
            masked = mask <= MASKED
            return (x, mask) if np.any(masked) and not np.all(masked) else None
    return None


def _selected(graph: FloatGraph, node: Node, x: str, mask: Array) -> FloatGraph:
    shape, constants, shapes, taken = graph.shapes[x], dict(graph.constants), dict(graph.shapes), set[str]()

    def named(what: str) -> str:
        name = free_name(f"{node.name}_{what}", {*constants, *shapes, *taken})
        taken.add(name)
        return name

    def constant(what: str, values: Array) -> str:
        name = named(what)
        constants[name] = values.astype(np.float32)
        return name

    full = mask.reshape(_full(mask.shape, len(shape)))
    made: list[Node] = []
    if np.any(rest := np.where(full <= MASKED, 0, full)):
        biased = named("bias")
        shapes[biased] = shape
        made.append(Node(biased, Add(), (x, constant("summand", rest)), (biased,)))
        x = biased
    least = np.full((1,) * len(shape), LEAST)
    inputs = (constant("kept", full > MASKED), x, constant("masked", least))
    made.append(replace(node, op=Select(), inputs=inputs))
    return replace(graph, nodes=tuple(_instead(graph, node, made)), shapes=shapes, constants=constants)


def _full(shape: Shape, rank: int) -> Shape:
    return (1,) * (rank - len(shape)) + tuple(shape)


def _instead(graph: FloatGraph, node: Node, made: list[Node]) -> Iterator[Node]:
    for other in graph.nodes:
        yield from made if other is node else [other]
