"""Find activations that a format spells out: x * sigmoid(x), clip(x + 3, 0, 6) / 6, ...

Whatever lies between two values and computes element by element, from the first alone and single constants, is a
function of one number. There are many ways to write one (products in any order, reciprocals for quotients, minimum of
maximum), so the nodes are not matched: the function is sampled, and compared with those that one layer computes. In
integers one layer is one table lookup, exact to half a step; the pieces are as many layers with a rounding each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.base import Op
from mcuq.ops.binarize import Binarize
from mcuq.ops.clip import LARGEST, Clip
from mcuq.ops.elu import Elu
from mcuq.ops.gelu import Gelu
from mcuq.ops.groups import BROADCASTING, UNARY
from mcuq.ops.hard_sigmoid import HardSigmoid
from mcuq.ops.hard_swish import HardSwish
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.logistic import Logistic
from mcuq.ops.mish import Mish
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.requantize import Requantize
from mcuq.ops.silu import Silu
from mcuq.ops.softplus import Softplus
from mcuq.ops.tanh import Tanh
from mcuq.passes.rewriting import producers, pruned, scalar
from mcuq.tensor import Array

TOLERANCE = 2e-5  # relative above 1; float32 constants are off by 1e-7, the two forms of GELU by 5e-4
LONGEST = 16  # nodes of one activation; tanh GELU has 9
_FAR = np.geomspace(20, 700, 60)  # exp(700) is still a float64
SAMPLES = np.concatenate([-_FAR[::-1], np.linspace(-20, 20, 2001), _FAR])

PLAIN: tuple[Op, ...] = (
    Binarize(),
    Relu(),
    Relu6(),
    HardSwish(),
    HardSigmoid(1 / 6, 0.5),
    HardSigmoid(),
    Logistic(),
    Tanh(),
    Silu(),
    Gelu(),
    Gelu("tanh"),
    Softplus(),
    Mish(),
)


def recognize_activations(graph: FloatGraph) -> FloatGraph:
    """Replace element-wise nodes by the one activation that they compute together.

    Before::

        x -> add 3 -> clip 0..6 -> g;   x, g -> mul -> mul 1 / 6 -> y

    After::

        x -> hard_swish -> y

    Recognized are signs, relu, relu6, leaky relu, ELU, SELU, clip, hard swish, hard sigmoid, logistic, tanh, SiLU, GELU
    (both forms), softplus and Mish. Values that the model gives a quantization are not passed over: its integers are
    rounded there.
    """
    nodes = list(graph.nodes)
    for i in reversed(range(len(nodes))):  # the longest first
        current = replace(graph, nodes=tuple(nodes))
        nodes[i] = next(_recognized(current, nodes[i]), nodes[i])
    return pruned(replace(graph, nodes=tuple(nodes)))


def _recognized(graph: FloatGraph, node: Node) -> Iterator[Node]:
    """Yield the node as an activation of a value before it, the farthest first."""
    found = list(_functions(graph, node))
    for x, count, y in reversed(found):
        op = _same(y)
        if op and (count > 1 or _is_simpler(op, node.op)):
            yield replace(node, op=op, inputs=(x,))


def _functions(graph: FloatGraph, node: Node) -> Iterator[tuple[str, int, Array]]:
    """Yield values that the node's output is a function of, the number of nodes on the way, and the samples."""
    made, order = producers(graph), {n.name: i for i, n in enumerate(graph.nodes)}
    between: list[Node] = []
    open_values = {node.outputs[0]}
    while len(between) < LONGEST:
        last = max(open_values, key=lambda name: order[made[name].name] if name in made else -1)
        step = made.get(last)
        if step is None or not _is_elementwise(graph, step) or (between and _is_fixed(graph, last)):
            return
        between.append(step)
        open_values = (open_values - {last}) | {name for name in step.inputs if name in graph.shapes}
        if len(open_values) == 1:
            x = next(iter(open_values))
            yield x, len(between), _sampled(graph, between, x)


def _is_elementwise(graph: FloatGraph, node: Node) -> bool:
    """Whether a node computes each element from the same element of its operands and single constants."""
    if not isinstance(node.op, UNARY + BROADCASTING) or isinstance(node.op, Requantize):
        return False
    output = graph.shapes[node.outputs[0]]
    shapes = {graph.shapes[name] for name in node.inputs if name in graph.shapes}
    return shapes == {output} and all(name in graph.shapes or scalar(graph, name) is not None for name in node.inputs)


def _is_fixed(graph: FloatGraph, name: str) -> bool:
    return name in graph.known or name in graph.outputs


def _sampled(graph: FloatGraph, between: list[Node], x: str) -> Array:
    values = {x: SAMPLES}
    with np.errstate(all="ignore"):
        for node in reversed(between):
            operands = [values[n] if n in values else np.float64(scalar(graph, n) or 0.0) for n in node.inputs]
            values[node.outputs[0]] = np.asarray(node.op.forward(*operands), np.float64)  # type: ignore[arg-type]
    return values[between[0].outputs[0]]


def _same(y: Array) -> Op | None:
    """Return the layer that computes these samples."""
    if not np.isfinite(y).all():
        return None
    return next((op for op in (*PLAIN, *_fitted(y)) if _is_close(op, y)), None)


def _fitted(y: Array) -> Iterator[Op]:
    """Yield the layers with parameters that these samples suggest."""
    low, high = float(y[0]), float(y[-1])
    if low < high and (low > SAMPLES[0] or high < SAMPLES[-1]):
        yield Clip(low if low > SAMPLES[0] else -LARGEST, high if high < SAMPLES[-1] else LARGEST)
    slope = low / float(SAMPLES[0])
    if 0 < abs(slope) < 1:
        yield LeakyRelu(slope)
    if (gamma := high / float(SAMPLES[-1])) > 0 > low:
        yield Elu(-low / gamma, gamma)


@cache
def _expected(op: Op) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(op.forward(SAMPLES), np.float64)


def _is_close(op: Op, y: Array) -> bool:
    expected = _expected(op)
    near = np.abs(y - expected) <= TOLERANCE * np.maximum(1, np.abs(expected))
    return bool(np.isfinite(expected).all() and near.all())


def _is_simpler(op: Op, than: Op) -> bool:
    """Whether one layer is to be replaced by another: a clip by a rectifier, a product by what it is."""
    return isinstance(op, Relu | Relu6) and not isinstance(than, Relu | Relu6)
