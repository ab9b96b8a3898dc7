"""Small steps that the passes over float graphs share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.tensor import QTensor


def pruned(graph: FloatGraph) -> FloatGraph:
    """Drop nodes that no output needs, and what is said about values that are gone."""
    needed = set(graph.outputs)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            kept.append(node)
            needed.update((*node.inputs, *node.outputs))
    needed.update(graph.inputs)
    return replace(
        graph,
        nodes=tuple(reversed(kept)),
        shapes={name: shape for name, shape in graph.shapes.items() if name in needed},
        constants={name: constant for name, constant in graph.constants.items() if name in needed},
        known={n: replace(tensor, shape=graph.shapes[n]) for n, tensor in graph.known.items() if n in needed},
    )


def renamed(graph: FloatGraph, names: Mapping[str, str]) -> FloatGraph:
    """Give activations other names, each to be found in ``names``; the others keep theirs."""

    def new(old: str) -> str:
        return names.get(old, old)

    nodes = (
        replace(node, inputs=tuple(map(new, node.inputs)), outputs=tuple(map(new, node.outputs)))
        for node in graph.nodes
    )
    return replace(
        graph,
        outputs=tuple(map(new, graph.outputs)),
        nodes=tuple(nodes),
        shapes={new(name): shape for name, shape in graph.shapes.items()},
        known={new(name): tensor for name, tensor in graph.known.items()},
    )


def free_name(wanted: str, taken: Collection[str]) -> str:
    """Return the wanted name, or the nearest one that is not taken."""
    name, index = wanted, 1
    while name in taken:
        name, index = f"{wanted}_{index}", index + 1
    return name


def same_quantization(a: QTensor | None, b: QTensor | None) -> bool:
    """Whether two values have the same scale, zero point, type and number of bits, or neither is known."""
    if a is None or b is None:
        return a is b
    return replace(a, shape=b.shape, kind=b.kind) == b


def is_inner(graph: FloatGraph, name: str) -> bool:
    """Whether exactly one node reads an activation, once, and nobody outside the model sees it."""
    if name in graph.outputs or name in graph.inputs:
        return False
    return sum(node.inputs.count(name) for node in graph.nodes) == 1


def producers(graph: FloatGraph) -> dict[str, Node]:
    """Return, for every activation but the model's inputs, the node that computes it."""
    return {name: node for node in graph.nodes for name in node.outputs}


def scalar(graph: FloatGraph, name: str) -> float | None:
    """Return the one value that all elements of a constant have; None where they differ or it is no constant."""
    if name not in graph.constants:
        return None
    values = graph.real(name)
    first = values.flat[0]
    return float(first) if np.all(values == first) else None
