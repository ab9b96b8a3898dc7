"""fold_constants: nothing is left that does not depend on the inputs."""

from __future__ import annotations

import numpy as np
from float_graphs import GraphBuilder, assert_same, names

from mcuq.ops.add import Add
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.mul import Mul
from mcuq.ops.pad import Pad
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import Reshape
from mcuq.ops.transpose import Transpose
from mcuq.passes.fold_constants import fold_constants
from mcuq.tensor import QConstant


def test_a_chain_of_constants_becomes_one() -> None:
    b = GraphBuilder()
    b.constants |= {"w": b.random(3, 8), "s": b.random(8), "v": b.random(1, 1)}
    turned = b.add(Transpose((0, 2, 1)), b.add(Reshape((1, 3, 8)), b.add(Mul(), "w", "s")))
    joined = b.add(Concatenation(-1), b.add(Relu(), turned), turned)
    padded = b.add(Pad((0, 1), (0, 4)), "v", 2.0)
    y = b.add(Add(), b.input((1, 8, 6)), joined)
    graph = b.graph(b.add(Mul(), y, padded))
    after = fold_constants(graph).verify()
    assert names(after) == ["add", "mul"]
    assert after.constants.keys() == {joined, padded}
    product = (graph.real("w") * graph.real("s")).T[np.newaxis]  # the reference does not run what has no sample axis
    np.testing.assert_allclose(after.real(joined), np.concatenate([np.maximum(product, 0), product], -1), rtol=1e-6)
    np.testing.assert_allclose(after.real(padded), np.pad(graph.real("v"), ((0, 0), (1, 4)), constant_values=2.0))


def test_broadcasting_of_different_ranks() -> None:
    b = GraphBuilder()
    b.constants |= {"a": b.random(3), "b": b.random(2, 3)}
    both = b.add(Add(), b.add(Mul(), "a", "b"), b.add(Mul(), "b", "a"))
    graph = b.graph(b.add(Add(), b.input((1, 2, 3)), both))
    after = fold_constants(graph)
    assert_same(graph, after)
    assert names(after) == ["add"]
    np.testing.assert_allclose(after.real(both), 2 * graph.real("a") * graph.real("b"), rtol=1e-6)


def test_integers_are_read_as_reals_and_known_results_become_integers() -> None:
    b = GraphBuilder()
    b.constants["q"] = QConstant(np.array([[10, -20]], np.int8), np.array([0.5]), zero_point=2)
    halved = b.know(b.add(Mul(), "q", 0.5), 0.25, -1)
    graph = b.graph(b.add(Add(), b.input((1, 2)), halved))
    after = fold_constants(graph)
    assert_same(graph, after)
    constant = after.constants[halved]
    assert isinstance(constant, QConstant)
    assert (constant.values.tolist(), constant.scale.tolist(), constant.zero_point) == ([[7, -23]], [0.25], -1)
    assert after.known == {}


def test_a_constant_output_stays_a_node() -> None:
    b = GraphBuilder()
    b.constants["w"] = b.random(1, 3)
    x = b.input((1, 3))
    graph = b.graph(b.add(Relu(), b.add(Relu(), "w")), b.add(Relu(), x))
    after = fold_constants(graph)
    after.verify()
    assert names(after) == ["relu", "relu"]


def test_what_nothing_reads_goes() -> None:
    b = GraphBuilder()
    x = b.input((1, 3))
    b.know(b.add(Relu(), b.dense(x, 4)), 0.5, 0)
    graph = b.graph(b.add(FullyConnected(), x, b.random(2, 3)))
    after = fold_constants(graph)
    assert_same(graph, after)
    assert names(after) == ["fully_connected"]
    assert len(after.constants) == 1
    assert after.known == {}
