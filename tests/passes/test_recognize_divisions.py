"""recognize_divisions: floors of quotients and what they leave are one layer, as PyTorch's exporter spells them out."""

from __future__ import annotations

import numpy as np
import pytest
from float_graphs import GraphBuilder, assert_same, names

from mcuq.float_graph import FloatGraph
from mcuq.ops.div import Div
from mcuq.ops.floor import Floor
from mcuq.ops.mul import Mul
from mcuq.ops.sub import Sub
from mcuq.passes.recognize_divisions import recognize_divisions

DIVISORS = ("a value", "a row", "a number", "a factor")


def floored(b: GraphBuilder, divisor: str, known: bool = False) -> tuple[str, str, str | np.ndarray]:
    """Return dividend, rounded quotient and divisor."""
    x = b.input((1, 3, 4))
    by: str | np.ndarray = np.float32(0.7)
    if divisor == "a value":
        by = b.input((1, 3, 4))
    elif divisor == "a row":
        by = np.linspace(0.5, 2, 4, dtype=np.float32)
    quotient = b.add(Mul(), x, np.float32(1 / 0.7)) if divisor == "a factor" else b.add(Div(), x, by)
    return x, b.add(Floor(), b.know(quotient, 0.1, 0) if known else quotient), by


def recognized(graph: FloatGraph) -> list[str]:
    after = recognize_divisions(graph)
    assert_same(graph, after)
    return names(after)


@pytest.mark.parametrize("divisor", DIVISORS)
def test_quotients(divisor: str) -> None:
    b = GraphBuilder()
    _, quotient, _ = floored(b, divisor)
    assert recognized(b.graph(quotient)) == ["floor_div"]


@pytest.mark.parametrize("divisor", ["a value", "a number", "a factor"])
@pytest.mark.parametrize("turned", [False, True])
def test_rests(divisor: str, turned: bool) -> None:
    b = GraphBuilder()
    x, quotient, by = floored(b, divisor)
    product = b.add(Mul(), by, quotient) if turned else b.add(Mul(), quotient, by)
    assert recognized(b.graph(b.add(Sub(), x, product))) == ["floor_mod"]


def test_both_of_one_quotient() -> None:
    b = GraphBuilder()
    x, quotient, by = floored(b, "a value")
    rest = b.add(Sub(), x, b.add(Mul(), quotient, by))
    assert recognized(b.graph(quotient, rest)) == ["floor_div", "floor_mod"]


def test_other_differences_stay() -> None:
    b = GraphBuilder()
    x, quotient, by = floored(b, "a value")
    backwards = b.add(Sub(), b.add(Mul(), quotient, by), x)
    other = b.add(Sub(), x, b.add(Mul(), quotient, 0.5))
    assert sorted(recognized(b.graph(backwards, other))) == ["floor_div", "mul", "mul", "sub", "sub"]


def test_known_quotients_stay() -> None:
    b = GraphBuilder()
    _, quotient, _ = floored(b, "a value", known=True)
    graph = b.graph(quotient)
    assert recognize_divisions(graph).nodes == graph.nodes
