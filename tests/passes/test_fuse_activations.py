"""fuse_activations: a clamp goes into the layer before it when nobody can tell."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from float_graphs import GraphBuilder, assert_same, names

from mcuq.ops.add import Add
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op
from mcuq.ops.clip import Clip
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mul import Mul
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.sub import Sub
from mcuq.passes.fuse_activations import fuse_activations

Layer = Callable[[GraphBuilder, str], str]
LAYERS: dict[str, Layer] = {
    "conv2d": lambda b, x: b.conv(x, 4),
    "depthwise_conv2d": lambda b, x: b.depthwise(x),
    "fully_connected": lambda b, x: b.dense(x, 4),
    "conv_transpose2d": lambda b, x: b.add(ConvTranspose2d(), x, b.random(2, 2, 2, 3)),
    "add": lambda b, x: b.add(Add(), x, x),
    "sub": lambda b, x: b.add(Sub(), x, b.random(3)),
    "mul": lambda b, x: b.add(Mul(), x, x),
    "max_pool": lambda b, x: b.add(MaxPool((2, 2)), x),
    "average_pool": lambda b, x: b.add(AveragePool((2, 2)), x),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    ("op", "activation"), [(Relu(), "relu"), (Relu6(), "relu6"), (Clip(-1, 1), "relu_n1_to_1")], ids=str
)
def test_every_layer_takes_every_clamp(layer: str, op: Op, activation: str) -> None:
    b = GraphBuilder()
    y = b.know(b.add(op, LAYERS[layer](b, b.input((1, 4, 4, 3)))), 0.5, 3)
    graph = b.graph(y)
    after = fuse_activations(graph)
    assert_same(graph, after)
    assert names(after) == [layer]
    assert after.nodes[0].outputs == (y,)
    assert after.nodes[0].op.activation == activation  # type: ignore[attr-defined]
    assert after.known.keys() == {y}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Relu(), Relu6(), "relu6"),
        (Relu6(), Relu(), "relu6"),
        (Relu(), Relu(), "relu"),
        (Clip(-1, 1), Clip(-1, 1), "relu_n1_to_1"),
    ],
)
def test_clamps_one_after_the_other(first: Op, second: Op, expected: str) -> None:
    b = GraphBuilder()
    graph = b.graph(b.add(second, b.add(first, b.dense(b.input((1, 4)), 30))))
    after = fuse_activations(graph)
    assert_same(graph, after)
    assert [node.op.activation for node in after.nodes] == [expected]  # type: ignore[attr-defined]


def test_limits_that_cross_stay_two() -> None:
    b = GraphBuilder()
    graph = b.graph(b.add(Clip(-1, 1), b.add(Relu(), b.dense(b.input((1, 4)), 30))))
    after = fuse_activations(graph)
    assert_same(graph, after)
    assert names(after) == ["fully_connected", "clip"]


def test_other_activations_and_limits_stay() -> None:
    b = GraphBuilder()
    y = b.add(LeakyRelu(0.1), b.dense(b.input((1, 4)), 30))
    graph = b.graph(b.add(Clip(-2, 2), b.dense(y, 30)))
    assert fuse_activations(graph).nodes == graph.nodes


def test_other_readers_and_outputs_keep_the_value_before() -> None:
    b = GraphBuilder()
    x = b.input((1, 4))
    two, seen, squared = b.dense(x, 4), b.dense(x, 4), b.dense(x, 4)
    first = [b.add(Relu(), two), b.add(Add(), two, x), b.add(Relu(), seen), seen]
    graph = b.graph(*first, b.add(Mul(), b.add(Relu(), squared), squared))
    assert fuse_activations(graph).nodes == graph.nodes


def test_known_values_between() -> None:
    b = GraphBuilder()
    y = b.know(b.dense(b.input((1, 4)), 30), 0.5, -20)
    z = b.add(Relu(), y)
    assert names(fuse_activations(b.graph(z))) == ["fully_connected", "relu"]  # z would be quantized otherwise
    b.know(z, 0.25, -128)
    assert names(fuse_activations(b.graph(z))) == ["fully_connected", "relu"]
    b.know(z, 0.5, -20)
    after = fuse_activations(b.graph(z))
    assert_same(b.graph(z), after)
    assert names(after) == ["fully_connected"]
    assert after.known[z].zero_point == -20
