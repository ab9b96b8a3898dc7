"""align_ranks: many samples at once are not broadcast over."""

from __future__ import annotations

from float_graphs import GraphBuilder, assert_same, names

from mcuq.ops.add import Add
from mcuq.ops.logistic import Logistic
from mcuq.ops.mean import Mean
from mcuq.ops.mul import Mul
from mcuq.passes.align_ranks import align_ranks
from mcuq.passes.prepare import prepare


def test_squeeze_and_excite_of_fewer_dimensions() -> None:
    """The result is that of the reshape written out."""
    graphs = []
    for is_written in (False, True):
        b = GraphBuilder()
        x = b.input((1, 6, 5, 8))
        weights = b.add(Logistic(), b.add(Mean((1, 2), keep_dims=is_written), x))
        graphs.append(b.graph(b.add(Mul(), x, b.know(weights, 1 / 256, -128))))
    after = align_ranks(graphs[0])
    assert names(after) == ["mean", "logistic", "reshape", "mul"]
    assert {tensor.shape for tensor in after.known.values()} == {(1, 8), (1, 1, 1, 8)}
    assert_same(graphs[1], after)
    assert_same(graphs[1], prepare(graphs[0]))


def test_constants_and_equal_ranks_stay() -> None:
    b = GraphBuilder()
    x = b.input((1, 3, 4))
    graph = b.graph(b.add(Add(), b.add(Mul(), x, b.random(4)), b.input((1, 1, 4))))
    assert align_ranks(graph).nodes == graph.nodes
