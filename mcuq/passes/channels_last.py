"""Remove the transposes that channel-first formats bring along.

Readers wrap every layer of a channel-first model that works on NHWC into transposes (and, in one dimension, reshapes).
This pass keeps, for every value of the model, a *view*: the tensor stored in its place and the order of its elements
there (:mod:`mcuq.passes.layout`). Then

- a transpose or reshape computes nothing, it only makes another view of the same tensor;
- an element-wise layer works on what is stored, and its output has its operand's view;
- a layer along some dimensions (concatenation, slice, pad, mean, softmax) works along the stored ones;
- every other layer, and every model output, needs its operands as they are: only there, and only if the view is
  another one, a transpose is made. Between two layers that both want NHWC that is never the case.

A model input can be stored in another order too (``layouts``), and a fully connected layer takes its inputs and makes
its outputs in any order if its weights follow (:mod:`mcuq.passes.absorb_transposes`). What is better is tried out: the
pass is run with each input as it is and as some transpose wants it, and the graph with the fewest transposes is taken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from mcuq.float_graph import Axes, FloatGraph
from mcuq.ops.reshape import Reshape
from mcuq.ops.transpose import Transpose
from mcuq.passes.absorb_transposes import absorb_transposes
from mcuq.passes.stored_graph import StoredGraph

Cost = tuple[int, int, int, int]


def channels_last(graph: FloatGraph) -> FloatGraph:
    """Return an equal graph with as few transposes as found, never more than before.

    Before::

        x [1, 3, 8, 8] -> transpose -> conv2d -> transpose -> relu -> transpose -> conv2d -> transpose -> mean (2, 3)

    After::

        x [1, 8, 8, 3] -> conv2d -> relu -> conv2d -> mean (1, 2)           layouts: x = (0, 2, 3, 1)
    """
    best, chosen = graph, dict[str, Axes]()
    for wanted in ({}, *_all_inputs(graph)):
        best, chosen = _better(graph, wanted, best, chosen)
    for name in graph.inputs:
        for axes in (*_orders(graph, name), *_left(best, name)):
            best, chosen = _better(graph, {**chosen, name: axes}, best, chosen)
    return best


def _better(
    graph: FloatGraph, wanted: Mapping[str, Axes], best: FloatGraph, chosen: dict[str, Axes]
) -> tuple[FloatGraph, dict[str, Axes]]:
    """Return the graph with inputs stored as wanted, if that is better than the best so far."""
    trial = absorb_transposes(StoredGraph(graph, wanted).graph())
    is_first = best is graph and _cost(trial)[0] <= _cost(graph)[0]
    return (trial, dict(wanted)) if is_first or _cost(trial) < _cost(best) else (best, chosen)


def _all_inputs(graph: FloatGraph) -> Iterator[dict[str, Axes]]:
    """Yield, for every order of dimensions that occurs, all inputs of that rank in it."""
    for axes in {axes for name in graph.inputs for axes in _orders(graph, name)}:
        yield {name: axes for name in graph.inputs if len(graph.shapes[name]) == len(axes)}


def _orders(graph: FloatGraph, name: str) -> list[Axes]:
    """Return the orders that transposes of this input's rank make, and its own."""
    rank = len(graph.shapes[name])
    found = {node.op.axes for node in graph.nodes if isinstance(node.op, Transpose) and len(node.op.axes) == rank}
    return [*sorted(found), tuple(range(rank))] if found else []


def _left(graph: FloatGraph, name: str) -> list[Axes]:
    """Return the orders that transposes of an input still make, from the one that it was trained in."""
    stored = graph.layouts.get(name, tuple(range(len(graph.shapes[name]))))
    left = {node.op.axes for node in graph.nodes if isinstance(node.op, Transpose) and node.inputs[0] == name}
    return sorted(tuple(stored[axis] for axis in axes) for axes in left)


def _cost(graph: FloatGraph) -> Cost:
    """Return the transposes, the elements that they move, the reshapes and the inputs in another order."""
    moved = [math.prod(graph.shapes[n.outputs[0]]) for n in graph.nodes if isinstance(n.op, Transpose)]
    reshapes = sum(isinstance(node.op, Reshape) for node in graph.nodes)
    return len(moved), sum(moved), reshapes, len(graph.layouts)
