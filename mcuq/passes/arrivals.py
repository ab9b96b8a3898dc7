"""Let the rows of a model's input come from outside: a layer of its own takes them in, and no other reads the input.

A chain of strips that begins with it (:mod:`mcuq.passes.strips`) holds of the input the rows that its windows need, as
of any other value.
"""

from __future__ import annotations

from dataclasses import replace

from mcuq.errors import UnsupportedOperatorError
from mcuq.graph import Graph, Node
from mcuq.ops.rows import Rows
from mcuq.passes.chains import AXIS
from mcuq.passes.rewriting import free_name


def with_arrivals(graph: Graph) -> Graph:
    """Return a quantized graph with a layer in front that takes the input's rows in.

    Raises:
        UnsupportedOperatorError: the model has several inputs, or none that has rows: [1, rows, ...].
    """
    if len(graph.inputs) != 1:
        raise UnsupportedOperatorError(f"{graph.name} has {len(graph.inputs)} inputs: rows can be pushed into one only")
    (x,) = graph.inputs
    shape = graph.values[x].shape
    if len(shape) <= AXIS + 1 or shape[0] != 1:
        raise UnsupportedOperatorError(f"{graph.name} has an input of shape {shape}, without rows that could be pushed")
    taken = {*graph.values, *graph.constants, *(node.name for node in graph.nodes)}
    arrived = free_name(f"{x}_arrived", taken)
    name = free_name(f"{x}_arrival", {*taken, arrived})

    def now(value: str) -> str:
        return arrived if value == x else value

    nodes = (replace(node, inputs=tuple(map(now, node.inputs))) for node in graph.nodes)
    return replace(
        graph,
        nodes=(Node(name, Rows(0, shape[AXIS], moved=True, arrives=True), (x,), (arrived,)), *nodes),
        values={**graph.values, arrived: graph.values[x]},
        states=tuple(replace(state, write=now(state.write)) for state in graph.states),
    ).verify()


def without_arrivals(graph: Graph) -> Graph:
    """Return the graph that :func:`with_arrivals` was given."""
    first, *nodes = graph.nodes
    (x,), (arrived,) = first.inputs, first.outputs

    def before(value: str) -> str:
        return x if value == arrived else value

    return replace(
        graph,
        nodes=tuple(replace(node, inputs=tuple(map(before, node.inputs))) for node in nodes),
        values={name: tensor for name, tensor in graph.values.items() if name != arrived},
        states=tuple(replace(state, write=before(state.write)) for state in graph.states),
    ).verify()
