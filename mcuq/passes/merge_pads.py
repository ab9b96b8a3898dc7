"""Let convolutions do the padding that stands before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.groups import PADDING
from mcuq.ops.pad import Pad
from mcuq.passes.rewriting import producers, pruned, same_quantization, scalar


def merge_pads(graph: FloatGraph) -> FloatGraph:
    """Add the rows and columns of zeros that a pad makes to the padding of the convolutions that read it.

    Before::

        x -> pad ((0, 0), (1, 1), (1, 1), (0, 0)) -> conv2d, padding (0, 0, 0, 0)

    After::

        x -> conv2d, padding (1, 1, 1, 1)

    Pads of channels or of another value stay. So do those before pools: an average pool does not count its own padding,
    a max pool's never wins.
    """
    made = producers(graph)
    return pruned(replace(graph, nodes=tuple(_padding(graph, node, made) for node in graph.nodes)))


def _padding(graph: FloatGraph, node: Node, made: Mapping[str, Node]) -> Node:
    """Return a convolution that reads what the pads before it read; any other node as it is."""
    pad = made.get(node.inputs[0])
    if isinstance(node.op, PADDING) and pad and _is_mergeable(graph, pad):
        return _padding(graph, _merged(node, pad), made)
    return node


def _is_mergeable(graph: FloatGraph, pad: Node) -> bool:
    if not isinstance(pad.op, Pad) or len(pad.op.before) != 4:
        return False
    if any(pad.op.before[d] or pad.op.after[d] for d in (0, 3)):
        return False
    if pad.outputs[0] in graph.known and not same_quantization(
        *(graph.known.get(n) for n in (*pad.inputs[:1], *pad.outputs))
    ):
        return False
    return len(pad.inputs) == 1 or scalar(graph, pad.inputs[1]) == 0


def _merged(node: Node, pad: Node) -> Node:
    assert isinstance(pad.op, Pad)
    assert isinstance(node.op, PADDING)
    (_, top, left, _), (_, bottom, right, _) = pad.op.before, pad.op.after
    own = node.op.padding
    padding = (own[0] + top, own[1] + bottom, own[2] + left, own[3] + right)
    return replace(node, op=replace(node.op, padding=padding), inputs=(pad.inputs[0], *node.inputs[1:]))
