"""ONNX operators that take elements by indices, constant or computed, against onnxruntime."""

import numpy as np
import pytest
from onnx_models import TensorProto, agree, graph_of, kinds, model, node, oracle

from mcuq import float_run
from mcuq.errors import UnsupportedOperatorError

IMAGE = (1, 3, 6, 5)


def assert_equals(proto, index, tolerance=0.0):
    """Of a model whose one input are indices."""
    graph = graph_of(proto, "test")
    results = float_run.run(graph, {graph.inputs[0]: index.astype(np.float32)})
    (wanted,) = oracle(proto, [index])
    np.testing.assert_allclose(results[graph.outputs[0]], wanted, atol=tolerance)
    return graph


def indices(rng, most, *shape):
    return rng.integers(0, most, (6, *shape)).astype(np.int64)


@pytest.mark.parametrize("axis", [1, 2, -1])
@pytest.mark.parametrize("index", [[0, 2, 2, 1, 1, 0, 0, -1, 2], [1, 0], [2]])
def test_constant_indices(axis, index, rng) -> None:
    proto = model([node("Gather", "x i", "y", axis=axis)], {"x": IMAGE}, {"i": np.array(index, np.int64)})
    graph = agree(proto, rng)
    assert kinds(graph) == (["gather"] if len(index) == 9 else ["slice"] if index in ([1, 0], [2]) else [])


def test_many_constant_indices_are_one_layer(rng) -> None:
    index = np.random.default_rng(3).integers(0, 6, (1000,))
    agree(model([node("Gather", "x i", "y", axis=2)], {"x": IMAGE}, {"i": index}), rng)


@pytest.mark.parametrize("dtype", [TensorProto.INT64, TensorProto.INT32])
@pytest.mark.parametrize("axis", [0, 1])
def test_rows_of_a_table(axis, dtype, rng) -> None:
    table = rng.normal(size=(9, 7)).astype(np.float32)
    nodes = [node("Gather", "t x", "y", axis=axis)]
    proto = model(nodes, {"x": (1, 4)}, {"t": table}, dtype=dtype, output_dtype=TensorProto.FLOAT)
    given = indices(rng, 7, 1, 4).astype(np.int64 if dtype == TensorProto.INT64 else np.int32)
    assert kinds(assert_equals(proto, given)) == ["embedding"]


@pytest.mark.parametrize("axis", [-1, 1])
def test_one_hot(axis, rng) -> None:
    constants = {"d": np.array(5, np.int64), "v": np.array([-1.0, 2.0], np.float32)}
    nodes = [node("OneHot", "x d v", "y", axis=axis)]
    proto = model(nodes, {"x": (1, 4)}, constants, dtype=TensorProto.INT64, output_dtype=TensorProto.FLOAT)
    assert kinds(assert_equals(proto, indices(rng, 7, 1, 4))) == ["one_hot"]


def test_the_largest_rows_of_a_table(rng) -> None:
    """Indices that the model computes itself."""
    table = rng.normal(size=(5, 3)).astype(np.float32)
    nodes = [node("ArgMax", "x", "i", axis=3, keepdims=0), node("Gather", "t i", "y", axis=0)]
    assert kinds(agree(model(nodes, {"x": IMAGE}, {"t": table}), rng)) == ["arg_max", "embedding"]


def test_computed_indices_of_an_activation() -> None:
    nodes = [node("ArgMax", "x", "i", axis=3, keepdims=0), node("Gather", "x i", "y", axis=1)]
    with pytest.raises(UnsupportedOperatorError, match="Gather: computed indices of an activation"):
        graph_of(model(nodes, {"x": IMAGE}), "test")
