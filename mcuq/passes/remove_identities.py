"""Remove what computes nothing, and write what computes the same in one way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.groups import AFFINE, IDLE, REARRANGING
from mcuq.ops.mean import Mean
from mcuq.ops.mul import Mul
from mcuq.ops.pooling import PoolOp
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice
from mcuq.ops.sub import Sub
from mcuq.ops.transpose import Transpose
from mcuq.passes.rewriting import is_inner, pruned, renamed, same_quantization, scalar
from mcuq.tensor import Shape


def remove_identities(graph: FloatGraph) -> FloatGraph:
    """Remove reshapes, transposes, slices, pads, pools and sums that leave every element where and as it is.

    Before::

        x [1, 4, 4, 8] -> average_pool 1x1 -> reshape [1, 16, 8] -> reshape [1, 128] -> slice [0:128]

    After::

        x [1, 4, 4, 8] -> reshape [1, 128]

    - A reshape or transpose reads past the reshapes or transposes before it.
    - A transpose that moves only dimensions of one element becomes a reshape.
    - An average pool over the whole image becomes a mean: its output has a quantization of its own, where the pool
      keeps the wider one of its input. It stays where the model itself gives the input's quantization and no other to
      the output.
    - A layer between two different known quantizations is a requantization, and stays; so does a Requantize.
    - A model output that is a model input stays a node.
    """
    graph = _simplified(graph)
    for name in [node.name for node in graph.nodes]:
        node = next(node for node in graph.nodes if node.name == name)  # its inputs may have been renamed
        if _is_identity(graph, node):
            graph = _without(graph, node)
    return pruned(graph)


def _simplified(graph: FloatGraph) -> FloatGraph:
    """Rewrite nodes one by one: each reads what is already rewritten."""
    made: dict[str, Node] = {}
    for node in graph.nodes:
        made[node.outputs[0]] = _simplest(graph, node, made)
    return pruned(replace(graph, nodes=tuple(made.values())))


def _simplest(graph: FloatGraph, node: Node, made: Mapping[str, Node]) -> Node:
    simpler = next(_simpler(graph, node, made.get(node.inputs[0])), None)
    return node if simpler is None or simpler == node else _simplest(graph, simpler, made)


def _simpler(graph: FloatGraph, node: Node, before: Node | None) -> Iterator[Node]:
    """Yield the node in simpler forms, if there are any."""
    op, (x, y) = node.op, (node.inputs[0], node.outputs[0])
    shape = graph.shape(x)
    if before and isinstance(op, REARRANGING) and type(op) is type(before.op) and _passes_on(graph, before):
        yield replace(node, op=_after(before.op, op), inputs=before.inputs)
    if _moves_nothing(op, shape) and _passes_on(graph, node):
        yield replace(node, op=Reshape(graph.shapes[y]))
    is_tied = x in graph.known and _passes_on(graph, node)
    if isinstance(op, AveragePool) and not is_tied and _is_global(op, shape):
        yield replace(node, op=Mean((1, 2), keep_dims=True))


def _is_global(pool: AveragePool, shape: Shape) -> bool:
    """Whether the one window is the whole image, of more than one pixel."""
    return shape[1:3] != (1, 1) and pool == AveragePool((shape[1], shape[2]), pool.stride)


def _after(first: Op, second: Op) -> Op:
    if isinstance(first, Transpose) and isinstance(second, Transpose):
        return Transpose(tuple(first.axes[axis] for axis in second.axes))
    return second


def _moves_nothing(op: Op, shape: Shape) -> bool:
    """Whether only dimensions of one element are moved, or the mean is taken over them."""
    if isinstance(op, Mean):
        return all(shape[axis] == 1 for axis in op.axes)
    moving = [axis for axis in op.axes if shape[axis] > 1] if isinstance(op, Transpose) else [1, 0]
    return moving == sorted(moving)


def _passes_on(graph: FloatGraph, node: Node) -> bool:
    """Whether the model gives a node's output no other quantization than its input."""
    x, y = node.inputs[0], node.outputs[0]
    return y not in graph.known or same_quantization(graph.known.get(x), graph.known[y])


def _is_identity(graph: FloatGraph, node: Node) -> bool:
    op, shape = node.op, graph.shape(node.inputs[0])
    if isinstance(op, AFFINE):
        return _neutral(graph, node) is not None
    return isinstance(op, IDLE) and shape == graph.shapes[node.outputs[0]] and _keeps_places(op, len(node.inputs))


def _keeps_places(op: Op, operands: int) -> bool:
    """Whether an idle layer whose output has its input's shape has all elements where they were."""
    if isinstance(op, PoolOp):
        return op == type(op)((1, 1))
    if isinstance(op, Concatenation):
        return operands == 1
    if isinstance(op, Transpose):
        return op.axes == tuple(range(len(op.axes)))
    return not isinstance(op, Slice) or all(step > 0 for step in op.stride)


def _neutral(graph: FloatGraph, node: Node) -> str | None:
    """Return the operand that a sum or product passes on."""
    if getattr(node.op, "activation", "none") != "none":
        return None
    a, b = node.inputs
    nothing = 1.0 if isinstance(node.op, Mul) else 0.0
    pairs = [(a, b)] if isinstance(node.op, Sub) else [(a, b), (b, a)]
    output = graph.shapes[node.outputs[0]]
    return next((x for x, y in pairs if scalar(graph, y) == nothing and graph.shapes.get(x) == output), None)


def _without(graph: FloatGraph, node: Node) -> FloatGraph:
    """Let the readers of a node's output read its input, if nothing but the name tells them apart."""
    x = (_neutral(graph, node) if isinstance(node.op, AFFINE) else None) or node.inputs[0]
    y = node.outputs[0]
    if x not in graph.shapes or (y in graph.outputs and x in {*graph.inputs, *graph.outputs}):
        return graph
    own, wanted = graph.known.get(x), graph.known.get(y)
    if wanted and not same_quantization(own, wanted) and (own or not is_inner(graph, x)):
        return graph
    known = {**graph.known, **({x: wanted} if wanted else {})}
    rest = tuple(n for n in graph.nodes if n.name != node.name)
    shapes = {name: shape for name, shape in graph.shapes.items() if name != y}
    names = {x: y} if y in graph.outputs else {y: x}
    graph = replace(graph, nodes=rest, shapes=shapes, known={n: t for n, t in known.items() if n != y})
    return renamed(graph, names)
