"""Rows repeated, then columns: TensorFlow writes upsampling as two TILEs; here they become one step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mcuq.float_graph import FloatGraph, consumers
from mcuq.graph import Node
from mcuq.ops.reshape import Reshape
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.tensor import Shape


def merge_repeats(graph: FloatGraph) -> FloatGraph:
    """Replace every two such steps by a :class:`ResizeNearest` of both dimensions.

    The first makes [1, H, n, d] of [1, H, 1, d], the second [1, H n W, m, C] of [1, H n W, 1, C], where d = W C:
    together [1, H n, W m, C] of [1, H, W, C].
    """
    for first, second in list(_pairs(graph)):
        (_, h, _, d), n = graph.shapes[first.inputs[0]], first.op.width  # type: ignore[attr-defined]
        (_, _, m, c) = graph.shapes[second.outputs[0]]
        graph = _merged(graph, first, second, (1, h, d // c, c), (1, h * n, d // c * m, c))
    return graph


def _pairs(graph: FloatGraph) -> Iterator[tuple[Node, Node]]:
    """Yield steps with nothing but reshapes between, each at most once."""
    makers = {node.outputs[0]: node for node in graph.nodes}
    readers = consumers(graph)
    used: set[str] = set()
    for second in graph.nodes:
        name = second.inputs[0]
        while isinstance(makers[name].op if name in makers else None, Reshape) and _is_inner(graph, readers, name):
            name = makers[name].inputs[0]
        first = makers.get(name)
        if first is None or first.name in used or not _is_inner(graph, readers, name):
            continue
        if _is_repeat(graph, first) and _is_repeat(graph, second):
            (_, rows, n, d), (_, pixels, _, c) = graph.shapes[first.outputs[0]], graph.shapes[second.outputs[0]]
            if d % c == 0 and pixels == rows * n * (d // c):
                used |= {first.name, second.name}
                yield first, second


def _is_inner(graph: FloatGraph, readers: dict[str, list[Node]], name: str) -> bool:
    """Whether one node alone reads the value, whose quantization is free."""
    return len(readers[name]) == 1 and name not in graph.outputs and name not in graph.known


def _is_repeat(graph: FloatGraph, node: Node) -> bool:
    """Whether the node repeats a pixel of an image that is one pixel wide."""
    if not isinstance(node.op, ResizeNearest):
        return False
    _, h, w, _ = graph.shapes[node.inputs[0]]
    return w == 1 and node.op.height == h


def _merged(graph: FloatGraph, first: Node, second: Node, image: Shape, resized: Shape) -> FloatGraph:
    """Put reshape, resize, reshape in the place of the two nodes and what is between them."""
    (source,), (result,) = first.inputs, second.outputs
    makers = {node.outputs[0]: node for node in graph.nodes}
    gone, name = [second], second.inputs[0]
    while gone[-1].name != first.name:
        gone.append(makers[name])
        name = makers[name].inputs[0]
    grid, pixels = first.outputs[0], f"{second.name}_image"
    new = [
        Node(f"{first.name}_image", Reshape(image), (source,), (grid,)),
        Node(second.name, ResizeNearest(resized[1], resized[2], half_pixel_centers=True), (grid,), (pixels,)),
        Node(f"{second.name}_again", Reshape(graph.shapes[result]), (pixels,), (result,)),
    ]
    dropped = {node.name for node in gone}
    place = next(i for i, node in enumerate(graph.nodes) if node.name == second.name)
    nodes = [*graph.nodes[:place], *new, *graph.nodes[place + 1 :]]
    shapes = {v: s for v, s in graph.shapes.items() if v not in {node.outputs[0] for node in gone[1:]}}
    shapes |= {grid: image, pixels: resized}
    kept = tuple(node for node in nodes if node in new or node.name not in dropped)
    return replace(graph, nodes=kept, shapes=shapes)
