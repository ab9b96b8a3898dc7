"""Find normalizations that a format spells out: x minus its mean, times the reciprocal root of its variance, ...

As with activations (:mod:`mcuq.passes.recognize_activations`) the nodes are not matched: whatever lies between two
values and is made of means, element-wise layers and constants is run on random rows, and compared with the norm that
has the epsilon found among the nodes. Its factors and summands follow from two of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.base import Op
from mcuq.ops.groups import BROADCASTING, UNARY
from mcuq.ops.l2_norm import L2Norm
from mcuq.ops.layer_norm import LayerNorm
from mcuq.ops.mean import Mean
from mcuq.ops.normalization import NormalizeOp
from mcuq.ops.requantize import Requantize
from mcuq.ops.rms_norm import RmsNorm
from mcuq.ops.sum import Sum
from mcuq.passes.rewriting import free_name, producers, pruned, scalar
from mcuq.tensor import Array

LONGEST = 16  # nodes of one norm
ROWS = 6  # random samples that are compared
TOLERANCE = 1e-4
EPSILONS = 1e-1  # larger summands are something else


def recognize_norms(graph: FloatGraph) -> FloatGraph:
    """Replace nodes by the one norm over the last dimension that they compute together.

    Before::

        x -> mean -> m;   x, m -> squared_difference -> mean -> add epsilon -> rsqrt -> r;   x, m -> sub -> d
        d, r -> mul -> mul gamma -> add beta -> y

    After::

        x, gamma, beta -> layer_norm -> y

    Recognized are layer norm, RMS norm and L2 norm. Values that the model gives a quantization are not passed over.
    """
    for node in reversed(graph.nodes):
        if any(isinstance(other.op, Mean | Sum) for other in graph.nodes):
            graph = next(_recognized(graph, node), graph)
    return pruned(graph)


def _recognized(graph: FloatGraph, node: Node) -> Iterator[FloatGraph]:
    if not isinstance(node.op, BROADCASTING) or node.outputs[0] in graph.known:
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
            if graph.shapes[x] == graph.shapes[node.outputs[0]] and any(isinstance(n.op, Mean | Sum) for n in between):
                yield x, list(between)


def _is_part(node: Node) -> bool:
    parts = (*UNARY, *BROADCASTING, Mean, Sum)
    return isinstance(node.op, parts) and not isinstance(node.op, Requantize) and len(node.outputs) == 1


def _norm(graph: FloatGraph, x: str, between: Sequence[Node]) -> tuple[Op, Array, Array] | None:
    """Return the norm that nodes compute of x, with its factor and summand per element of a row."""
    shape = graph.shapes[x]
    rank = len(shape)
    axes = {tuple(axis % rank for axis in n.op.axes) for n in between if isinstance(n.op, Mean | Sum)}
    if axes != {(rank - 1,)} or shape[-1] < 2:
        return None
    samples = np.random.default_rng(0).normal(1, 2, (ROWS, *shape))
    samples *= np.geomspace(0.03, 10, ROWS).reshape(-1, *[1] * rank)
    y = _run(graph, between, x, samples)
    if not np.all(np.isfinite(y)):
        return None
    for op in _candidates(graph, between):
        fitted = _fitted(op, samples, y)
        if fitted is not None:
            return (op, *fitted)
    return None


def _candidates(graph: FloatGraph, between: Sequence[Node]) -> Iterator[NormalizeOp | L2Norm]:
    numbers = {scalar(graph, name) for n in between for name in n.inputs if name in graph.constants}
    for epsilon in sorted(number for number in numbers if number is not None and 0 < number < EPSILONS):
        yield LayerNorm(epsilon)
        yield RmsNorm(epsilon)
    yield L2Norm()
    yield LayerNorm(0.0)
    yield RmsNorm(0.0)


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


def _replaced(graph: FloatGraph, node: Node, x: str, found: tuple[Op, Array, Array]) -> FloatGraph:
    op, factor, summand = found
    constants, names = dict(graph.constants), []
    for what, part in (("factor", factor), ("summand", summand)) if isinstance(op, NormalizeOp) else ():
        names.append(free_name(f"{node.name}_{what}", {*graph.shapes, *constants}))
        constants[names[-1]] = part.astype(np.float32)
    made = replace(node, op=op, inputs=(x, *names))
    nodes = tuple(made if other is node else other for other in graph.nodes)
    return replace(graph, nodes=nodes, constants=constants)
