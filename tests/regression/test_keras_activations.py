"""Activations that mcuq has are read from Keras, whose converter writes them as several operators; ONNX Mean of two."""

import numpy as np
import pytest
from onnx_models import agree, kinds, model, node
from requirements import require

from mcuq import float_run, loading
from mcuq.errors import UnsupportedOperatorError
from mcuq.frontends.onnx import graph_of


@pytest.fixture
def keras():
    require("tensorflow")
    import keras

    return keras


def read(keras, activation):
    """The network of a function between two layers, and its graph."""
    x = keras.Input((8,))
    hidden = keras.layers.Dense(6, bias_initializer="normal")(x)
    net = keras.Model(x, keras.layers.Dense(3)(activation(hidden)))
    return net, loading.load(net)


ACTIVATIONS = {
    "softplus": ["softplus"],
    "mish": ["mish"],
    "selu": ["elu"],
    "elu": ["elu"],
    "silu": ["silu"],
    "gelu": ["gelu"],
}


@pytest.mark.parametrize("name", [*ACTIVATIONS, "abs"])
def test_activation(keras, name, rng):
    net, graph = read(keras, keras.ops.absolute if name == "abs" else keras.layers.Activation(name))
    x = 4 * rng.normal(size=(50, 8)).astype(np.float32)
    got = float_run.run(graph, {graph.inputs[0]: x[:, np.newaxis]})[graph.outputs[0]].reshape(50, 3)

    assert [n.op.name for n in graph.nodes if n.op.name != "fully_connected"] == ACTIVATIONS.get(name, ["abs"])
    np.testing.assert_allclose(got, net.predict(x, verbose=0), rtol=1e-4, atol=1e-4)


def agrees(keras, layer, rng) -> list[str]:
    """Operators of a net that is read as Keras computes it."""
    net, graph = read(keras, layer)
    x = rng.normal(size=(50, 8)).astype(np.float32)
    got = float_run.run(graph, {graph.inputs[0]: x[:, np.newaxis]})[graph.outputs[0]].reshape(50, 3)
    np.testing.assert_allclose(got, net.predict(x, verbose=0), rtol=1e-4, atol=1e-4)
    return [node.op.name for node in graph.nodes]


def test_a_sum_of_another_number_is_no_softplus(keras, rng):
    ops = keras.ops
    names = agrees(keras, lambda x: ops.log(ops.exp(x) + 2.0), rng)

    assert "softplus" not in names and {"exp", "log"} <= set(names)


def test_an_inner_value_that_is_read_elsewhere_stays(keras, rng):
    ops = keras.ops
    names = agrees(keras, lambda x: ops.concatenate([ops.softplus(x), ops.exp(x)], -1), rng)

    assert "exp" in names


@pytest.mark.parametrize("make", [lambda k: k.layers.Softmax(axis=0), lambda k: k.layers.Dense(1, "softmax")])
def test_softmax_over_the_batch_or_one_output(keras, make):
    with pytest.raises(UnsupportedOperatorError, match=r"a softmax over one element \(the batch\?\) is 1"):
        read(keras, make(keras))


@pytest.mark.parametrize(("axis", "opset"), [(0, 13), (0, 17), (-2, 17)])
def test_softmax_over_the_batch_in_onnx(axis, opset):
    proto = model([node("Softmax", "x", "y", axis=axis)], {"x": (1, 5)}, opset=opset)
    with pytest.raises(UnsupportedOperatorError, match=r"node 0 Softmax: a softmax over one element \(the batch\?\)"):
        graph_of(proto, "net")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_onnx_mean_of_several(count, rng):
    names = ["x", "z", "v"][:count]
    proto = model([node("Mean", " ".join(names), "y")], dict.fromkeys(names, (1, 4, 5)))
    graph = agree(proto, rng) if count > 1 else None

    assert graph is None or kinds(graph) == ["add"] * (count - 1) + ["mul"]


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_onnx_depth_to_space_and_back(mode, rng):
    agree(model([node("DepthToSpace", "x", "y", blocksize=2, mode=mode)], {"x": (1, 8, 3, 5)}), rng)
    agree(model([node("SpaceToDepth", "x", "y", blocksize=2)], {"x": (1, 3, 4, 6)}), rng)


@pytest.mark.parametrize("indices", [[2, 1, 0], [0, 3, 3], [[1], [2]], [-1, 0]])
@pytest.mark.parametrize("axis", [1, 2])
def test_onnx_gather_of_several(indices, axis, rng):
    proto = model([node("Gather", "x i", "y", axis=axis)], {"x": (1, 4, 5)}, {"i": np.array(indices)})
    agree(proto, rng)
