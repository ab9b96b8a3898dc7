"""A model's graph as boxes with texts, and lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mcuq.graph import Graph
from mcuq.page.layout import Layout, layout
from mcuq.tensor import QTensor


@dataclass(frozen=True)
class Figure:
    """One box: what is written in it, in four lines, and all of it."""

    kind: str
    head: str
    name: str
    text: str
    scale: str
    title: str
    x: int
    y: int


@dataclass(frozen=True)
class Drawing:
    """A graph, laid out."""

    layout: Layout
    figures: tuple[Figure, ...]


def drawing(graph: Graph) -> Drawing:
    """Lay out a graph: its inputs, its layers, its outputs and what it remembers."""
    texts = {key: (kind, head, name, tensor) for key, kind, head, name, tensor in _boxes(graph)}
    placed = layout(list(texts), list(dict.fromkeys(_edges(graph))))
    figures = tuple(
        Figure(kind, head, name, _type(tensor), _scale(tensor), _title(head, name, tensor), *placed.boxes[key])
        for key, (kind, head, name, tensor) in texts.items()
    )
    return Drawing(placed, figures)


def _boxes(graph: Graph) -> Iterator[tuple[str, str, str, str, QTensor]]:
    read = {state.read for state in graph.states}
    for name in graph.inputs:
        yield f"in {name}", "border", "input", name, graph.values[name]
    for name in sorted(read):
        yield f"in {name}", "state", "state", name, graph.values[name]
    for node in graph.nodes:
        kind = "weighted" if node.op.weights_axis is not None else "layer"
        yield f"node {node.name}", kind, node.op.name, node.name, graph.values[node.outputs[0]]
    for name in graph.outputs:
        yield f"out {name}", "border", "output", name, graph.values[name]
    for state in graph.states:
        yield f"to {state.write}", "state", "state after", state.read, graph.values[state.write]


def _edges(graph: Graph) -> Iterator[tuple[str, str]]:
    made = {name: f"in {name}" for name in (*graph.inputs, *(state.read for state in graph.states))}
    for node in graph.nodes:
        for name in node.inputs:
            if name in made:
                yield made[name], f"node {node.name}"
        made |= dict.fromkeys(node.outputs, f"node {node.name}")
    for name in graph.outputs:
        yield made[name], f"out {name}"
    for state in graph.states:
        if state.write in made:
            yield made[state.write], f"to {state.write}"


def _type(tensor: QTensor) -> str:
    few = f"int{tensor.bits}" if tensor.bits < 8 else tensor.dtype
    return f"{few} {'×'.join(map(str, tensor.shape))}"


def _scale(tensor: QTensor) -> str:
    zero = f"q {'-' if tensor.zero_point >= 0 else '+'} {abs(tensor.zero_point)}" if tensor.zero_point else "q"
    return f"{tensor.scale:.4g} ({zero})" if tensor.zero_point else f"{tensor.scale:.4g} q"


def _title(head: str, name: str, tensor: QTensor) -> str:
    return f"{head} {name}: {_type(tensor)}, scale {tensor.scale:.6g}, zero point {tensor.zero_point}"
