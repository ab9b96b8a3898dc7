"""Let convolutions step over pixels themselves, where a format spreads these over samples first and back afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from mcuq.errors import UnsupportedOperatorError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph, Node
from mcuq.ops.batch_to_space import BatchToSpace
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.pad import Pad
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice
from mcuq.ops.space_to_batch import SpaceToBatch
from mcuq.ops.window import Padding
from mcuq.passes.rewriting import free_name, is_inner, producers, pruned, same_quantization, scalar
from mcuq.tensor import Shape

DILATING = (Conv2d, DepthwiseConv2d)


class Chain(NamedTuple):
    """What one dilated convolution does: the nodes in their order, some of which may be missing."""

    x: str
    pad: Node | None
    block: tuple[int, int]
    layer: Node
    crop: Node | None
    end: Node  # the last one


def merge_dilations(graph: FloatGraph) -> FloatGraph:
    """Replace blocks of pixels that become samples, a convolution of these, and the way back, by a dilated convolution.

    Before::

        x [1, 9, 9, 4] -> pad -> space_to_batch (2, 2) -> conv2d -> batch_to_space (2, 2) -> slice -> y [1, 9, 9, 5]

    After::

        x -> conv2d, dilation (2, 2), padding (2, 2, 2, 2) -> y

    What is cut off in the end is not padded in front. A padding that is not 0 stays a layer of its own. Bytes are
    moved otherwise and summed alike. Reshapes may lie in between.

    Raises:
        UnsupportedOperatorError: for a convolution of several samples, such as one with a stride, that is left.
    """
    for node in graph.nodes:
        if isinstance(node.op, BatchToSpace):
            for found in _chains(graph, node):
                graph = pruned(_merged(graph, found))
    for node in graph.nodes:
        if isinstance(node.op, DILATING) and (samples := graph.shape(node.inputs[0])[0]) != 1:
            raise UnsupportedOperatorError(f"{node.name}: a convolution of {samples} samples at once, not of one image")
    return graph


def merge_integer_dilations(graph: Graph) -> Graph:
    """Do the same to a graph of integers."""
    if not any(isinstance(node.op, SpaceToBatch) for node in graph.nodes):
        return graph
    shapes = {name: tensor.shape for name, tensor in graph.values.items()}
    twin = merge_dilations(
        FloatGraph(graph.name, graph.inputs, graph.outputs, graph.nodes, shapes, dict(graph.constants), graph.values)
    )
    constants = {name: constant for name, constant in graph.constants.items() if name in twin.constants}
    return replace(graph, nodes=twin.nodes, values=dict(twin.known), constants=constants)


def _chains(graph: FloatGraph, back: Node) -> Iterator[Chain]:
    """Yield the chain that a way back to pixels belongs to, if it is one."""
    made = producers(graph)
    layer = _before(graph, made, back)
    if layer is None or not isinstance(layer.op, DILATING) or layer.op.stride != (1, 1):
        return
    spread = _before(graph, made, layer)
    if spread is None or not isinstance(spread.op, SpaceToBatch) or not isinstance(back.op, BatchToSpace):
        return
    if spread.op.block != back.op.block or graph.shapes[back.outputs[0]][0] != 1:
        return
    if graph.shapes[spread.outputs[0]] != graph.shape(layer.inputs[0]):
        return
    if graph.shapes[layer.outputs[0]] != graph.shape(back.inputs[0]):
        return
    pad = _before(graph, made, spread)
    pad = pad if pad and _is_of_pixels(graph, pad, graph.shape(spread.inputs[0])) else None
    crop = next((n for n in graph.nodes if back.outputs[0] in n.inputs and is_inner(graph, back.outputs[0])), None)
    crop = crop if crop and isinstance(crop.op, Slice) and _is_crop(graph, crop) else None
    first, end = pad or spread, crop or back
    tied = ((first.inputs[0], spread.outputs[0]), (layer.outputs[0], end.outputs[0]))
    if all(same_quantization(graph.known.get(a), graph.known.get(b)) for a, b in tied):
        yield Chain(first.inputs[0], pad, spread.op.block, layer, crop, end)


def _before(graph: FloatGraph, made: Mapping[str, Node], node: Node) -> Node | None:
    """Return what makes a node's operand for it alone, behind reshapes."""
    before = made.get(node.inputs[0])
    while before and is_inner(graph, before.outputs[0]):
        if not isinstance(before.op, Reshape):
            return before
        before = made.get(before.inputs[0])
    return None


