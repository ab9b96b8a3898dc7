"""Compute what does not depend on the model's inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.passes.rewriting import pruned
from mcuq.tensor import Array, QConstant, QTensor, Shape


def fold_constants(graph: FloatGraph) -> FloatGraph:
    """Evaluate nodes whose inputs are all constants; drop constants and nodes that nothing reads.

    Before::

        w [8, 3], scale [8, 1] -> mul -> v;   x, v -> fully_connected

    After::

        x, v [8, 3] -> fully_connected

    A value with a known quantization becomes integers of that quantization. A model output stays a node.
    """
    constants = dict(graph.constants)
    nodes: list[Node] = []
    for node in graph.nodes:
        output = node.outputs[0]
        if output in graph.outputs or len(node.outputs) > 1 or not all(name in constants for name in node.inputs):
            nodes.append(node)
            continue
        held = replace(graph, constants=constants)
        value = _evaluated(node, [held.real(name) for name in node.inputs], graph.shapes[output])
        constants[output] = _held(value, graph.known, output)
    shapes = {name: shape for name, shape in graph.shapes.items() if name not in constants}
    known = {name: tensor for name, tensor in graph.known.items() if name in shapes}
    return pruned(replace(graph, nodes=tuple(nodes), shapes=shapes, constants=constants, known=known))


def _evaluated(node: Node, inputs: list[Array], shape: Shape) -> Array:
    """Run a node on constants in the place of one sample's activations; its weights are constants anyway."""
    activations = len(inputs) if node.op.operands is None else node.op.operands
    operands = [x[np.newaxis] if i < activations else x for i, x in enumerate(inputs)]
    return np.asarray(node.op.compute(*operands), np.float32).reshape(shape)


def _held(value: Array, known: Mapping[str, QTensor], name: str) -> Array | QConstant:
    if name not in known:
        return value
    tensor = known[name]
    return QConstant(tensor.quantize(value), np.array([tensor.scale]), tensor.zero_point)
