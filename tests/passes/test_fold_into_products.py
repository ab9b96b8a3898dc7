"""fold_into_products: factors and transposes around a product of two activations vanish in it."""

from __future__ import annotations

import pytest
from float_graphs import GraphBuilder, assert_same, names

from mcuq.ops.matmul import Matmul
from mcuq.ops.mul import Mul
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice
from mcuq.ops.softmax import Softmax
from mcuq.ops.transpose import Transpose
from mcuq.passes.fold_into_products import fold_into_products

SWAP = Transpose((0, 1, 3, 2))


def folded(b: GraphBuilder, y: str, kinds: list[str]) -> Matmul:
    graph = b.graph(y)
    after = fold_into_products(graph)
    assert_same(graph, after)
    assert names(after) == kinds
    (op,) = (node.op for node in after.nodes if isinstance(node.op, Matmul))
    return op


def test_scores_of_attention() -> None:
    """As PyTorch's exporter writes them: the root of the scale on both sides, keys transposed."""
    b = GraphBuilder()
    query, key = b.input((1, 2, 5, 4)), b.input((1, 2, 6, 4))
    factor = 0.5**0.5
    scores = b.add(Matmul(), b.add(Mul(), query, factor), b.add(SWAP, b.add(Mul(), key, factor)))
    op = folded(b, b.add(Softmax(), scores), ["matmul", "softmax"])
    assert (op.transpose_a, op.transpose_b) == (False, True)
    assert op.factor == pytest.approx(0.5)


def test_a_transpose_behind_a_reshape() -> None:
    """What moving the channels last leaves of a single head's keys."""
    b = GraphBuilder()
    key = b.add(Reshape((1, 1, 4, 6)), b.add(Transpose((0, 2, 1)), b.input((1, 6, 4))))
    op = folded(b, b.add(Matmul(), b.input((1, 1, 5, 4)), key), ["reshape", "matmul"])
    assert op.transpose_b


def test_heads_stay_apart() -> None:
    b = GraphBuilder()
    key = b.add(Reshape((1, 2, 2, 6)), b.add(Transpose((0, 2, 1)), b.input((1, 6, 4))))
    folded(b, b.add(Matmul(), b.input((1, 2, 5, 2)), key), ["transpose", "reshape", "matmul"])


def test_a_factor_behind_what_moves() -> None:
    b = GraphBuilder()
    part = b.add(Slice((0, 1, 0), (1, 6, 4)), b.add(Mul(), b.input((1, 8, 4)), 0.25))
    y = b.add(Matmul(), b.add(Reshape((1, 2, 3, 4)), part), b.input((1, 2, 4, 5)))
    assert folded(b, y, ["slice", "reshape", "matmul"]).factor == 0.25


def test_a_factor_of_the_product() -> None:
    b = GraphBuilder()
    y = b.add(Mul(), b.add(Matmul(), b.input((1, 3, 4)), b.input((1, 4, 5))), 0.25)
    assert folded(b, b.add(Relu(), y), ["matmul", "relu"]).factor == 0.25


@pytest.mark.parametrize("flags", [(False, False), (False, True), (True, False), (True, True)])
def test_the_product_transposed(flags: tuple[bool, bool]) -> None:
    """As Keras's attention makes the scores: of the keys and the queries, then transposed."""
    b = GraphBuilder()
    shapes = [(1, 2, 4, 5) if flags[0] else (1, 2, 5, 4), (1, 2, 6, 4) if flags[1] else (1, 2, 4, 6)]
    y = b.add(SWAP, b.add(Matmul(*flags), *(b.input(shape) for shape in shapes)))
    op = folded(b, y, ["matmul"])
    assert (op.transpose_a, op.transpose_b) == (not flags[1], not flags[0])


@pytest.mark.parametrize("case", ["read twice", "negative", "per column", "clamped", "other axes", "known"])
def test_what_stays(case: str) -> None:
    b = GraphBuilder()
    x, other = b.input((1, 2, 3, 3)), b.input((1, 2, 3, 3))
    factor = {"negative": -0.5, "per column": b.random(3)}.get(case, 0.5)
    scaled = b.add(Mul("relu" if case == "clamped" else "none"), x, factor)
    if case == "known":
        b.know(scaled, 0.1, 0)
    if case == "other axes":
        scaled = b.add(Transpose((0, 2, 1, 3)), b.add(Relu(), x))
        other = b.add(Reshape((1, 3, 2, 3)), b.input((1, 3, 3, 2)))
        graph = b.graph(b.add(Matmul(transpose_b=True), scaled, other))
    else:
        y = b.add(Matmul(), scaled, other)
        graph = b.graph(b.add(Relu(), scaled), y) if case == "read twice" else b.graph(y)
    assert fold_into_products(graph).nodes == graph.nodes


def test_a_transpose_that_others_read_stays_for_them() -> None:
    b = GraphBuilder()
    moved = b.add(SWAP, b.input((1, 2, 3, 4)))
    y = b.add(Matmul(), b.input((1, 2, 5, 4)), moved)
    graph = b.graph(y, b.add(Relu(), moved))
    after = fold_into_products(graph)
    assert_same(graph, after)
    assert sorted(names(after)) == ["matmul", "relu", "transpose"]
    assert next(n.op for n in after.nodes if isinstance(n.op, Matmul)).transpose_b
