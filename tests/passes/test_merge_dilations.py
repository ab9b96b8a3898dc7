"""merge_dilations: convolutions between pixels to samples and back step over pixels themselves."""

from __future__ import annotations

import pytest
from float_graphs import GraphBuilder, assert_same, names
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.errors import UnsupportedOperatorError
from mcuq.float_graph import FloatGraph
from mcuq.ops.batch_to_space import BatchToSpace
from mcuq.ops.pad import Pad
from mcuq.ops.relu import Relu
from mcuq.ops.reshape import Reshape
from mcuq.ops.slice import Slice
from mcuq.ops.space_to_batch import SpaceToBatch
from mcuq.ops.window import Pair
from mcuq.passes.merge_dilations import merge_dilations

SIDES = st.tuples(st.integers(0, 3), st.integers(0, 3))


def spread(b: GraphBuilder, x: str, block: Pair, front: Pair = (0, 0), value: float | None = None) -> str:
    """Pad so that blocks fit, and make samples of pixels."""
    behind = tuple(-(n + f) % size for n, f, size in zip(b.shapes[x][1:3], front, block, strict=True))
    if any((*front, *behind)):
        pad = Pad((0, *front, 0), (0, *behind, 0))
        x = b.add(pad, x) if value is None else b.add(pad, x, value)
    return b.add(SpaceToBatch(block), x)


def back(b: GraphBuilder, y: str, block: Pair, front: Pair = (0, 0), behind: Pair = (0, 0)) -> str:
    """Make pixels of samples, and cut."""
    y = b.add(BatchToSpace(block), y)
    _, h, w, c = b.shapes[y]
    rows, columns = h - front[0] - behind[0], w - front[1] - behind[1]
    return b.add(Slice((0, *front, 0), (1, rows, columns, c)), y) if any((*front, *behind)) else y


def merged(graph: FloatGraph) -> FloatGraph:
    after = merge_dilations(graph)
    assert_same(graph, after)
    return after


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 3), st.integers(2, 3), SIDES, SIDES, SIDES, st.booleans(), st.booleans(), st.booleans())
def test_blocks_are_dilation(
    rows: int, columns: int, front: Pair, cut: Pair, behind: Pair, depthwise: bool, one: bool, padded: bool
) -> None:
    """Whatever is padded in front, cut in the end, and padded by the convolution itself."""
    b, block = GraphBuilder(), (rows, columns)
    x = spread(b, b.input((1, 11, 12, 2)), block, front, 1.0 if one else None)
    attributes: dict[str, object] = {"padding": (1, 0, 1, 1)} if padded else {}
    y = b.depthwise(x, 2, **attributes) if depthwise else b.conv(x, 3, 2, **attributes)
    after = merged(b.graph(back(b, y, block, cut, behind)))
    assert not {"space_to_batch", "batch_to_space"}.intersection(names(after))
    (layer,) = (node for node in after.nodes if "conv" in node.op.name)
    assert layer.op.dilation == block  # type: ignore[attr-defined]
    if not one and all(a <= f for a, f in zip(cut, front, strict=True)) and behind == (0, 0):
        assert names(after) == [layer.op.name]


def test_rows_are_images_of_one_row() -> None:
    b = GraphBuilder()
    padded = b.add(Pad((0, 4, 0), (0, 2, 0)), b.input((1, 14, 3)))
    x = b.add(SpaceToBatch((1, 4)), b.add(Reshape((1, 1, 20, 3)), padded))
    x = b.add(Reshape((4, 1, 5, 3)), b.add(Reshape((4, 5, 3)), x))
    y = b.conv(x, 2, 1)
    y = b.add(Reshape((4, 1, 5, 2)), b.add(Reshape((4, 5, 2)), y))
    y = back(b, y, (1, 4), behind=(0, 2))
    after = merged(b.graph(b.add(Reshape((1, 18, 2)), y)))
    assert names(after) == ["reshape", "conv2d", "reshape"]


def test_one_after_the_other() -> None:
    b, y = GraphBuilder(), ""
    y = b.input((1, 8, 8, 2))
    for block in ((2, 2), (4, 4)):
        y = b.add(Relu(), back(b, b.conv(spread(b, y, block, block), 2, 2), block))
    assert names(merged(b.graph(y))) == ["conv2d", "relu", "conv2d", "relu"]


def test_what_is_read_twice_stays() -> None:
    b = GraphBuilder()
    samples = spread(b, b.input((1, 8, 8, 2)), (2, 2))
    y = back(b, b.conv(samples, 2), (2, 2))
    graph = b.graph(y, back(b, samples, (2, 2)))
    with pytest.raises(UnsupportedOperatorError, match="4 samples"):
        merge_dilations(graph)


def test_strides_are_refused_by_name() -> None:
    b = GraphBuilder()
    y = b.conv(spread(b, b.input((1, 8, 8, 2)), (2, 2)), 2, 2, stride=(2, 2))
    with pytest.raises(UnsupportedOperatorError, match=r"conv2d_1: a convolution of 4 samples"):
        merge_dilations(b.graph(back(b, y, (2, 2))))


def test_another_quantization_behind_stays() -> None:
    b = GraphBuilder()
    x = b.know(b.input((1, 8, 8, 2)), 0.5, 1)
    samples = b.know(spread(b, x, (2, 2)), 0.25, 1)
    with pytest.raises(UnsupportedOperatorError, match="4 samples"):
        merge_dilations(b.graph(back(b, b.conv(samples, 2), (2, 2))))
