"""Find divisions that are rounded down, and what they leave, where a format spells them out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Node
from mcuq.ops.div import Div
from mcuq.ops.floor import Floor
from mcuq.ops.floor_div import FloorDiv
from mcuq.ops.floor_mod import FloorMod
from mcuq.ops.mul import Mul
from mcuq.ops.sub import Sub
from mcuq.passes.rewriting import free_name, producers, pruned, scalar

TOLERANCE = 1e-6  # of a divisor whose reciprocal is a factor


class Quotient(NamedTuple):
    """A dividend, and a divisor that is a value, a constant or, where it was written as a factor, a number."""

    a: str
    b: str
    number: float | None


def recognize_divisions(graph: FloatGraph) -> FloatGraph:
    """Replace floors of quotients by floor_div, and what is left of the dividend by floor_mod.

    Before::

        a, b -> div -> floor -> q;   q, b -> mul -> p;   a, p -> sub -> y

    After::

        a, b -> floor_mod -> y

    In integers both divide once, exactly; a quotient in between would be rounded to steps of its own. Values that the
    model gives a quantization are not passed over.
    """
    for node in graph.nodes:
        graph = next(_replaced(graph, node), graph)
    return pruned(graph)


def _replaced(graph: FloatGraph, node: Node) -> Iterator[FloatGraph]:
    if isinstance(node.op, Floor) and (found := _quotient(graph, node)):
        yield _with(graph, node, FloorDiv(), found)
    if isinstance(node.op, Sub) and node.op.activation == "none" and (found := _rest(graph, node)):
        yield _with(graph, node, FloorMod(), found)


def _quotient(graph: FloatGraph, floor: Node) -> Quotient | None:
    """Return what is divided by what, where a floor rounds down a quotient."""
    made = producers(graph).get(floor.inputs[0])
    if made is None or floor.inputs[0] in graph.known or getattr(made.op, "activation", "none") != "none":
        return None
    if isinstance(made.op, Div):
        return Quotient(made.inputs[0], made.inputs[1], None)
    if isinstance(made.op, Mul):
        for x, factor in (made.inputs, made.inputs[::-1]):
            number = scalar(graph, factor)
            if number and x in graph.shapes:
                return Quotient(x, factor, 1 / number)
    return None


def _rest(graph: FloatGraph, node: Node) -> Quotient | None:
    """Return what is divided by what, where a product of quotient and divisor is taken from the dividend."""
    made, (a, product) = producers(graph), node.inputs
    times = made.get(product)
    if times is None or product in graph.known or not isinstance(times.op, Mul) or times.op.activation != "none":
        return None
    for rounded, b in (times.inputs, times.inputs[::-1]):
        maker = made.get(rounded)
        if maker is None or rounded in graph.known or not isinstance(maker.op, FloorDiv):
            continue
        found = Quotient(maker.inputs[0], maker.inputs[1], None)
        if found.a == a and _is_divisor(graph, found, b):
            return found._replace(b=b)
    return None


def _is_divisor(graph: FloatGraph, found: Quotient, b: str) -> bool:
    """Whether a value is what a quotient divides by."""
    if found.b == b:
        return True
    number, divisor = scalar(graph, b), scalar(graph, found.b)
    return number is not None and divisor is not None and bool(np.isclose(number, divisor, rtol=TOLERANCE, atol=0))


def _with(graph: FloatGraph, node: Node, op: FloorDiv | FloorMod, found: Quotient) -> FloatGraph:
    constants, b = dict(graph.constants), found.b
    if found.number is not None:
        b = free_name(f"{node.name}_divisor", {*graph.shapes, *constants})
        constants[b] = np.array(found.number, np.float32)
    new = replace(node, op=op, inputs=(found.a, b))
    return replace(graph, nodes=tuple(new if n is node else n for n in graph.nodes), constants=constants)
