"""remove_identities: what moves and changes nothing goes, and values keep their names and quantization."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from float_graphs import GraphBuilder, assert_same, names

from mcuq.float_graph import FloatGraph
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.mul import Mul
from mcuq.ops.pad import Pad
from mcuq.ops.relu import Relu
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice
from mcuq.ops.softmax import Softmax
from mcuq.ops.sub import Sub
from mcuq.ops.transpose import Transpose
from mcuq.passes.remove_identities import remove_identities

Form = Callable[[GraphBuilder, str], str]
NOTHING: list[Form] = [
    lambda b, x: b.add(Reshape((1, 4, 4, 3)), x),
    lambda b, x: b.add(Reshape((1, 4, 4, 3)), b.add(Reshape((1, 48)), x)),
    lambda b, x: b.add(Transpose((0, 1, 2, 3)), x),
    lambda b, x: b.add(Transpose((0, 3, 1, 2)), b.add(Transpose((0, 2, 3, 1)), x)),
    lambda b, x: b.add(Slice((0, 0, 0, 0), (1, 4, 4, 3)), x),
    lambda b, x: b.add(Pad((0, 0, 0, 0), (0, 0, 0, 0)), x, 7.0),
    lambda b, x: b.add(AveragePool((1, 1)), x),
    lambda b, x: b.add(MaxPool((1, 1)), x),
    lambda b, x: b.add(Concatenation(2), x),
    lambda b, x: b.add(Add(), 0.0, b.add(Mul(), np.ones((3,)), b.add(Sub(), x, np.zeros((1, 4, 1, 1))))),
]
SOMETHING: list[Form] = [
    lambda b, x: b.add(Transpose((0, 2, 1, 3)), x),
    lambda b, x: b.add(Slice((0, 3, 0, 0), (1, 4, 4, 3), (1, -1, 1, 1)), x),
    lambda b, x: b.add(AveragePool((1, 1), activation="relu"), x),
    lambda b, x: b.add(Add("relu6"), x, 0.0),
    lambda b, x: b.add(Sub(), 0.0, x),
    lambda b, x: b.add(Add(), x, np.zeros((2, 4, 1, 1))),
    lambda b, x: b.add(Requantize(), x),
    lambda b, x: b.add(Softmax(), x),
    lambda b, x: b.add(AveragePool((4, 4), activation="relu"), x),
    lambda b, x: b.add(AveragePool((4, 3)), x),
]


@pytest.mark.parametrize("form", NOTHING)
@pytest.mark.parametrize("at_the_end", [False, True])
def test_nothing_is_removed(form: Form, at_the_end: bool) -> None:
    b = GraphBuilder()
    y = form(b, b.add(Relu(), b.input((1, 4, 4, 3))))
    graph = b.graph(y if at_the_end else b.conv(y, 2))
    after = remove_identities(graph)
    assert_same(graph, after)
    assert names(after) == (["relu"] if at_the_end else ["relu", "conv2d"])


@pytest.mark.parametrize("form", SOMETHING)
def test_something_stays(form: Form) -> None:
    b = GraphBuilder()
    graph = b.graph(form(b, b.add(Relu(), b.input((1, 4, 4, 3)))))
    after = remove_identities(graph)
    assert after.nodes == graph.nodes


def test_a_chain_of_views_is_one() -> None:
    b = GraphBuilder()
    y = b.add(Transpose((0, 2, 1)), b.add(Transpose((0, 2, 1)), b.input((1, 6, 4))))
    y = b.add(Reshape((1, 1, 24)), b.add(Reshape((1, 24, 1)), b.add(Reshape((1, 2, 12)), y)))
    graph = b.graph(b.add(Reshape((1, 24)), b.add(Transpose((0, 2, 1)), y)))
    after = remove_identities(graph)
    assert_same(graph, after)
    assert names(after) == ["reshape"]


def test_the_input_as_output_stays_a_node() -> None:
    b = GraphBuilder()
    x = b.input((1, 4))
    graph = b.graph(b.add(Reshape((1, 4)), x))
    assert remove_identities(graph).nodes == graph.nodes


def test_two_outputs_of_one_value_stay_two() -> None:
    b = GraphBuilder()
    y = b.add(Relu(), b.input((1, 4)))
    graph = b.graph(y, b.add(Reshape((1, 4)), y), b.add(Reshape((1, 4)), y))
    after = remove_identities(graph)
    assert_same(graph, after)
    assert names(after) == ["relu", "reshape", "reshape"]


def test_quantizations_are_not_lost() -> None:
    b = GraphBuilder()
    y = b.add(Relu(), b.input((1, 4)))
    same = b.know(b.add(Reshape((1, 4)), y), 0.5, 3)
    other = b.know(b.add(Reshape((1, 4)), same), 0.25, 0)
    graph = b.graph(b.dense(other, 2))
    after = remove_identities(graph)
    assert_same(graph, after)
    assert names(after) == ["relu", "reshape", "fully_connected"]
    assert [after.known[node.outputs[0]].scale for node in after.nodes[:2]] == [0.5, 0.25]


def test_a_shared_value_takes_no_quantization_from_one_reader() -> None:
    b = GraphBuilder()
    y = b.add(Relu(), b.input((1, 4)))
    known = b.know(b.add(Reshape((1, 4)), y), 0.5, 3)
    graph = b.graph(b.dense(known, 2), b.dense(y, 2))
    after = remove_identities(graph)
    assert_same(graph, after)
    assert len(after.nodes) == 4


def _pooled(known: tuple[float, ...] | None) -> FloatGraph:
    b = GraphBuilder()
    x = b.add(Relu(), b.input((1, 4, 5, 3)))
    y = b.add(AveragePool((4, 5), (4, 5)), x)
    for name, scale in zip((x, y), known or (), strict=False):
        b.know(name, scale, 0)
    return b.graph(y)


@pytest.mark.parametrize("known", [None, (0.5, 0.25)])
def test_a_global_average_pool_is_a_mean(known: tuple[float, ...] | None) -> None:
    graph = _pooled(known)
    after = remove_identities(graph)
    assert_same(graph, after)
    assert after.nodes[1].op == Mean((1, 2), keep_dims=True)


@pytest.mark.parametrize("known", [(0.5, 0.5), (0.5,)])
def test_a_global_average_pool_of_one_quantization_stays(known: tuple[float, ...]) -> None:
    """Also where the output's is not given: it is the input's then, and needs no calibration."""
    assert names(remove_identities(_pooled(known))) == ["relu", "average_pool"]


def test_a_mean_of_single_elements_is_a_reshape() -> None:
    b = GraphBuilder()
    graph = b.graph(b.dense(b.add(Mean((1, 2)), b.input((1, 1, 1, 6))), 3))
    after = remove_identities(graph)
    assert_same(graph, after)
    assert names(after) == ["reshape", "fully_connected"]
