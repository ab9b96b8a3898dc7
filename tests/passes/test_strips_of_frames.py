"""Frames whose rows are picked at even and changing distances, in strips and pushed: bytes of the whole layers."""

from fractions import Fraction

import numpy as np
import pytest
from channel_graphs import Builder
from test_plan import run_in_arena
from test_push_rows import BOARD, pushed

from mcuq import pipeline
from mcuq.errors import UnsupportedOperatorError
from mcuq.graph import Graph
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.mean import Mean
from mcuq.ops.pixels import FORMATS, Pixels, nearest
from mcuq.passes.chains import Chain
from mcuq.passes.stream import stream
from mcuq.passes.strips import in_strips
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.tensor import QTensor

RATES = (Fraction(1), Fraction(2), Fraction(1, 2), Fraction(2, 5), Fraction(7, 3), Fraction(100))


def camera(rng, height: int, rows: int, *, top: int = 0, form: str = "rgb565", size: int = 0, width: int = 8) -> Graph:
    """A frame, picked, behind it two convolutions and a mean."""
    columns, channels = 6, int(rng.choice([1, 3]))
    b = Builder(rng, (1, height, width, FORMATS[form]), 0)
    b.values["x"] = QTensor((1, height, width, FORMATS[form]), 1.0, 0, "uint8")
    picked = nearest(top, size or height - top, rows)
    x = b.add(Pixels(form, channels, picked, nearest(1, width - 1, columns), (100.0,), (3.0,)), "x", zero_point=-3)
    padding = (1, 1, 1, 1)
    x = b.linear(Conv2d((int(rng.integers(1, 3)), 1), padding=padding), x, (4, 3, 3, channels), 4, 0, zero_point=-3)
    x = b.linear(Conv2d(padding=padding), x, (4, 3, 3, 4), 4, 0, zero_point=-3)
    x = b.add(Mean((1, 2)), x, zero_point=-3)
    return Graph("camera", ("x",), (x,), tuple(b.nodes), b.values, b.constants).verify()


def random_camera(seed: int) -> tuple[Graph, np.random.Generator]:
    rng = np.random.default_rng(seed)
    height, rows = (int(n) for n in rng.integers(2, 40, 2))
    top = int(rng.integers(0, height // 2))
    size = int(rng.integers(1, height - top + 1))
    return camera(rng, height, rows, top=top, form=str(rng.choice(list(FORMATS))), size=size), rng


def assert_equal(plan, whole, rng):
    frames = rng.integers(0, 256, (3, *whole.graph.values["x"].shape)).astype(np.uint8)
    (name,) = whole.graph.outputs
    expected = simulate(whole, {"x": frames})[name]
    np.testing.assert_array_equal(simulate(plan, {"x": frames})[name], expected)
    np.testing.assert_array_equal(run_in_arena(plan, frames[:1])[name], expected[0].ravel())


@pytest.mark.parametrize("seed", range(30))
def test_random_frames_equal_the_whole_layers(seed):
    graph, rng = random_camera(seed)
    strips, made = in_strips(graph, [Chain(0, 3, RATES[rng.integers(len(RATES))], bool(rng.integers(2)))])
    assert len(strips.nodes) >= len(graph.nodes)
    assert_equal(build_plan(strips, strips=made), build_plan(graph), rng)
    assert_equal(pushed(graph, RATES[rng.integers(len(RATES))], apart=bool(rng.integers(2))), build_plan(graph), rng)


@pytest.mark.parametrize(("height", "rows"), [(120, 48), (49, 48), (24, 48), (96, 48)])
def test_pushed_frames_need_few_rows(rng, height, rows):
    graph = camera(rng, height, rows, width=80)
    plan = pipeline.compile(graph, BOARD, push_rows=True)
    assert plan.arena_bytes < graph.values["x"].bytes / 2
    assert_equal(plan, build_plan(graph), rng)


def test_frames_at_changing_distances_cannot_be_streamed(rng):
    with pytest.raises(UnsupportedOperatorError, match="picks rows at changing distances"):
        stream(camera(rng, 31, 12), 1)
