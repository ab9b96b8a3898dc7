"""Find activations that an int8 model spells out with layers that no other runtime has in int8.

TensorFlow Lite Micro computes neither exp nor log in int8, so that the roundings between the pieces are nobody's bytes:
one table, exact to half a step of the output, takes their place. Whatever it does compute stays as it is.
"""

from __future__ import annotations

from dataclasses import replace

from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.ops.exp import Exp
from mcuq.ops.log import Log
from mcuq.passes.recognize_activations import recognize_activations

NOBODYS = (Exp, Log)


def recognize_integers(graph: Graph) -> Graph:
    """Replace element-wise nodes, an exp or log among them, by the one activation that they compute together.

    Before::

        x -> exp -> sub 1 -> e;   x -> greater 0 -> g;   g, x, e -> select -> y

    After::

        x -> elu -> y
    """
    if not any(isinstance(node.op, NOBODYS) for node in graph.nodes):
        return graph
    shapes = {name: tensor.shape for name, tensor in graph.values.items()}
    twin = recognize_activations(
        FloatGraph(graph.name, graph.inputs, graph.outputs, graph.nodes, shapes, dict(graph.constants))
    )
    left = sum(isinstance(node.op, NOBODYS) for node in twin.nodes)
    if left or len(twin.nodes) == len(graph.nodes):
        return graph
    used = {name for node in twin.nodes for name in (*node.inputs, *node.outputs)} | {*graph.inputs, *graph.outputs}
    return replace(
        graph,
        nodes=twin.nodes,
        values={name: tensor for name, tensor in graph.values.items() if name in used},
        constants={name: constant for name, constant in graph.constants.items() if name in used},
    )
