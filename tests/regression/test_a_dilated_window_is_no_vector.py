"""A dilated window of as many taps as the input has columns reaches beyond it: its last taps see padding.

It was taken for a fully connected layer, whose taps all see the input.
"""

import numpy as np
import pytest
from channel_graphs import Builder

from mcuq.graph import Graph
from mcuq.ops.conv2d import Conv2d
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.target.chip import load_chip

CHIPS = ("esp32", "esp32s2", "esp32c3", "esp32s3")


def dilated(axis: int, bits: int) -> Graph:
    """Two pixels side by side or one above the other, under two taps at a distance of two."""
    along = (1, 2) if axis == 1 else (2, 1)
    b = Builder(np.random.default_rng(3), (1, *along, 4), -5)
    op = Conv2d(dilation=(2, 2), padding=(0, 0, 0, 1) if axis == 1 else (0, 1, 0, 0))
    y = b.linear(op, "x", (8, *along, 4), 8, 0)
    weights = b.constants["w_0"]
    weights.values[...] >>= 8 - bits
    b.constants["w_0"] = weights.__class__(weights.values, weights.scale, bits=bits, axis=0)
    return b.graph(y)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("chip", CHIPS)
def test_taps_in_the_padding_see_no_pixel(rng, chip, axis, bits):
    graph = dilated(axis, bits)
    (name,) = graph.outputs
    x = rng.integers(-128, 128, (9, *graph.values["x"].shape)).astype(np.int8)
    y = simulate(build_plan(graph, load_chip(chip).kernels), {"x": x})[name]
    np.testing.assert_array_equal(y, simulate(build_plan(graph), {"x": x})[name])
    x.reshape(9, 2, 4)[:, 1] += 1  # the second pixel, which no tap sees
    np.testing.assert_array_equal(y, simulate(build_plan(graph, load_chip(chip).kernels), {"x": x})[name])


@pytest.mark.parametrize("chip", CHIPS)
def test_a_dense_window_over_all_of_the_input_is_one(chip):
    b = Builder(np.random.default_rng(3), (1, 2, 1, 4), -5)
    graph = b.graph(b.linear(Conv2d(dilation=(1, 3)), "x", (8, 2, 1, 4), 8, 0))
    (step,) = build_plan(graph, load_chip(chip).kernels).steps
    assert step.params.kernel.startswith("fully_connected") or chip in ("esp32s2", "esp32s3")
