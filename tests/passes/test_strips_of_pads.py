"""Padded and transposed convolutions in strips: rows beside the image are filled, and none needs the whole map."""

from fractions import Fraction

import numpy as np
import pytest
from strip_graphs import Net
from test_plan import run_in_arena
from test_push_rows import BOARD, pushed

from mcuq import pipeline
from mcuq.fit.chains import needed
from mcuq.graph import Graph
from mcuq.ops.conv_transpose2d import ConvTranspose2d
from mcuq.ops.pad import Pad
from mcuq.passes.chains import Chain, links
from mcuq.passes.rows import on_rows
from mcuq.passes.strips import in_strips
from mcuq.plan import Plan
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.tensor import QTensor
from mcuq.verification import simulate_on

RATES = (Fraction(1), Fraction(2), Fraction(1, 2), Fraction(2, 3), Fraction(100))


def net_of(rows: int, columns: int = 6, channels: int = 4) -> Net:
    net = Net(np.random.default_rng(3), rows)
    net.b.values["x"] = QTensor((1, rows, columns, channels), 0.05, net.zero_point)
    return net


def decoder(rows: int = 24) -> Graph:
    """An image that is padded on every side, halved, and doubled twice."""
    net = net_of(rows, 20, 8)
    x = net.add(Pad((0, 2, 1, 0), (0, 1, 1, 0)), "x")
    x = net.conv(x, 8, same=True)
    for _ in range(2):
        op = ConvTranspose2d((2, 2), (1, 1, 1, 1))
        x = net.b.linear(op, x, (8, 4, 4, 8), 8, 0, zero_point=net.zero_point)
    return net.graph(x)


def assert_equal(plan: Plan, graph: Graph) -> None:
    x = np.random.default_rng(0).integers(-128, 128, (2, *graph.values["x"].shape)).astype(np.int8)
    (name,) = graph.outputs
    expected = simulate(build_plan(graph), {"x": x})[name]
    np.testing.assert_array_equal(simulate(plan, {"x": x})[name], expected)
    np.testing.assert_array_equal(run_in_arena(plan, x[:1])[name], expected[0].ravel())


@pytest.mark.parametrize("extra", range(3))
@pytest.mark.parametrize("stride", range(1, 4))
@pytest.mark.parametrize("taps", range(1, 6))
def test_strips_of_a_transposed_convolution_are_its_rows(rng, taps, stride, extra):
    """Filters smaller and larger than the stride, rows that no pixel reaches, and cropped ones."""
    extra = min(extra, stride - 1)
    for top, bottom in ((0, 0), (taps - 1, 0), (1, taps), (stride + 2, 1)):
        op = ConvTranspose2d((stride, 1), (top, bottom, 0, 0), (extra, 0))
        net = net_of(7)
        y = net.b.linear(op, "x", (2, taps, 1, 4), 2, 0, zero_point=net.zero_point)
        (link,) = links(net.graph(y), 0, 0)
        x, w = rng.normal(size=(2, 1, 7, 6, 4)), rng.normal(size=(2, taps, 1, 4))
        whole = op.forward(x, w)
        for first in range(link.total):
            for end in range(first + 1, link.total + 1):
                low, high = link.needed(first, end)
                padding = max(0, -low), max(0, high - 7)
                strip = on_rows(op, 1, (1, end - first, 6, 2), padding=padding, window=link.window, first=first)
                part = x[:, :, max(0, low) : min(high, 7)]
                assert strip.infer_shape(part.shape[1:], w.shape) == (1, end - first, 6, 2)
                np.testing.assert_allclose(strip.forward(part, w), whole[:, :, first:end])


def test_the_work_of_strips_is_that_of_the_whole_layer():
    op = ConvTranspose2d((2, 2))
    assert op.macs((1, 5, 6, 3), (4, 4, 4, 3)) == 5 * 6 * 3 * 4 * 4 * 4
    strip = ConvTranspose2d((2, 2), (1, 0, 0, 0), size=(2, 0))
    assert strip.macs((1, 2, 6, 3), (4, 4, 4, 3)) == 6 * 3 * 4 * 4 * 4


@pytest.mark.parametrize("before", [0, 1, 5])
@pytest.mark.parametrize("after", [0, 1, 5])
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("rows", [1, 4])
def test_rows_beside_the_image(before, after, rate, rows):
    """More of them than a turn computes, before anything of the image is known and after all of it was read."""
    net = net_of(rows)
    x = net.add(Pad((0, before, 1, 0), (0, after, 0, 1)), net.conv("x", 4, same=True))
    graph = net.graph(net.add(Pad((0, 1, 0, 0), (0, 2, 0, 0)), net.conv(x, 3, same=True)))
    strips, made = in_strips(graph, [Chain(0, 3, rate)])
    assert_equal(build_plan(strips, strips=made), graph)
    assert_equal(pushed(graph, rate), graph)


def test_rows_beside_the_image_read_nothing():
    net = net_of(4)
    graph = net.graph(net.add(Pad((0, 3, 0, 0), (0, 0, 0, 0)), net.conv("x", 4, same=True)))
    strips, made = in_strips(graph, [Chain(0, 1, Fraction(1))])
    pads = [node for node in strips.nodes if node.op.name == "pad"]
    assert [node.inputs[0] in strips.constants for node in pads] == [True] * 3 + [False] * 4
    assert len({node.inputs[0] for node in pads[:3]}) == 1
    assert_equal(build_plan(strips, strips=made), graph)


def test_memory_holds_a_few_rows():
    graph = decoder()
    strips, made = in_strips(graph, [Chain(0, 3, Fraction(4))])
    whole, plan = build_plan(graph), build_plan(strips, strips=made)
    assert whole.arena_bytes >= 27 * 22 * 8 * 4  # the doubled image
    assert plan.arena_bytes < 27 * 22 * 8
    assert_equal(plan, graph)


def test_the_planner_takes_them():
    """Within the default's limit of instructions, of what is counted."""
    graph = decoder()
    whole, plan = (pipeline.compile(graph, BOARD, io_in_arena=False, slower=n) for n in (0, 5))
    assert [(chain.first, chain.last) for chain in plan.strips.chains] == [(0, 3)]
    assert needed(plan) - graph.values[graph.outputs[0]].bytes < needed(whole) / 2
    x = np.random.default_rng(0).integers(-128, 128, (3, *graph.values["x"].shape)).astype(np.int8)
    (name,) = graph.outputs
    expected = simulate(whole, {"x": x})[name]
    np.testing.assert_array_equal(simulate_on("host", plan, {"x": x}).outputs[name].reshape(expected.shape), expected)


def test_rows_are_pushed_into_a_model_whose_output_decides():
    """No chain takes less than the largest layer, which is the last; what pushing saves is the input."""
    graph = decoder()
    whole, plan = (pipeline.compile(graph, BOARD, push_rows=pushes) for pushes in (False, True))
    assert plan.rows_arrive
    assert needed(plan) < needed(whole) - graph.values["x"].bytes
    assert_equal(plan, graph)
