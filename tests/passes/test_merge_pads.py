"""merge_pads: zeros before a convolution become its padding, nothing else does."""

from __future__ import annotations

from float_graphs import GraphBuilder, assert_same, names
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.ops.average_pool import AveragePool
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.pad import Pad
from mcuq.passes.merge_pads import merge_pads

SIDES = st.tuples(*[st.integers(0, 2)] * 4)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SIDES, SIDES, st.booleans(), st.integers(1, 2))
def test_pads_add_to_the_padding(first: tuple[int, ...], own: tuple[int, ...], depthwise: bool, stride: int) -> None:
    b = GraphBuilder()
    x = b.input((1, 5, 6, 3))
    top, bottom, left, right = first
    y = b.add(Pad((0, top, left, 0), (0, bottom, right, 0)), b.add(Pad((0, 0, 1, 0), (0, 1, 0, 0)), x, 0.0))
    layer = b.depthwise if depthwise else lambda x, **attributes: b.conv(x, 4, **attributes)
    graph = b.graph(layer(y, padding=own, stride=(stride, stride)))
    after = merge_pads(graph)
    assert_same(graph, after)
    assert len(after.nodes) == 1
    expected = (top + own[0], bottom + own[1] + 1, left + own[2] + 1, right + own[3])
    assert after.nodes[0].op.padding == expected  # type: ignore[attr-defined]


def test_other_pads_stay() -> None:
    b = GraphBuilder()
    x = b.input((1, 5, 5, 3))
    zeros = Pad((0, 1, 1, 0), (0, 1, 1, 0))
    channels = b.conv(b.add(Pad((0, 1, 1, 1), (0, 0, 0, 0)), x), 2)
    more = b.conv(b.add(Pad((0, 1, 1, 0), (0, 0, 0, 2)), x), 2)
    ones = b.conv(b.add(zeros, x, 1.0), 2)
    average = b.add(AveragePool((2, 2)), b.add(zeros, x))
    largest = b.add(MaxPool((2, 2)), b.add(zeros, x))
    graph = b.graph(channels, more, ones, average, largest)
    after = merge_pads(graph)
    assert_same(graph, after)
    assert after.nodes == graph.nodes


def test_a_pad_with_another_reader_stays_for_it() -> None:
    b = GraphBuilder()
    padded = b.add(Pad((0, 1, 1, 0), (0, 1, 1, 0)), b.input((1, 5, 5, 3)))
    graph = b.graph(b.conv(padded, 2), b.add(MaxPool((2, 2)), padded), b.conv(padded, 2), padded)
    after = merge_pads(graph)
    assert_same(graph, after)
    assert names(after) == ["pad", "conv2d", "max_pool", "conv2d"]
    assert [node.inputs[0] for node in after.nodes] == ["x0", "x0", padded, "x0"]


def test_a_pad_that_changes_the_quantization_stays() -> None:
    b = GraphBuilder()
    x = b.know(b.input((1, 5, 5, 3)), 0.5, 1)
    y = b.know(b.add(Pad((0, 1, 1, 0), (0, 1, 1, 0)), x), 0.5, 2)
    graph = b.graph(b.conv(y, 2))
    assert merge_pads(graph).nodes == graph.nodes
    b.know(y, 0.5, 1)
    after = merge_pads(b.graph(graph.outputs[0]))
    assert_same(graph, after)
    assert names(after) == ["conv2d"]
