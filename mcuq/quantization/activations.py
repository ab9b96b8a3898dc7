"""How many bits activations get: which of them can do with fewer than 8, and which share one quantization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.groups import RECURRENT
from mcuq.ops.recurrent import GatedOp
from mcuq.quantization.scheme import Scheme


def activation_schemes(graph: FloatGraph, scheme: Scheme, layers: Mapping[str, Scheme]) -> dict[str, Scheme]:
    """Return the scheme of every activation.

    Model inputs and outputs have 8 bits, and so have values that an operator fixes the scale of (softmax, logistic,
    tanh), those of known quantization, and all that are tied to any of these (by a reshape, a pool, ...). The output of
    a layer with a scheme of its own has that layer's number of bits; of several that are tied, the largest.

    Args:
        graph: the float model.
        scheme: of all others.
        layers: other schemes for some layers, by name.
    """
    made = {node.outputs[0]: node for node in graph.nodes}
    schemes: dict[str, Scheme] = {}
    for members in tied_groups(graph):
        own = [layers[made[n].name].activation_bits for n in members if n in made and made[n].name in layers]
        others = [bits for bits in own if bits != scheme.activation_bits]
        bits = 8 if keeps_8_bits(graph, members) else max(others, default=scheme.activation_bits)
        schemes |= dict.fromkeys(members, replace(scheme, activation_bits=bits))
    return schemes


def keeps_8_bits(graph: FloatGraph, members: Sequence[str]) -> bool:
    """Whether tied activations cannot have fewer bits: so it is with what is remembered too."""
    fixed = {
        name for node in graph.nodes if node.op.fixed_output or isinstance(node.op, RECURRENT) for name in node.outputs
    }
    return not {*graph.inputs, *graph.outputs, *graph.known, *fixed}.isdisjoint(members)


def weights_of(node: Node) -> tuple[str, ...]:
    """Return the constants that are a layer's weights."""
    if isinstance(node.op, GatedOp):
        return node.inputs[node.op.weights_at :][:2]
    return node.inputs[1:2] if node.op.weights_axis is not None else ()


def remembered(graph: FloatGraph) -> set[str]:
    """Return the activations that have 16 bits."""
    return {node.outputs[k] for node in graph.nodes for k in node.op.wide_outputs}


def tied_groups(graph: FloatGraph) -> list[list[str]]:
    """Return the activations in groups that ops tie to one quantization, each in execution order."""
    group = {name: [name] for name in graph.shapes}
    for node in graph.nodes:
        together = group[node.outputs[0]]
        for operand, name in enumerate(node.inputs):
            if node.op.is_tied(operand) and name in graph.shapes and group[name] is not together:
                together += group[name]
                group |= dict.fromkeys(group[name], together)
    order = {name: i for i, name in enumerate(graph.shapes)}
    unique = {id(members): members for members in group.values()}
    return [sorted(members, key=order.__getitem__) for members in unique.values()]
