"""split_channels: a layer becomes two over its output channels; the model computes the same, to the byte."""

from __future__ import annotations

import numpy as np
import pytest
from float_graphs import GraphBuilder, assert_same, names, samples
from hypothesis import given, settings
from hypothesis import strategies as st

import mcuq
from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.passes.split_channels import split_channels
from mcuq.quantization.calibrate import calibrate
from mcuq.quantization.quantizer import quantize_graph
from mcuq.tensor import QConstant


def net() -> FloatGraph:
    """Two convolutions and a dense layer, which is the output."""
    b = GraphBuilder()
    x = b.conv(b.input((1, 5, 6, 3)), 8, padding=(1, 1, 1, 1), activation="relu")
    x = b.conv(x, 6, 1, stride=(2, 2))
    return b.graph(b.dense(x, 7, keep_dims=True))


def integers(graph: FloatGraph, calibrated: FloatGraph) -> Graph:
    """Quantize with the ranges of the whole layers, for their parts too."""
    ranges = calibrate(calibrated, samples(calibrated, 20)).ranges()
    for node in graph.nodes:
        if node.op.name == "concatenation":
            ranges |= dict.fromkeys(node.inputs, ranges[node.outputs[0]])
    return quantize_graph(graph, ranges)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.sampled_from([("conv2d_0", 8), ("conv2d_1", 6), ("fully_connected_2", 7)]), st.data())
def test_the_same_floats_and_the_same_bytes(layer: tuple[str, int], data: st.DataObject) -> None:
    graph, (name, channels) = net(), layer
    first = data.draw(st.integers(1, channels - 1))
    after = split_channels(graph, name, first)
    assert_same(graph, after)
    assert names(after).count("concatenation") == 1 and len(after.nodes) == 5
    x = samples(graph)["x0"]
    wanted, got = (mcuq.simulate(mcuq.compile(integers(g, graph)), x) for g in (graph, after))
    assert np.array_equal(wanted, got)


def test_parts_can_be_cut_again() -> None:
    graph = net()
    after = split_channels(split_channels(graph, "conv2d_0", 5), "conv2d_0_first", 2)
    assert_same(graph, after)
    assert len(after.nodes) == 7


def test_weights_are_cut_in_order_and_the_whole_ones_go() -> None:
    graph = net()
    after = split_channels(graph, "conv2d_1", 4)
    parts = [node for node in after.nodes if node.name.startswith("conv2d_1_")]
    weights, bias = (np.concatenate([after.real(node.inputs[i]) for node in parts]) for i in (1, 2))
    assert np.array_equal(weights, graph.real("conv2d_1_constant_1"))
    assert np.array_equal(bias, graph.real("conv2d_1_constant_2"))
    assert "conv2d_1_constant_1" not in after.constants
    assert len(after.constants) == len(graph.constants) + 2


def test_no_bias_one_of_another_shape_and_a_known_quantization() -> None:
    b = GraphBuilder()
    x = b.add(FullyConnected(), b.input((1, 6)), b.random(4, 6))
    b.know(x, 0.1, 3)
    y = b.add(FullyConnected(), x, b.random(5, 4), b.random(1, 5))
    graph = b.graph(y)
    for name, first in ((x, 1), (y, 3)):
        after = split_channels(graph, name, first)
        assert_same(graph, after)
        assert {(t.scale, t.zero_point) for t in after.known.values()} == {(0.1, 3)}
        assert len(after.known) == (3 if name == x else 1)


def test_names_that_are_taken() -> None:
    b = GraphBuilder()
    x = b.add(FullyConnected(), b.input((1, 6)), b.random(4, 6), name="dense")
    graph = b.graph(b.add(FullyConnected(), x, b.random(4, 4), name="dense_first"))
    assert_same(graph, split_channels(graph, "dense", 2))


def test_other_layers_and_channels_are_refused() -> None:
    b = GraphBuilder()
    x = b.depthwise(b.conv(b.input((1, 5, 5, 4)), 4, groups=2))
    weights = QConstant(np.ones((2, 1, 1, 4), np.int8), np.ones(1))
    y = b.add(Conv2d(), x, weights)
    graph = b.graph(b.conv(y, 3, 1))
    for name in ("conv2d_0", "depthwise_conv2d_1", y, "nothing"):
        with pytest.raises(UsageError, match=f"{name} is no convolution or fully connected layer"):
            split_channels(graph, name, 1)
    for first in (-1, 0, 3, 4):
        with pytest.raises(UsageError, match=r"has 3 output channels; it cannot be cut after"):
            split_channels(graph, "conv2d_3", first)
