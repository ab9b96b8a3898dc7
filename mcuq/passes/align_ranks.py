"""Give operands that are broadcast the dimensions that they lack."""

from __future__ import annotations

from dataclasses import replace

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.groups import BROADCASTING
from mcuq.ops.reshape import Reshape
from mcuq.passes.rewriting import free_name


def align_ranks(graph: FloatGraph) -> FloatGraph:
    """Reshape activations of fewer dimensions than what they are broadcast to; dimensions of 1 come in front.

    Before::

        x [1, 6, 6, 8], weights [1, 8] -> mul        squeeze-and-excite, as TFLite's converter leaves it

    After::

        weights -> reshape [1, 1, 1, 8] -> w;   x, w -> mul

    What runs many samples at once has them in one more dimension in front, and broadcasting must not reach it.
    """
    nodes, shapes, known = list[Node](), dict(graph.shapes), dict(graph.known)
    for node in graph.nodes:
        rank, inputs = len(shapes[node.outputs[0]]), list(node.inputs)
        for place, name in enumerate(inputs) if isinstance(node.op, BROADCASTING) else ():
            if name not in graph.shapes or len(shapes[name]) == rank:
                continue
            full = free_name(f"{node.name}_operand_{place}", {*shapes, *graph.constants})
            shapes[full] = (1,) * (rank - len(shapes[name])) + shapes[name]
            nodes.append(Node(full, Reshape(shapes[full]), (name,), (full,)))
            inputs[place] = full
            if name in known:
                known[full] = replace(known[name], shape=shapes[full])
        nodes.append(replace(node, inputs=tuple(inputs)))
    return replace(graph, nodes=tuple(nodes), shapes=shapes, known=known)
