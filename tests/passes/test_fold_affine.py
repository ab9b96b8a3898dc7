"""fold_affine: batch norms and normalizations vanish in the weights around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from float_graphs import GraphBuilder, assert_same, names
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.ops.add import Add
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mul import Mul
from mcuq.ops.packing import check_values, uniform_levels
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import Reshape
from mcuq.ops.sub import Sub
from mcuq.passes.fold_affine import fold_affine
from mcuq.tensor import QConstant

Layer = Callable[[GraphBuilder, str], str]
LAYERS: dict[str, Layer] = {
    "conv2d": lambda b, x: b.conv(x, 6),
    "grouped": lambda b, x: b.conv(x, 6, groups=2),
    "depthwise_conv2d": lambda b, x: b.depthwise(x, times=2),
    "fully_connected": lambda b, x: b.dense(x, 6, keep_dims=True),
    "conv_transpose2d": lambda b, x: b.add(ConvTranspose2d((2, 2)), x, b.random(6, 2, 2, 4), b.random(6)),
    "without a bias": lambda b, x: b.add(Conv2d(), x, b.random(6, 2, 2, 4)),
}


def norm(b: GraphBuilder, x: str, activation: str = "none") -> str:
    """Batch norm, as an ONNX reader writes it."""
    channels = b.shapes[x][-1]
    return b.add(Add(activation), b.add(Mul(), x, b.random(channels)), b.random(1, 1, 1, channels))


def normalized(b: GraphBuilder, x: str) -> str:
    """(x - mean) / std, the mean per channel."""
    return b.add(Mul(), b.add(Sub(), x, b.random(b.shapes[x][-1])), 0.37)


@pytest.mark.parametrize("layer", LAYERS)
def test_into_the_layer_before(layer: str) -> None:
    b = GraphBuilder()
    y = norm(b, LAYERS[layer](b, b.input((1, 5, 6, 4))), "relu")
    graph = b.graph(b.know(y, 0.5, -128))
    after = fold_affine(graph)
    assert_same(graph, after)
    assert len(after.nodes) == 1
    assert after.nodes[0].outputs == (y,)
    assert after.nodes[0].op.activation == "relu"  # type: ignore[attr-defined]
    assert after.known.keys() == {y}


@pytest.mark.parametrize("layer", [name for name in LAYERS if name != "conv_transpose2d"])
def test_into_the_layers_behind(layer: str) -> None:
    b = GraphBuilder()
    y = normalized(b, b.input((1, 5, 6, 4)))
    graph = b.graph(LAYERS[layer](b, y), LAYERS["conv2d"](b, y))
    after = fold_affine(graph)
    assert_same(graph, after)
    assert len(after.nodes) == 2
    assert {node.inputs[0] for node in after.nodes} == {"x0"}


def test_a_constant_minus_the_layer() -> None:
    b = GraphBuilder()
    y = b.add(Sub(), b.random(6), b.conv(b.input((1, 5, 6, 4)), 6))
    graph = b.graph(b.conv(b.add(MaxPool((1, 2)), b.add(Sub("relu6"), 3.0, y)), 3))
    after = fold_affine(graph)
    assert_same(graph, after)
    assert names(after) == ["conv2d", "max_pool", "conv2d"]


@pytest.mark.parametrize("layer", ["conv2d", "depthwise_conv2d"])
def test_only_products_go_into_padded_layers(layer: str) -> None:
    """What a sum adds is not in the padding."""
    b = GraphBuilder()
    x = b.add(Relu(), b.input((1, 5, 6, 4)))
    make = b.depthwise if layer == "depthwise_conv2d" else lambda x, **attributes: b.conv(x, 3, **attributes)
    graph = b.graph(make(normalized(b, x), padding=(1, 0, 0, 0)))
    after = fold_affine(graph)
    assert_same(graph, after)
    assert names(after) == ["relu", "depthwise_conv2d", layer]
    assert np.all(after.real(after.nodes[1].inputs[1]) == 1)  # the difference alone; the product is folded


def test_only_products_go_into_a_transposed_convolution_behind() -> None:
    b = GraphBuilder()
    y = b.add(Mul(), b.add(Relu(), b.input((1, 5, 6, 4))), b.random(4))
    z = norm(b, b.add(Relu(), b.input((1, 5, 6, 4))))
    graph = b.graph(LAYERS["conv_transpose2d"](b, y), LAYERS["conv_transpose2d"](b, z))
    after = fold_affine(graph)
    assert_same(graph, after)
    assert sorted(names(after)) == ["conv_transpose2d", "conv_transpose2d", "depthwise_conv2d", "relu", "relu"]


def test_what_is_left_is_one_depthwise_convolution() -> None:
    b = GraphBuilder()
    x = b.add(Relu(), b.input((1, 5, 6, 4)))
    y = norm(b, normalized(b, x), "relu6")
    graph = b.graph(b.conv(y, 3))
    after = fold_affine(graph)
    assert_same(graph, after)
    assert names(after) == ["relu", "depthwise_conv2d", "conv2d"]
    assert after.nodes[1].op.activation == "relu6"  # type: ignore[attr-defined]
    assert after.nodes[1].outputs == (y,)


def test_one_number_stays_a_product() -> None:
    b = GraphBuilder()
    graph = b.graph(b.add(Mul(), b.add(Relu(), b.input((1, 5, 6, 4))), 0.5), b.add(Add(), b.input((1, 7)), b.random(7)))
    assert fold_affine(graph).nodes == graph.nodes


def test_through_a_flatten_into_two_layers() -> None:
    b = GraphBuilder()
    y = norm(b, b.add(Relu(), b.input((1, 2, 3, 4))))
    flat = b.add(Reshape((1, 24)), y)
    wide = b.add(Add(), b.add(Mul(), flat, b.random(24)), b.random(1, 24))
    graph = b.graph(b.dense(wide, 3), b.dense(flat, 2))
    after = fold_affine(graph)
    assert_same(graph, after)
    assert names(after) == ["relu", "reshape", "fully_connected", "fully_connected"]


def test_flattened_for_one_layer_only() -> None:
    b = GraphBuilder()
    y = norm(b, b.add(Relu(), b.input((1, 2, 3, 4))))
    graph = b.graph(b.dense(b.add(Reshape((1, 24)), y), 3))
    after = fold_affine(graph)
    assert_same(graph, after)
    assert names(after) == ["relu", "reshape", "fully_connected"]


def test_vectors_of_a_layer_must_see_the_same() -> None:
    b = GraphBuilder()
    y = b.add(Mul(), b.add(Relu(), b.input((1, 6, 4))), b.random(6, 1))
    graph = b.graph(b.dense(y, 3, keep_dims=True))
    assert fold_affine(graph).nodes == graph.nodes
    b = GraphBuilder()
    y = b.add(Mul(), b.add(Relu(), b.input((1, 6, 4))), b.random(4))
    after = fold_affine(b.graph(b.dense(y, 3, keep_dims=True)))
    assert names(after) == ["relu", "fully_connected"]


def test_not_over_other_readers_outputs_or_activations() -> None:
    b = GraphBuilder()
    x = b.input((1, 5, 6, 4))
    shared, seen, clamped = b.conv(x, 4), b.conv(x, 4), b.conv(x, 4, activation="relu")
    ends = [b.add(Mul(), value, 0.5) for value in (shared, seen, clamped)]
    graph = b.graph(*ends, b.add(MaxPool((2, 2)), shared), seen)
    assert fold_affine(graph).nodes == graph.nodes


def test_not_over_known_values_nor_into_integers_behind() -> None:
    b = GraphBuilder()
    x = b.input((1, 5, 6, 4))
    known = b.know(b.conv(x, 4), 0.5, 0)
    integers = QConstant(np.ones((4, 1, 1, 4), np.int8), np.array([0.5]))
    with_bias = b.add(Conv2d(), x, integers, QConstant(np.ones(4, np.int32), np.array([0.1])))
    behind = b.know(b.add(Mul(), b.add(Relu(), x), 0.5), 0.5, 0)
    ends = [b.add(Mul(), known, 0.5), b.add(Mul(), with_bias, 0.5), b.conv(behind, 3)]
    graph = b.graph(*ends, b.add(Conv2d(), b.add(Mul(), b.add(Relu(), x), 0.5), integers))
    assert fold_affine(graph).nodes == graph.nodes


INTEGERS: dict[str, Callable[[GraphBuilder, str, QConstant], str]] = {
    "conv2d": lambda b, x, w: b.add(Conv2d(), x, w, b.random(6)),
    "depthwise_conv2d": lambda b, x, w: b.add(
        DepthwiseConv2d(), x, replace(w, values=np.ascontiguousarray(w.values[..., :1].transpose(3, 1, 2, 0)), axis=3)
    ),
    "fully_connected": lambda b, x, w: b.add(
        FullyConnected(keep_dims=True), x, replace(w, values=np.ascontiguousarray(w.values[:, 0, 0]))
    ),
}


@pytest.mark.parametrize("layer", INTEGERS)
@pytest.mark.parametrize("bits", [1, 2, 4, 5, 8])
@pytest.mark.parametrize("scales", [1, 6])
def test_integers_before_stay_or_turn(layer: str, bits: int, scales: int) -> None:
    b = GraphBuilder()
    levels = uniform_levels(bits)
    values = b.rng.choice(levels[-2 if bits == 8 else 0 :], (6, 2, 2, 6)).astype(np.int8)
    values[:, 0, 0, 0] = levels[-1] if bits == 8 else levels[0]
    weights = QConstant(values, b.rng.uniform(0.1, 1, scales), bits=bits)
    before = b.graph(norm(b, INTEGERS[layer](b, b.input((1, 5, 6, 6)), weights), "relu"))
    after = fold_affine(before)
    assert_same(before, after)
    (node,) = after.nodes
    held, own = after.constants[node.inputs[1]], before.constants[before.nodes[0].inputs[1]]
    assert isinstance(held, QConstant) and isinstance(own, QConstant)
    factor = before.real(before.nodes[1].inputs[1])
    turned = np.moveaxis(own.values, own.axis, -1) * np.sign(factor)
    np.testing.assert_array_equal(np.moveaxis(held.values, own.axis, -1), turned)
    np.testing.assert_allclose(held.scale, own.scale * np.abs(factor), rtol=1e-6)
    check_values(np.moveaxis(held.values, own.axis, 0).reshape(6, -1), held)
    assert (held.codebook is not None, held.bits) == (bits in {2, 4}, 6 if bits == 5 else bits)


def test_a_codebook_turns_with_its_channels() -> None:
    b = GraphBuilder()
    weights = QConstant(b.rng.choice([-9, 2, 5, 90], (3, 1, 1, 4)).astype(np.int8), np.array([0.1]), bits=2)
    weights = replace(weights, codebook=np.array([[-9, 2, 5, 90]], np.int8))
    before = b.graph(b.add(Mul(), b.add(Conv2d(), b.input((1, 2, 2, 4)), weights), np.array([1, -2, 3.0])))
    after = fold_affine(before)
    assert_same(before, after)
    held = after.constants[after.nodes[0].inputs[1]]
    assert isinstance(held, QConstant) and held.codebook is not None
    assert held.codebook.tolist() == [[-9, 2, 5, 90], [-90, -5, -2, 9], [-9, 2, 5, 90]]


def test_minus_128_cannot_turn() -> None:
    b = GraphBuilder()
    weights = QConstant(np.array([[-128, 3], [4, 5]], np.int8), np.array([0.1]))
    y = b.add(FullyConnected(), b.input((1, 2)), weights)
    graph = b.graph(b.add(Mul(), y, np.array([-1.0, 1])))
    assert fold_affine(graph).nodes == graph.nodes
    graph = b.graph(b.add(Mul(), y, np.array([1.0, -1])))
    assert len(fold_affine(graph).nodes) == 1


def test_a_factor_of_zero_leaves_a_positive_scale() -> None:
    b = GraphBuilder()
    weights = QConstant(np.array([[1, -1], [1, 1]], np.int8), np.array([0.1]), bits=1)
    before = b.graph(b.add(Mul(), b.add(FullyConnected(), b.input((1, 2)), weights, b.random(2)), np.array([0.0, 1])))
    after = fold_affine(before)
    assert_same(before, after)
    held = after.constants[after.nodes[0].inputs[1]]
    assert isinstance(held, QConstant) and (held.scale > 0).all()
    np.testing.assert_array_equal(held.values, weights.values)


def test_shared_weights_are_not_changed_for_the_other_layer() -> None:
    b = GraphBuilder()
    x = b.input((1, 4))
    y = b.dense(x, 4)
    other = b.add(FullyConnected(), x, f"{y}_constant_1", f"{y}_constant_2")
    graph = b.graph(b.add(Mul(), y, 0.5), other)
    after = fold_affine(graph)
    assert_same(graph, after)
    assert names(after) == ["fully_connected", "fully_connected"]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 10), min_size=1, max_size=9), st.integers(0, 99))
def test_random_chains_compute_the_same(kinds: list[int], seed: int) -> None:
    b = GraphBuilder(seed)
    y = b.input((1, 7, 7, 2))
    for kind in kinds:
        channels = b.shapes[y][-1]
        constant = b.random(*[(), (channels,), (1, 1, 1, channels), (7, 1, 1) if b.shapes[y][1] == 7 else ()][kind % 4])
        pad = (0, 1, 1, 0) if seed % 2 else (0, 0, 0, 0)
        if kind < 8:
            op = [Mul(), Add(), Sub(), Add("relu")][kind // 2]
            y = b.add(op, *((constant, y) if seed % 3 == 0 else (y, constant)))
        elif kind < 10 and min(b.shapes[y][1:3]) > 2:
            y = b.conv(y, 4, 2, padding=pad) if kind == 8 else b.depthwise(y, 2, padding=pad)
    if y == "x0":
        return
    graph = b.graph(y)
    after = fold_affine(graph)
    assert_same(graph, after)
    assert len(after.nodes) <= len(graph.nodes)
