"""recognize_blocks: what reshapes and transposes do to blocks of pixels is one operator."""

from __future__ import annotations

import pytest
from float_graphs import GraphBuilder, assert_same, names

from mcuq.ops.depth_to_space import DepthToSpace
from mcuq.ops.rearrangement import Mode
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import Reshape
from mcuq.ops.space_to_depth import SpaceToDepth
from mcuq.ops.transpose import Transpose
from mcuq.passes.prepare import prepare
from mcuq.passes.recognize_blocks import recognize_blocks

Steps = list[tuple[int, ...]]
SHUFFLE = [(0, 1, 4, 2, 3, 5), (0, 1, 2, 3, 5, 4)]
PIXELS = (0, 1, 3, 2, 4, 5)  # of blocks, between the rows and the columns


def moved(b: GraphBuilder, x: str, split: tuple[int, ...], orders: Steps, joined: tuple[int, ...] = ()) -> str:
    """Cut dimensions, transpose, once or more often, and join."""
    x = b.add(Reshape(split), x)
    for order in orders:
        x = b.add(Transpose(order), x)
    return b.add(Reshape(joined), x) if joined else x


def test_pixel_shuffle_by_hand() -> None:
    """Of channels first, as in PyTorch; the reader cuts a transpose of six dimensions in two."""
    b = GraphBuilder()
    graph = b.graph(moved(b, b.input((1, 8, 4, 3)), (1, 2, 2, 2, 4, 3), SHUFFLE, (1, 2, 8, 6)))
    after = recognize_blocks(graph)
    assert_same(graph, after)
    assert names(after) == ["transpose", "depth_to_space", "transpose"]
    assert after.nodes[1].op == DepthToSpace(2, "CRD")


@pytest.mark.parametrize(
    ("mode", "split", "orders"),
    [("DCR", (3, 3, 2), [PIXELS]), ("CRD", (2, 3, 3), [(0, 1, 2, 4, 5, 3), PIXELS])],
)
def test_channels_last(mode: Mode, split: tuple[int, ...], orders: Steps) -> None:
    b = GraphBuilder()
    graph = b.graph(moved(b, b.input((1, 2, 5, 18)), (1, 2, 5, *split), orders, (1, 6, 15, 2)))
    after = recognize_blocks(graph)
    assert_same(graph, after)
    assert [node.op for node in after.nodes] == [DepthToSpace(3, mode)]


@pytest.mark.parametrize(("mode", "orders"), [("DCR", [PIXELS]), ("CRD", [PIXELS, (0, 1, 2, 5, 3, 4)])])
def test_space_to_depth(mode: Mode, orders: Steps) -> None:
    b = GraphBuilder()
    graph = b.graph(moved(b, b.input((1, 4, 6, 3)), (1, 2, 2, 3, 2, 3), orders, (1, 2, 3, 12)))
    after = recognize_blocks(graph)
    assert_same(graph, after)
    assert [node.op for node in after.nodes] == [SpaceToDepth(2, mode)]


def test_between_layers_no_transpose_is_left() -> None:
    """An upsampling network of channels first."""
    b = GraphBuilder()
    y = b.add(Transpose((0, 3, 1, 2)), b.conv(b.nhwc(b.input((1, 3, 4, 4))), 8, padding=(1, 1, 1, 1)))
    y = moved(b, y, (1, 2, 2, 2, 4, 4), SHUFFLE, (1, 2, 8, 8))
    graph = b.graph(b.conv(b.nhwc(y), 3, 8))
    after = prepare(graph)
    assert names(after) == ["conv2d", "depth_to_space", "conv2d"]


@pytest.mark.parametrize("case", ["heads", "only a reshape", "two transposes", "known inside", "unequal blocks"])
def test_what_stays(case: str) -> None:
    b = GraphBuilder()
    x = b.add(Relu(), b.input((1, 4, 4, 8)))
    if case == "heads":
        moved(b, x, (1, 16, 2, 4), [(0, 2, 1, 3)])
    elif case == "only a reshape":
        moved(b, x, (1, 8, 8, 2), [])
    elif case == "two transposes":
        b.add(Transpose((0, 3, 1, 2)), b.add(Transpose((0, 2, 1, 3)), x))
    elif case == "unequal blocks":
        moved(b, x, (1, 4, 4, 4, 2, 1), [PIXELS], (1, 16, 8, 1))
    else:
        moved(b, x, (1, 4, 4, 2, 2, 2), [PIXELS])
        b.know(b.nodes[-1].name, 0.1, 0)
        b.add(Reshape((1, 8, 8, 2)), b.nodes[-1].name)
    graph = b.graph(b.nodes[-1].name)
    assert recognize_blocks(graph).nodes == graph.nodes
