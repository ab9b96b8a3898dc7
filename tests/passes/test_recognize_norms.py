"""recognize_norms: pieces become one norm, whatever they are and in whichever order."""

from __future__ import annotations

import numpy as np
import pytest
from float_graphs import GraphBuilder, assert_same, names

from mcuq.float_graph import FloatGraph
from mcuq.ops.add import Add
from mcuq.ops.div import Div
from mcuq.ops.group_norm import GroupNorm
from mcuq.ops.layer_norm import LayerNorm
from mcuq.ops.mean import Mean
from mcuq.ops.mul import Mul
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import Reshape
from mcuq.ops.rms_norm import RmsNorm
from mcuq.ops.rsqrt import Rsqrt
from mcuq.ops.sqrt import Sqrt
from mcuq.ops.square import Square
from mcuq.ops.squared_difference import SquaredDifference
from mcuq.ops.sub import Sub
from mcuq.ops.tile import Tile
from mcuq.ops.transpose import Transpose
from mcuq.passes.recognize_norms import recognize_norms

GROUPS, CHANNELS = 2, 6


def normalized(b: GraphBuilder, x: str, axes: tuple[int, ...], *, centered: bool = True) -> str:
    """(x - mean) / sqrt(variance + epsilon), as TFLite's converter writes it."""
    mean = b.add(Mean(axes, keep_dims=True), x)
    squares = b.add(SquaredDifference(), x, mean) if centered else b.add(Square(), x)
    root = b.add(Rsqrt(), b.add(Add(), b.add(Mean(axes, keep_dims=True), squares), 1e-3))
    return b.add(Mul(), b.add(Sub(), x, mean) if centered else x, root)


def affine(b: GraphBuilder, x: str, *shape: int) -> str:
    """Times a factor, plus a summand, of this shape."""
    return b.add(Add(), b.add(Mul(), x, 1 + 0.1 * b.random(*shape)), b.random(*shape))


def recognized(graph: FloatGraph, kinds: list[str]) -> FloatGraph:
    after = recognize_norms(graph)
    assert_same(graph, after)
    assert names(after) == kinds
    return after


@pytest.mark.parametrize("centered", [True, False])
def test_rows(centered: bool) -> None:
    b = GraphBuilder()
    y = affine(b, normalized(b, b.input((1, 5, 8)), (2,), centered=centered), 8)
    after = recognized(b.graph(y), ["layer_norm" if centered else "rms_norm"])
    assert after.nodes[0].op == (LayerNorm if centered else RmsNorm)(pytest.approx(1e-3))


def test_a_norm_takes_what_is_behind_it() -> None:
    b = GraphBuilder()
    norm = b.add(LayerNorm(1e-5), b.input((1, 5, 8)), b.random(8), b.random(8))
    recognized(b.graph(b.add(Relu(), affine(b, norm, 8))), ["layer_norm", "relu"])


@pytest.mark.parametrize("split", ["factors apart", "factors in groups"])
def test_groups_of_keras(split: str) -> None:
    """[1, H, W, C] as [1, H, W, groups, C / groups], and back."""
    b = GraphBuilder()
    x = b.input((1, 4, 5, CHANNELS))
    groups = b.add(Reshape((1, 4, 5, GROUPS, CHANNELS // GROUPS)), x)
    y = normalized(b, groups, (1, 2, 4))
    if split == "factors in groups":
        y = b.add(Reshape((1, 4, 5, CHANNELS)), affine(b, y, GROUPS, CHANNELS // GROUPS))
    else:
        y = affine(b, b.add(Reshape((1, 4, 5, CHANNELS)), y), CHANNELS)
    after = recognized(b.graph(y), ["group_norm"])
    assert after.nodes[0].op == GroupNorm(pytest.approx(1e-3), GROUPS)


def test_groups_of_torch() -> None:
    """[1, C, H, W] as [1, groups, ...], an instance norm of these, and back; factors per channel."""
    b = GraphBuilder()
    x = b.input((1, CHANNELS, 4, 5))
    size = CHANNELS // GROUPS * 20
    rows = b.add(Transpose((0, 2, 3, 1)), b.add(Reshape((1, GROUPS, size, 1)), x))
    norm = b.add(GroupNorm(1e-4, GROUPS), rows, np.ones(GROUPS), np.zeros(GROUPS))
    back = b.add(Reshape((1, CHANNELS, 4, 5)), b.add(Transpose((0, 3, 1, 2)), norm))
    after = recognized(b.graph(affine(b, back, CHANNELS, 1, 1)), ["transpose", "group_norm", "transpose"])
    assert after.nodes[1].op == GroupNorm(1e-4, GROUPS)


@pytest.mark.parametrize("first", [False, True])
def test_groups_of_rows(first: bool) -> None:
    """[1, L, C], as Keras has them, and [1, C, L], as PyTorch does."""
    b = GraphBuilder()
    each = CHANNELS // GROUPS
    x = b.input((1, CHANNELS, 7) if first else (1, 7, CHANNELS))
    cut, axes = ((1, GROUPS, each, 7), (2, 3)) if first else ((1, 7, GROUPS, each), (1, 3))
    y = normalized(b, b.add(Reshape(cut), x), axes)
    y = affine(b, b.add(Reshape(b.shapes[x]), y), *((CHANNELS, 1) if first else (CHANNELS,)))
    recognized(b.graph(y), ["transpose", "group_norm", "transpose"] if first else ["group_norm"])


def test_what_reshapes_between() -> None:
    """A deviation of fewer dimensions, as PyTorch's exporter leaves it, and one that is spread first."""
    b = GraphBuilder()
    x = b.input((1, 5, 8))
    centered = b.add(Sub(), x, b.add(Mean((2,), keep_dims=True), x))
    variance = b.add(Mean((2,)), b.add(Square(), centered))
    deviation = b.add(Reshape((1, 5, 1)), b.add(Sqrt(), b.add(Add(), variance, 1e-5)))
    y = b.add(Div(), centered, b.add(Tile((1, 1, 8)), deviation))
    recognized(b.graph(affine(b, y, 8)), ["layer_norm"])


@pytest.mark.parametrize("case", ["no root", "known inside", "over rows", "another number"])
def test_what_stays(case: str) -> None:
    b = GraphBuilder()
    x = b.input((1, 4, 5, CHANNELS))
    if case == "no root":
        y = b.add(Sub(), x, b.add(Mean((3,), keep_dims=True), x))
    elif case == "over rows":  # of every column and channel
        y = normalized(b, x, (1,))
    else:
        y = normalized(b, x, (3,))
        if case == "known inside":
            b.know(b.nodes[-2].name, 0.1, 0)
        else:
            y = b.add(Mul(), y, b.random(4, 5, CHANNELS))
            y = b.add(Sub(), y, b.add(Mean((3,), keep_dims=True), y))
    graph = b.graph(y)
    assert [n for n in names(recognize_norms(graph)) if n not in names(graph)] in ([], ["layer_norm"])
    if case != "another number":
        assert recognize_norms(graph).nodes == graph.nodes
