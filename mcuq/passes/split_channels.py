"""Cut a layer in two over its output channels, so that each part can have weights of its own kind."""

from __future__ import annotations

from dataclasses import replace

from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.groups import SPLITTABLE
from mcuq.passes.rewriting import free_name, pruned
from mcuq.tensor import Array, QConstant


def split_channels(graph: FloatGraph, layer: str, first: int) -> FloatGraph:
    """Return a graph that computes the same with a layer as two.

    Before::

        x -> conv2d_2, 8 filters -> y

    After, with ``first = 6``::

        x -> conv2d_2_first, 6 filters -> y_first -+
        x -> conv2d_2_rest,  2 filters -> y_rest  -+-> concatenation conv2d_2 -> y

    Args:
        graph: the float model.
        layer: the name of one for which :func:`is_splittable`; the concatenation takes it over.
        first: output channels of the first part.

    Raises:
        UsageError: for another layer, or a part without channels.
    """
    node = next((node for node in graph.nodes if node.name == layer), None)
    if node is None or not is_splittable(graph, node):
        raise UsageError(f"{layer} is no convolution or fully connected layer that can be cut over its channels")
    channels = graph.shape(node.inputs[1])[0]
    if not 0 < first < channels:
        raise UsageError(f"{layer} has {channels} output channels; it cannot be cut after {first}")
    whole = graph
    graph, head = _with_part(graph, node, "first", slice(0, first))
    graph, tail = _with_part(graph, node, "rest", slice(first, channels))
    joined = Node(layer, Concatenation(), (*head.outputs, *tail.outputs), node.outputs)
    at = whole.nodes.index(node)
    return pruned(replace(graph, nodes=(*whole.nodes[:at], head, tail, joined, *whole.nodes[at + 1 :]))).verify()


def is_splittable(graph: FloatGraph, node: Node) -> bool:
    """Whether all output channels of a layer see the same inputs, and its weights are real numbers."""
    grouped = isinstance(node.op, Conv2d) and node.op.groups > 1
    real = not any(isinstance(graph.constants[name], QConstant) for name in node.inputs[1:])
    return isinstance(node.op, SPLITTABLE) and real and not grouped


def _with_part(graph: FloatGraph, node: Node, part: str, channels: slice) -> tuple[FloatGraph, Node]:
    """Return a graph that also holds the constants and the output of some channels of a layer, and their node."""
    taken = {*graph.shapes, *graph.constants, *(other.name for other in graph.nodes)}
    whole, *constants = node.outputs[0], *node.inputs[1:]
    name, output, *names = (free_name(f"{old}_{part}", taken) for old in (node.name, whole, *constants))
    shape = (*graph.shapes[whole][:-1], channels.stop - channels.start)
    cut = {new: _rows(graph, old, channels) for new, old in zip(names, constants, strict=True)}
    known = {output: replace(graph.known[whole], shape=shape)} if whole in graph.known else {}
    graph = replace(
        graph,
        shapes={**graph.shapes, output: shape},
        constants={**graph.constants, **cut},
        known={**graph.known, **known},
    )
    return graph, Node(name, node.op, (node.inputs[0], *names), (output,))


def _rows(graph: FloatGraph, name: str, channels: slice) -> Array:
    """Return the channels of weights, or of a bias of any shape."""
    values = graph.real(name)
    return values[channels] if len(values) > 1 else values.ravel()[channels]
