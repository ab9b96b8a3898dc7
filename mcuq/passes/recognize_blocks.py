"""Find blocks of pixels that a format spells out: reshape, transpose, reshape.

What a chain of reshapes and transposes does to places is run on them, and compared with what the operators of blocks
do: there are many ways to cut dimensions, and to spread one transpose over several.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.depth_to_space import DepthToSpace
from mcuq.ops.groups import REARRANGING
from mcuq.ops.rearrangement import Mode
from mcuq.ops.reshape import Reshape
from mcuq.ops.space_to_depth import SpaceToDepth
from mcuq.ops.transpose import Transpose
from mcuq.passes.rewriting import free_name, producers, pruned
from mcuq.tensor import Array, Shape

TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
MODES: tuple[Mode, ...] = ("DCR", "CRD")


def recognize_blocks(graph: FloatGraph) -> FloatGraph:
    """Replace reshapes and transposes by the depth to space, or space to depth, that they do together.

    Before::

        x [1, 8, 4, 4] -> reshape [1, 2, 2, 2, 4, 4] -> transpose (0, 1, 4, 2, 5, 3) -> reshape [1, 2, 8, 8] -> y

    After::

        x -> transpose (0, 2, 3, 1) -> depth_to_space 2, CRD -> transpose (0, 3, 1, 2) -> y

    Images are [1, H, W, C] or [1, C, H, W]. Values that the model gives a quantization are not passed over.
    """
    for node in graph.nodes[::-1]:
        if isinstance(node.op, REARRANGING) and len(graph.shapes[node.outputs[0]]) == 4:
            found = next(_found(graph, node), None)
            graph = graph if found is None else _replaced(graph, node, *found)
    return pruned(graph)


def _found(graph: FloatGraph, node: Node) -> Iterator[tuple[str, DepthToSpace | SpaceToDepth, bool]]:
    """Yield images that the node's output is a rearrangement of, the operator, and whether channels come first."""
    made, steps, y = producers(graph), list[Node](), node.outputs[0]
    if y in graph.known:
        return
    before: Node | None = node
    while before and isinstance(before.op, REARRANGING) and (before is node or before.outputs[0] not in graph.known):
        steps.insert(0, before)
        x = before.inputs[0]
        candidates = list(_candidates(graph.shape(x), graph.shapes[y])) if _cuts(steps) else []
        if candidates:
            places = np.arange(math.prod(graph.shapes[x]), dtype=np.float64).reshape(1, *graph.shapes[x])
            wanted = _run(steps, places)
            yield from ((x, op, first) for op, first in candidates if np.array_equal(_moved(op, first, places), wanted))
        before = made.get(x)


def _cuts(steps: list[Node]) -> bool:
    """Whether steps may cut and join dimensions and move what they cut."""
    return any(isinstance(n.op, Transpose) for n in steps) and sum(isinstance(n.op, Reshape) for n in steps) > 1


def _candidates(x: Shape, y: Shape) -> Iterator[tuple[DepthToSpace | SpaceToDepth, bool]]:
    """Yield operators of blocks from one shape to another, channels last and first."""
    for first in (False, True):
        height, width = (2, 3) if first else (1, 2)
        if len(x) != 4 or x[0] != y[0] or x[0] != 1:
            return
        larger, smaller = max(y[height], x[height]), min(y[height], x[height])
        block = larger // smaller
        if block < 2 or (larger, max(y[width], x[width])) != (block * smaller, block * min(y[width], x[width])):
            continue
        grows = y[height] > x[height]
        if (y[width] > x[width]) == grows:
            yield from ((DepthToSpace(block, mode) if grows else SpaceToDepth(block, mode), first) for mode in MODES)


def _run(steps: list[Node], places: Array) -> Array:
    for node in steps:
        places = np.asarray(node.op.forward(places))
    return places


def _moved(op: DepthToSpace | SpaceToDepth, first: bool, places: Array) -> Array:
    if not first:
        return np.asarray(op.forward(places))
    return np.moveaxis(op.forward(np.moveaxis(places, 2, -1)), -1, 2)


def _replaced(
    graph: FloatGraph, node: Node, x: str, op: DepthToSpace | SpaceToDepth, channels_first: bool
) -> FloatGraph:
    if not channels_first:
        made = [replace(node, op=op, inputs=(x,))]
        shapes = dict(graph.shapes)
    else:
        taken = {*graph.shapes, *graph.constants}
        last, moved = (free_name(f"{node.name}_{what}", taken) for what in ("image", "blocks"))
        made = [
            Node(last, Transpose(TO_LAST), (x,), (last,)),
            Node(moved, op, (last,), (moved,)),
            replace(node, op=Transpose(TO_FIRST), inputs=(moved,)),
        ]
        shapes = {**graph.shapes, last: tuple(graph.shapes[x][axis] for axis in TO_LAST)}
        shapes[moved] = op.infer_shape(shapes[last])
    known = dict(graph.known)
    for step in made[:-1] if x in known else ():
        known[step.outputs[0]] = replace(known[x], shape=shapes[step.outputs[0]])
    nodes = chain.from_iterable(made if other is node else [other] for other in graph.nodes)
    return replace(graph, nodes=tuple(nodes), shapes=shapes, known=known)