def _is_of_pixels(graph: FloatGraph, pad: Node, shape: Shape) -> bool:
    """Whether a node pads images to a shape, or rows that are images of one row."""
    if not isinstance(pad.op, Pad) or pad.op.before[0] or pad.op.before[-1] or pad.op.after[0] or pad.op.after[-1]:
        return False
    return _as_image(graph.shapes[pad.outputs[0]]) == shape


def _as_image(shape: Shape) -> Shape:
    return (shape[0], 1, *shape[1:]) if len(shape) == 3 else shape


def _is_crop(graph: FloatGraph, node: Node) -> bool:
    assert isinstance(node.op, Slice)
    x, y = graph.shape(node.inputs[0]), graph.shapes[node.outputs[0]]
    return set(node.op.stride) <= {1} and len(x) == 4 and (x[0], x[3]) == (y[0], y[3])


def _merged(graph: FloatGraph, found: Chain) -> FloatGraph:
    """Return the graph with a dilated convolution at the end of a chain, behind a pad and before a slice if needed."""
    op = found.layer.op
    assert isinstance(op, DILATING)
    (rows, columns), own = found.block, op.padding
    padding = (own[0] * rows, own[1] * rows, own[2] * columns, own[3] * columns)
    pads, cuts, is_zero = _pads(found.pad), _cuts(graph, found.crop), _is_zero(graph, found.pad)
    if is_zero or not any(own):
        spared = [min(sides) for sides in zip(pads, cuts, strict=True)]
        pads, cuts = _less(pads, spared), _less(cuts, spared)
    if is_zero:
        padding, pads = _less(padding, [-added for added in pads]), (0, 0, 0, 0)
    dilation = (op.dilation[0] * rows, op.dilation[1] * columns)
    layer = replace(found.layer, op=replace(op, dilation=dilation, padding=padding))
    return _placed(graph, found, layer, pads, cuts)


def _is_zero(graph: FloatGraph, pad: Node | None) -> bool:
    return pad is None or len(pad.inputs) == 1 or scalar(graph, pad.inputs[1]) == 0


def _less(sides: Padding, others: Sequence[int]) -> Padding:
    top, bottom, left, right = (a - b for a, b in zip(sides, others, strict=True))
    return top, bottom, left, right


def _pads(pad: Node | None) -> Padding:
    """Return the pixels that a pad adds, top, bottom, left, right."""
    if pad is None or not isinstance(pad.op, Pad):
        return (0, 0, 0, 0)
    (top, left), (bottom, right) = ((0, *sides[1:-1])[-2:] for sides in (pad.op.before, pad.op.after))
    return top, bottom, left, right


def _cuts(graph: FloatGraph, crop: Node | None) -> Padding:
    """Return the pixels that a slice takes away."""
    if crop is None or not isinstance(crop.op, Slice):
        return (0, 0, 0, 0)
    (_, height, width, _), (_, top, left, _), (_, rows, columns, _) = (
        graph.shape(crop.inputs[0]),
        crop.op.begin,
        crop.op.size,
    )
    return top, height - top - rows, left, width - left - columns


def _placed(graph: FloatGraph, found: Chain, layer: Node, pads: Padding, cuts: Padding) -> FloatGraph:
    """Put pad, layer and slice, as far as they do anything, where the chain ended."""
    steps, x, y = [layer], found.x, found.end.outputs[0]
    image = _as_image(graph.shape(x))
    if found.pad and any(pads):
        top, bottom, left, right = pads
        steps.insert(0, replace(found.pad, op=Pad((0, top, left, 0), (0, bottom, right, 0))))
    if image != graph.shape(x):
        steps.insert(0, Node(f"{layer.name}_image", Reshape(image), (x,), ()))
    if found.crop and any(cuts):
        steps.append(replace(found.crop, op=Slice((0, cuts[0], cuts[2], 0), graph.shapes[y])))
    shapes, known, made = dict(graph.shapes), dict(graph.known), list[Node]()
    for step in steps:
        out = y if step is steps[-1] else free_name(f"{step.name}_dilated", {*shapes, *graph.constants})
        inputs = (made[-1].outputs[0] if made else x, *step.inputs[1:])
        shapes[out] = step.op.infer_shape(*(shapes[n] if n in shapes else graph.shape(n) for n in inputs))
        like = known.get(x if isinstance(step.op, Pad | Reshape) else y)
        known |= {out: replace(like, shape=shapes[out])} if like else {}
        made.append(replace(step, inputs=inputs, outputs=(out,)))
    kept = (node for node in graph.nodes if node not in (found.layer, found.pad))
    nodes = chain.from_iterable(made if node is found.end else [node] for node in kept)
    return replace(graph, nodes=tuple(nodes), shapes=shapes, known=known)
