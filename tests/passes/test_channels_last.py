"""channels_last: no transposes are left where none is the model's own, and the model computes the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from float_graphs import GraphBuilder, assert_same, names, transposes
from hypothesis import given, settings
from nchw_models import ALL_VANISH, SAME, random_graphs, sequence, two_branches

from mcuq.float_graph import FloatGraph
from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.concatenation import Concatenation
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.logistic import Logistic
from mcuq.ops.mean import Mean
from mcuq.ops.packing import check_values
from mcuq.ops.relu import Relu
from mcuq.ops.requantize import Requantize
from mcuq.ops.reshape import Reshape
from mcuq.ops.transpose import Transpose
from mcuq.passes.channels_last import channels_last
from mcuq.tensor import QConstant


@pytest.mark.parametrize("model", ALL_VANISH)
def test_no_transpose_is_left(model: Callable[[GraphBuilder], str]) -> None:
    b = GraphBuilder()
    graph = b.graph(model(b))
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(graph) > 0
    assert transposes(after) == 0


def test_inputs_become_nhwc() -> None:
    b = GraphBuilder()
    graph = b.graph(two_branches(b))
    after = channels_last(graph)
    assert after.layouts == {"x0": (0, 2, 3, 1), "x1": (0, 2, 3, 1)}
    assert [after.shapes[name] for name in after.inputs] == [(1, 6, 6, 3), (1, 5, 5, 1), (1, 6)]


def test_a_sequence_input_becomes_nlc() -> None:
    b = GraphBuilder()
    after = channels_last(b.graph(sequence(b)))
    assert after.layouts == {"x0": (0, 2, 1)}
    assert after.shapes["x0"] == (1, 16, 3)


def test_an_input_already_in_another_order() -> None:
    b = GraphBuilder()
    x = b.input((1, 8, 3, 6))
    graph = b.graph(b.add(Mean((2, 3)), b.conv_first(x, 4)))
    given_order = FloatGraph(**{**vars(graph), "layouts": {"x0": (0, 2, 1, 3)}})
    # trained [1, 3, 8, 6] -> (0, 2, 1, 3) -> [1, 8, 3, 6] -> (0, 2, 3, 1) -> [1, 3, 6, 8]
    after = channels_last(given_order)
    assert after.layouts == {"x0": (0, 1, 3, 2)}
    assert after.shapes["x0"] == (1, 3, 6, 8)


def test_a_spatial_output_keeps_its_order() -> None:
    b = GraphBuilder()
    x = b.input((1, 3, 6, 6))
    y = b.add(Relu(), b.conv_first(b.add(Relu(), b.conv_first(x, 4)), 2))
    graph = b.graph(y)
    after = channels_last(graph)
    assert_same(graph, after)
    assert names(after) == ["conv2d", "relu", "conv2d", "relu", "transpose"]
    assert after.nodes[-1].outputs == (y,)


def test_outputs_in_the_middle() -> None:
    b = GraphBuilder()
    x = b.input((1, 3, 6, 6))
    y = b.add(Relu(), b.conv_first(x, 4, padding=SAME))
    z = b.add(Add(), b.conv_first(y, 4, padding=SAME), y)
    graph = b.graph(z, y, b.add(Mean((2, 3)), z), b.add(Reshape((1, 4, 36)), y))
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(after) == 2


def test_the_input_itself_reordered_is_an_output() -> None:
    b = GraphBuilder()
    x = b.input((1, 3, 4, 4))
    graph = b.graph(b.add(Transpose((0, 2, 3, 1)), x), b.add(Transpose((0, 2, 3, 1)), x))
    after = channels_last(graph)
    assert_same(graph, after)


def test_the_models_own_transpose_stays() -> None:
    b = GraphBuilder()
    x = b.input((1, 4, 6))
    y = b.dense(x, 5, keep_dims=True)
    y = b.dense(b.add(Transpose((0, 2, 1)), y), 3, keep_dims=True)
    graph = b.graph(y)
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(after) == 1


def test_channel_shuffle_is_one_transpose() -> None:
    b = GraphBuilder()
    y = b.conv_first(b.input((1, 3, 6, 6)), 8)
    y = b.add(Transpose((0, 2, 1, 3, 4)), b.add(Reshape((1, 2, 4, 4, 4)), y))
    y = b.add(Reshape((1, 8, 4, 4)), y)
    graph = b.graph(b.add(Mean((2, 3)), b.conv_first(y, 4)))
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(after) == 1
    assert max(len(after.shapes[n.outputs[0]]) for n in after.nodes if isinstance(n.op, Transpose)) == 4


def test_crossing_reshapes() -> None:
    """(2, 3) elements read as (3, 2) and turned again: no view expresses that."""
    b = GraphBuilder()
    y = b.add(Transpose((0, 2, 1)), b.dense(b.input((1, 4, 6)), 6, keep_dims=True))
    y = b.add(Transpose((0, 2, 1)), b.add(Reshape((1, 8, 3)), y))
    graph = b.graph(b.add(Relu(), y))
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(after) == 2


def test_never_more_transposes_than_before() -> None:
    """One transpose, two element-wise outputs: sinking it would make two of it."""
    b = GraphBuilder()
    y = b.add(Transpose((0, 2, 1)), b.dense(b.input((1, 4, 6)), 5, keep_dims=True))
    graph = b.graph(b.add(Relu(), y), b.add(Logistic(), y), y)
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(after) == 1


def test_integer_weights_follow() -> None:
    b = GraphBuilder()
    y = b.conv_first(b.input((1, 3, 4, 4)), 4)
    integers = b.rng.integers(-127, 128, (5, 16)).astype(np.int8)
    weights = QConstant(integers, b.rng.uniform(0.01, 0.02, 5), axis=0)
    graph = b.graph(b.add(FullyConnected(), b.add(Reshape((1, 16)), y), weights))
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(after) == 0
    changed = after.constants[after.nodes[-1].inputs[1]]
    assert isinstance(changed, QConstant)
    np.testing.assert_array_equal(changed.scale, weights.scale)
    assert not np.array_equal(changed.values, integers)


def test_integer_rows_follow_with_their_scales() -> None:
    b = GraphBuilder()
    weights = QConstant(b.rng.integers(-127, 128, (16, 5)).astype(np.int8), b.rng.uniform(0.01, 0.02, 16), axis=0)
    bias = QConstant(b.rng.integers(-999, 999, 16).astype(np.int32), weights.scale * 0.1)
    y = b.add(FullyConnected(), b.input((1, 5)), weights, bias)
    graph = b.graph(b.add(Mean((2, 3)), b.conv_first(b.add(Reshape((1, 4, 2, 2)), y), 3, 1)))
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(after) == 0


def test_codebooks_follow_their_rows() -> None:
    b = GraphBuilder()
    books = np.sort(b.rng.integers(-127, 128, (16, 4)), axis=1).astype(np.int8)
    values = np.take_along_axis(books, b.rng.integers(0, 4, (16, 5)), axis=1)
    weights = QConstant(values, b.rng.uniform(0.01, 0.02, 16), bits=2, codebook=books)
    y = b.add(FullyConnected(), b.input((1, 5)), weights)
    after = channels_last(b.graph(b.conv_first(b.add(Reshape((1, 4, 2, 2)), y), 3, 1)))
    changed = after.constants[next(n for n in after.nodes if isinstance(n.op, FullyConnected)).inputs[1]]
    assert isinstance(changed, QConstant) and not np.array_equal(changed.values, values)
    check_values(changed.values, changed)


def test_shared_weights_are_not_changed_for_the_other_layer() -> None:
    b = GraphBuilder()
    flat = b.add(Reshape((1, 16)), b.conv_first(b.input((1, 3, 4, 4)), 4))
    y = b.dense(flat, 5)
    z = b.add(FullyConnected(), b.input((1, 16)), f"{y}_constant_1")
    graph = b.graph(y, z)
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(after) == 0


def test_rows_joined_side_by_side_are_not_absorbed() -> None:
    """Of each row a part is in another order: no permutation of columns that a transpose asks for."""
    b = GraphBuilder()
    rows = b.add(Reshape((1, 2, 32)), b.conv_first(b.input((1, 3, 6, 6)), 4))
    joined = b.add(Concatenation(2), b.add(Relu(), rows), b.dense(b.input((1, 2, 5)), 4, keep_dims=True))
    graph = b.graph(b.dense(b.add(Reshape((1, 72)), joined), 3))
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(after) == 1


def test_known_quantization_is_carried() -> None:
    b = GraphBuilder()
    x = b.know(b.input((1, 3, 6, 6)), 0.5, 3)
    y = b.know(b.conv_first(x, 4), 0.25, -7)
    z = b.know(b.add(Relu(), y), 0.125, -128)
    graph = b.graph(b.know(b.add(Mean((2, 3)), z), 0.125, -128))
    after = channels_last(graph)
    assert_same(graph, after)
    by_op = {node.op.name: after.known[node.outputs[0]] for node in after.nodes}
    assert (by_op["conv2d"].scale, by_op["conv2d"].zero_point) == (0.25, -7)
    assert (by_op["relu"].scale, by_op["mean"].scale) == (0.125, 0.125)
    assert after.known["x0"].shape == (1, 6, 6, 3)


def test_a_transpose_between_two_quantizations_leaves_a_requantize() -> None:
    b = GraphBuilder()
    x = b.know(b.input((1, 3, 6, 6)), 0.5, 3)
    inner = b.know(b.nhwc(x), 0.25, 0)
    graph = b.graph(b.add(Mean((1, 2)), b.conv(inner, 4)))
    after = channels_last(graph)
    assert_same(graph, after)
    assert isinstance(after.nodes[0].op, Requantize)
    assert after.known[after.nodes[0].outputs[0]].scale == 0.25


def test_a_graph_without_transposes_is_left_alone() -> None:
    b = GraphBuilder()
    x = b.input((1, 6, 6, 3))
    y = b.add(Add(), b.conv(x, 3, padding=SAME), x)
    graph = b.graph(b.dense(b.add(Reshape((1, 108)), y), 3))
    after = channels_last(graph)
    assert_same(graph, after)
    assert names(after) == names(graph)
    assert after.layouts == {}


def test_a_global_average_pool_of_a_window_needs_no_order() -> None:
    b = GraphBuilder()
    y = b.nchw(b.add(AveragePool((3, 3)), b.add(Conv2d(), b.nhwc(b.input((1, 2, 5, 5))), b.random(4, 3, 3, 2))))
    graph = b.graph(b.dense(b.add(Reshape((1, 4)), y), 2))
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(after) == 0


@settings(max_examples=300, deadline=None, derandomize=True)
@given(random_graphs())
def test_random_graphs_compute_the_same_with_no_more_transposes(graph: FloatGraph) -> None:
    after = channels_last(graph)
    assert_same(graph, after)
    assert transposes(after) <= transposes(graph)
