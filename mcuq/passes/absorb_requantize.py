"""Let layers write the quantization that the one behind them was trained with, without a requantization between."""

from __future__ import annotations

from dataclasses import replace

from mcuq.float_graph import FloatGraph, consumers
from mcuq.graph import Node
from mcuq.ops.pad import Pad
from mcuq.ops.requantize import Requantize
from mcuq.passes.rewriting import producers, pruned, renamed, same_quantization


def absorb_requantize(graph: FloatGraph) -> FloatGraph:
    """Give a value of unknown quantization that of the requantizations which alone read it, and remove them.

    Before::

        x -> conv2d -> y -> max_pool -> z -> requantize -> v (4 bits);   z -> requantize -> w (the same 4 bits)

    After::

        x -> conv2d -> y (4 bits) -> max_pool -> v (4 bits)

    Values that the one in question is moved from (pooled by maximum, reshaped, padded, ...) get the same quantization,
    so they must have no other readers; rounding before moving is rounding after it. An average is not moved: it is
    rounded once before, to 8 bits, and once behind.

    A model input keeps 8 bits: it gets scale and zero point, and the requantization to fewer bits stays. So do
    requantizations between two known quantizations.
    """
    for name in [node.name for node in graph.nodes if isinstance(node.op, Requantize)]:
        node = next((node for node in graph.nodes if node.name == name), None)
        if node is not None and node.outputs[0] in graph.known and node.inputs[0] not in graph.known:
            graph = _absorbed(_merged(graph, node), node)
    return pruned(graph)


def _merged(graph: FloatGraph, first: Node) -> FloatGraph:
    """Let all that read a value in the same quantization read it from one requantization."""
    wanted = graph.known[first.outputs[0]]
    twins = [
        node
        for node in consumers(graph)[first.inputs[0]]
        if node is not first and isinstance(node.op, Requantize) and node.outputs[0] not in graph.outputs
        if same_quantization(graph.known.get(node.outputs[0]), wanted)
    ]
    names = {node.outputs[0]: first.outputs[0] for node in twins}
    nodes = (replace(n, inputs=tuple(names.get(x, x) for x in n.inputs)) for n in graph.nodes)
    return pruned(replace(graph, nodes=tuple(nodes)))


def _absorbed(graph: FloatGraph, node: Node) -> FloatGraph:
    """Give what the node reads its quantization, if nothing else reads that."""
    x, y = node.inputs[0], node.outputs[0]
    group = _moved_from(graph, x)
    if group is None or y in graph.outputs:
        return graph
    wanted = graph.known[y]
    given = replace(wanted, bits=8) if any(name in graph.inputs for name in group) else wanted
    graph = replace(graph, known={**graph.known, **{name: replace(given, shape=graph.shapes[name]) for name in group}})
    return graph if given != wanted else _without(graph, node)


def _moved_from(graph: FloatGraph, name: str) -> list[str] | None:
    """Return a value and all those that its elements are moved from; None where one must not have its quantization."""
    made = producers(graph).get(name)
    readers = sum(node.inputs.count(name) for node in graph.nodes)
    if readers != 1 or name in graph.outputs or name in graph.known or name in graph.constants:
        return None
    if made is None or not made.op.ties:
        return [name]
    if not (made.op.only_moves or isinstance(made.op, Pad)):
        return None
    before = [_moved_from(graph, operand) for operand in made.inputs]
    return None if None in before else [name, *(n for names in before for n in names or ())]


def _without(graph: FloatGraph, node: Node) -> FloatGraph:
    """Let the readers of a requantization's output read its input."""
    x, y = node.inputs[0], node.outputs[0]
    rest = tuple(n for n in graph.nodes if n.name != node.name)
    shapes = {name: shape for name, shape in graph.shapes.items() if name != y}
    known = {name: tensor for name, tensor in graph.known.items() if name != y}
    return renamed(replace(graph, nodes=rest, shapes=shapes, known=known), {y: x})
