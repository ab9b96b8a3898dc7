"""Find normalizations that a format spells out: x minus its mean, times the reciprocal root of its variance, ...

As with activations (:mod:`mcuq.passes.recognize_activations`) the nodes are not matched: whatever lies between two
values and is made of means, norms, element-wise layers, reshapes and constants is run on random rows, and compared
with the norm that has the epsilon, and the groups, found among the nodes. Its factors and summands follow from two of
the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.group_norm import GroupNorm
from mcuq.ops.groups import BROADCASTING, REARRANGING, UNARY
from mcuq.ops.l2_norm import L2Norm
from mcuq.ops.layer_norm import LayerNorm
from mcuq.ops.mean import Mean
from mcuq.ops.normalization import NormalizeOp
from mcuq.ops.requantize import Requantize
from mcuq.ops.rms_norm import RmsNorm
from mcuq.ops.sum import Sum
from mcuq.ops.tile import Tile
from mcuq.ops.transpose import Transpose
from mcuq.passes.rewriting import free_name, producers, pruned, scalar
from mcuq.tensor import Array, Shape

LONGEST = 16  # nodes of one norm
ROWS = 6  # random samples that are compared
TOLERANCE = 1e-4
EPSILONS = 1e-1  # larger summands are something else
REDUCING = (Mean, NormalizeOp, Sum)


class Found(NamedTuple):
    """A norm, the dimension of its factors and summands from the end, and these."""

    op: NormalizeOp | L2Norm
    axis: int
    factor: Array
    summand: Array


def recognize_norms(graph: FloatGraph) -> FloatGraph:
    """Replace nodes by the one norm that they compute together, over the last dimension or over groups of channels.

    Before::

        x -> mean -> m;   x, m -> squared_difference -> mean -> add epsilon -> rsqrt -> r;   x, m -> sub -> d
        d, r -> mul -> mul gamma -> add beta -> y

    After::

        x, gamma, beta -> layer_norm -> y

    Recognized are layer norm, RMS norm, L2 norm, and the group norm of an image [1, H, W, C] or [1, C, H, W], or of
    rows [1, L, C] or [1, C, L]; a norm takes products and sums behind it as its own. Values that the model gives a
    quantization are not passed over.
    """
    for node in reversed(graph.nodes):
        if any(isinstance(other.op, REDUCING) for other in graph.nodes):
            graph = next(_recognized(graph, node), graph)
    return pruned(graph)


def _recognized(graph: FloatGraph, node: Node) -> Iterator[FloatGraph]:
    if not isinstance(node.op, BROADCASTING + REARRANGING) or node.outputs[0] in graph.known:
        return
    for x, between in reversed(list(_between(graph, node))):
        found = _norm(graph, x, between)
        if found is not None:
            yield _replaced(graph, node, x, found)


def _between(graph: FloatGraph, node: Node) -> Iterator[tuple[str, list[Node]]]:
    """Yield values of the output's shape that the node's output is a function of, and the nodes on the way."""
    made, order = producers(graph), {n.name: i for i, n in enumerate(graph.nodes)}
    between: list[Node] = []
    open_values = {node.outputs[0]}
    while len(between) < LONGEST:
        last = max(open_values, key=lambda name: order[made[name].name] if name in made else -1)
        step = made.get(last)
        if step is None or not _is_part(step) or (between and (last in graph.known or last in graph.outputs)):
            return
        between.append(step)
        open_values = (open_values - {last}) | {name for name in step.inputs if name in graph.shapes}
        if len(open_values) == 1:
            (x,) = open_values
            kinds = [any(isinstance(n.op, kind) for n in between) for kind in (REDUCING, BROADCASTING)]
            if graph.shapes[x] == graph.shapes[node.outputs[0]] and all(kinds):
                yield x, list(between)


def _is_part(node: Node) -> bool:
    parts = (*UNARY, *BROADCASTING, *REARRANGING, *REDUCING, Tile)
    return isinstance(node.op, parts) and not isinstance(node.op, Requantize) and len(node.outputs) == 1


def _norm(graph: FloatGraph, x: str, between: Sequence[Node]) -> Found | None:
    """Return the norm that nodes compute of x, with its factor and summand per element of a row, or channel."""
    shape = graph.shapes[x]
    candidates = list(_candidates(graph, shape, between))
    if not candidates or min(shape[1:]) < 1:
        return None
    samples = np.random.default_rng(0).normal(1, 2, (ROWS, *shape))
    samples *= np.geomspace(0.03, 10, ROWS).reshape(-1, *[1] * len(shape))
    y = _run(graph, between, x, samples)
    if not np.all(np.isfinite(y)):
        return None
    for op, axis in candidates:
        fitted = _fitted(op, np.moveaxis(samples, axis, -1), np.moveaxis(y, axis, -1))
        if fitted is not None:
            return Found(op, axis, *fitted)
    return None


def _candidates(graph: FloatGraph, shape: Shape, between: Sequence[Node]) -> Iterator[tuple[NormalizeOp | L2Norm, int]]:
    """Yield norms, and the dimension that their factors lie along, from the end."""
    rank = len(shape)
    axes = {tuple(axis % rank for axis in n.op.axes) for n in between if isinstance(n.op, Mean | Sum)}
    norms = [n.op for n in between if isinstance(n.op, NormalizeOp)]
    numbers = {scalar(graph, name) for n in between for name in n.inputs if name in graph.constants}
    held = {number for number in numbers if number is not None and 0 < number < EPSILONS}
    epsilons = sorted({*held, *(norm.epsilon for norm in norms)})
    is_layer = axes <= {(rank - 1,)} and not any(isinstance(norm, GroupNorm) for norm in norms)
    is_moved = any(isinstance(n.op, REARRANGING) for n in between)
    if is_layer and shape[-1] > 1:
        for epsilon in epsilons:
            yield LayerNorm(epsilon), -1
            yield RmsNorm(epsilon), -1
        yield from ((op, -1) for op in (L2Norm(), LayerNorm(0.0), RmsNorm(0.0)))
    if (is_moved or not is_layer) and rank in (3, 4) and shape[0] == 1:
        seen = {size for n in between for name in n.outputs for size in graph.shapes[name]}
        for axis in (-1, 1 - rank):
            groups = sorted(size for size in seen if shape[axis] % size == 0)
            yield from ((GroupNorm(epsilon, count), axis) for epsilon in epsilons for count in groups)


def _run(graph: FloatGraph, between: Sequence[Node], x: str, samples: Array) -> Array:
    values = {x: samples}
    constants = {n: graph.real(n).astype(np.float64) for node in between for n in node.inputs if n in graph.constants}
    with np.errstate(all="ignore"):
        for node in reversed(between):
            operands = [values[name] if name in values else constants[name] for name in node.inputs]
            values[node.outputs[0]] = np.asarray(node.op.forward(*operands), np.float64)
    return values[between[0].outputs[0]]


def _fitted(op: NormalizeOp | L2Norm, samples: Array, y: Array) -> tuple[Array, Array] | None:
    """Return factor and summand per element of a row, if the norm makes these samples with them."""
    rows, wanted = op.forward(samples).reshape(-1, samples.shape[-1]), y.reshape(-1, samples.shape[-1])
    if rows.shape != wanted.shape:
        return None
    low, high = rows.argmin(axis=0), rows.argmax(axis=0)
    columns = np.arange(rows.shape[1])
    factor = (wanted[high, columns] - wanted[low, columns]) / (rows[high, columns] - rows[low, columns])
    summand = wanted[low, columns] - factor * rows[low, columns]
    error = np.abs(rows * factor + summand - wanted)
    is_close = np.all(error <= TOLERANCE * (1 + np.abs(wanted)))
    is_plain = np.allclose(factor, 1, atol=TOLERANCE) and np.allclose(summand, 0, atol=TOLERANCE)
    is_found = is_close and np.all(np.abs(factor) > 0) and (is_plain or isinstance(op, NormalizeOp))
    return (factor, summand) if is_found else None


def _replaced(graph: FloatGraph, node: Node, x: str, found: Found) -> FloatGraph:
    constants, shapes, names = dict(graph.constants), dict(graph.shapes), []
    for what, part in (("factor", found.factor), ("summand", found.summand)):
        if isinstance(found.op, NormalizeOp):
            names.append(free_name(f"{node.name}_{what}", {*shapes, *constants}))
            constants[names[-1]] = part.astype(np.float32)
    made = [replace(node, op=found.op, inputs=(x, *names))]
    if found.axis != -1:
        last, normal = (free_name(f"{node.name}_{what}", {*shapes, *constants}) for what in ("image", "normal"))
        middle = range(2, len(shapes[x]))
        to_last, to_first = (0, *middle, 1), (0, len(shapes[x]) - 1, *(axis - 1 for axis in middle))
        shapes[last] = shapes[normal] = tuple(shapes[x][axis] for axis in to_last)
        made = [
            Node(last, Transpose(to_last), (x,), (last,)),
            Node(normal, found.op, (last, *names), (normal,)),
            replace(node, op=Transpose(to_first), inputs=(normal,)),
        ]
    nodes = chain.from_iterable(made if other is node else [other] for other in graph.nodes)
    return replace(graph, nodes=tuple(nodes), shapes=shapes, constants=constants)
