"""Let layers clamp their output themselves."""

from __future__ import annotations

from dataclasses import replace

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.base import ACTIVATIONS, Op
from mcuq.ops.clip import Clip
from mcuq.ops.groups import FUSING
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.passes.rewriting import is_inner, producers, same_quantization


def fuse_activations(graph: FloatGraph) -> FloatGraph:
    """Move relu, relu6 and clip to -1..1 into the layer before them, if no other layer reads that.

    Before::

        x -> conv2d -> y -> relu -> z

    After::

        x -> conv2d, activation relu -> z

    Where the model gives y a quantization of its own (QDQ between the two), a clamp works on y's integers. The fused
    layer makes the same integers only if z has y's scale and zero point: then the clamp's limits are the same integers
    too. Otherwise the activation stays.
    """
    for node in graph.nodes:
        activation = _activation(node.op)
        before = producers(graph).get(node.inputs[0])
        if activation and before and isinstance(before.op, FUSING) and _is_fusible(graph, node):
            fused = _both(before.op.activation, activation)
            if fused:
                graph = _fused(graph, replace(before, op=replace(before.op, activation=fused)), node)
    return graph


def _activation(op: Op) -> str | None:
    if isinstance(op, Relu):
        return "relu"
    if isinstance(op, Relu6):
        return "relu6"
    return "relu_n1_to_1" if isinstance(op, Clip) and (op.low, op.high) == (-1, 1) else None


def _both(first: str, second: str) -> str | None:
    """Return the activation that equals one after the other: the one whose limits lie within the other's."""

    def limits(activation: str) -> tuple[float, float]:
        low, high = ACTIVATIONS[activation]
        return -float("inf") if low is None else low, float("inf") if high is None else high

    (low, high), (least, most) = limits(first), limits(second)
    if low <= least and most <= high:
        return second
    return first if least <= low and high <= most else None


def _is_fusible(graph: FloatGraph, node: Node) -> bool:
    y, z = node.inputs[0], node.outputs[0]
    return is_inner(graph, y) and (y not in graph.known or same_quantization(graph.known[y], graph.known.get(z)))


def _fused(graph: FloatGraph, layer: Node, activation: Node) -> FloatGraph:
    """Let the layer write the activation's output."""
    made = replace(layer, outputs=activation.outputs)
    nodes = (made if node.name == layer.name else node for node in graph.nodes if node is not activation)
    gone = activation.inputs[0]
    return replace(
        graph,
        nodes=tuple(nodes),
        shapes={name: shape for name, shape in graph.shapes.items() if name != gone},
        known={name: tensor for name, tensor in graph.known.items() if name != gone},
    )
