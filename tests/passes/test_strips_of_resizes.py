"""Images resized, larger and smaller, within chains: the bytes of the whole layers."""

from fractions import Fraction

import numpy as np
import pytest
from channel_graphs import Builder
from test_plan import run_in_arena
from test_push_rows import pushed

from mcuq.errors import UnsupportedOperatorError
from mcuq.graph import Graph
from mcuq.ops.add import Add
from mcuq.ops.resize import ResizeOp
from mcuq.ops.resize_bilinear import ResizeBilinear
from mcuq.ops.resize_nearest import ResizeNearest
from mcuq.passes.chains import Chain, links
from mcuq.passes.rows import on_rows
from mcuq.passes.strips import in_strips
from mcuq.plan import Plan
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate

FLAGS = ((False, False), (True, False), (False, True))
RATES = (Fraction(1), Fraction(2), Fraction(1, 2), Fraction(2, 3), Fraction(100))


def decoder(seed: int) -> tuple[Graph, np.random.Generator]:
    """Convolution, another size, convolution, another size with what it adds to itself."""
    rng = np.random.default_rng(seed)
    b = Builder(rng, (1, int(rng.integers(3, 14)), 5, 4), 0)
    x = b.conv("x", 4, 3, padded=True, zero_point=0)
    for _ in range(2):
        rows = b.values[x].shape[1]
        height = int(rng.choice([2 * rows, rng.integers(3, 24), max(3, rows // 2)]))
        kind = (ResizeNearest, ResizeBilinear)[rng.integers(2)]
        x = b.add(kind(height, int(rng.integers(3, 9)), *FLAGS[rng.integers(3)]), x, zero_point=0)
        x = b.add(Add(), x, b.conv(x, 4, 3, padded=True, zero_point=0), zero_point=0)
    return Graph("decoder", ("x",), (x,), tuple(b.nodes), b.values, b.constants).verify(), rng


def assert_equal(plan: Plan, graph: Graph, rng: np.random.Generator) -> None:
    x = rng.integers(-128, 128, (3, *graph.values["x"].shape)).astype(np.int8)
    (name,) = graph.outputs
    expected = simulate(build_plan(graph), {"x": x})[name]
    np.testing.assert_array_equal(simulate(plan, {"x": x})[name], expected)
    np.testing.assert_array_equal(run_in_arena(plan, x[:1])[name], expected[0].ravel())


@pytest.mark.parametrize("seed", range(40))
def test_random_sizes_equal_the_whole_layers(seed):
    graph, rng = decoder(seed)
    strips, made = in_strips(
        graph, [Chain(0, len(graph.nodes) - 1, RATES[rng.integers(len(RATES))], bool(rng.integers(2)))]
    )
    assert len(strips.nodes) > len(graph.nodes) or made.chains[0].rows == 100
    assert_equal(build_plan(strips, strips=made), graph, rng)
    assert_equal(pushed(graph, RATES[rng.integers(len(RATES))], apart=bool(rng.integers(2))), graph, rng)


def resize(rows: int, op: ResizeOp) -> Graph:
    b = Builder(np.random.default_rng(1), (1, rows, 4, 3), 0)
    y = b.add(op, "x", zero_point=0)
    return Graph("resize", ("x",), (y,), tuple(b.nodes), b.values).verify()


@pytest.mark.parametrize("flags", FLAGS)
def test_strips_of_a_resize_pick_its_rows(rng, flags):
    op, x = ResizeNearest(6, 4, *flags), rng.normal(size=(2, 1, 9, 4, 3))
    (link,) = links(resize(9, op), 0, 0)
    low, high = link.needed(2, 5)
    strip = on_rows(op, 1, (1, 3, 4, 3), window=link.window, first=2)
    np.testing.assert_array_equal(strip.forward(x[:, :, low:high]), op.forward(x)[:, :, 2:5])


@pytest.mark.parametrize("flags", FLAGS)
def test_real_rows_of_a_strip_are_close(rng, flags):
    """Positions are rounded to 1/1024 in strips, as in integers, and exact in the whole layer."""
    op, x = ResizeBilinear(6, 4, *flags), rng.normal(size=(2, 1, 9, 4, 3))
    (link,) = links(resize(9, op), 0, 0)
    low, high = link.needed(1, 5)
    strip = on_rows(op, 1, (1, 4, 4, 3), window=link.window, first=1)
    np.testing.assert_allclose(strip.forward(x[:, :, max(0, low) : high]), op.forward(x)[:, :, 1:5], atol=0.02)


def test_rows_that_float32_rounds_to_others_are_left_whole():
    """TFLite's reference multiplies in float32: row 41 of 82 is then row 0 of 2, by the formula row 1."""
    op = ResizeNearest(82, 4)
    assert op.rows(2)[41] == 0 and 41 * 2 // 82 == 1
    with pytest.raises(UnsupportedOperatorError, match="resize_nearest of shapes"):
        links(resize(2, op), 0, 0)
