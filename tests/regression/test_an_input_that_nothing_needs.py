"""Strips leave out rows that reach no output: of an input that none does, C had an unused parameter."""

from __future__ import annotations

import subprocess
from fractions import Fraction

import numpy as np
import pytest
from harness import STRICT

from mcuq import emit
from mcuq.archive import Archive
from mcuq.engines.host import compiler
from mcuq.graph import Graph, Node
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.pad import Pad
from mcuq.passes.chains import Chain
from mcuq.passes.strips import in_strips
from mcuq.plan.builder import build_plan
from mcuq.resources import resource
from mcuq.simulator import simulate
from mcuq.tensor import QConstant, QTensor


@pytest.fixture
def graph(rng) -> Graph:
    """One row of padding above one of the image, and a convolution that sees every second row."""
    values = {
        "x": QTensor((1, 1, 6, 4), 0.05, -3),
        "pad_0": QTensor((1, 2, 6, 4), 0.05, -3),
        "y": QTensor((1, 1, 6, 3), 0.1, 5),
    }
    constants = {
        "v": QConstant(np.array([-3], np.int8), np.array([0.05]), -3),
        "w": QConstant(rng.integers(-127, 128, (3, 1, 1, 4)).astype(np.int8), np.full(3, 0.01)),
        "b": QConstant(rng.integers(-900, 900, 3).astype(np.int32), np.ones(1)),
    }
    nodes = (
        Node("pad_0", Pad((0, 1, 0, 0), (0, 0, 0, 0)), ("x", "v"), ("pad_0",)),
        Node("conv2d_1", Conv2d(stride=(2, 1)), ("pad_0", "w", "b"), ("y",)),
    )
    return Graph("net", ("x",), ("y",), nodes, values, constants).verify()


def test_the_c_has_no_warning(rng, graph, tmp_path):
    strips, made = in_strips(graph, [Chain(0, 1, Fraction(1))])
    plan = build_plan(strips, strips=made)
    assert not any("x" in step.inputs for step in plan.steps)
    x = rng.integers(-128, 128, (3, 1, 1, 6, 4)).astype(np.int8)
    np.testing.assert_array_equal(simulate(plan, {"x": x})["y"], simulate(build_plan(graph), {"x": x})["y"])

    for path, content in emit.emit_library(plan, Archive(graph, {"x": x})).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    folders = (tmp_path / "lib/net/src", tmp_path / "lib/mcuq/src", resource("firmware") / "app")
    command = [compiler(), *STRICT, "-fsyntax-only", *(f"-I{folder}" for folder in folders)]
    subprocess.run([*command, tmp_path / "lib/net/src/net.c"], check=True)
