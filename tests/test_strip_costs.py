"""The estimate of instructions, against what an emulated chip counts: whole layers, strips, and less scratch."""

import sys
from pathlib import Path

import numpy as np
import pytest
from requirements import require
from strip_graphs import Net

from mcuq import kernels
from mcuq.fit.strip_costs import instructions
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params
from mcuq.ops.pixel_sums import PixelSums
from mcuq.plan import Plan
from mcuq.plan.builder import build_plan
from mcuq.target.board import load_chip
from mcuq.tensor import QTensor

CHIPS = {
    "rv32": ("esp32c3", "picolibc", "qemu-system-riscv32"),
    "xtensa": ("esp32", "xtensa-lx106-elf-gcc"),
    "s3": ("esp32s3", "xtensa-lx106-elf-gcc", "qemu-system-xtensa"),
}


def layers(chip: str, rows: int) -> Plan:
    """A 3x3 convolution, a depthwise one and a 1x1 one, of a few rows."""
    net = Net(np.random.default_rng(1))
    net.b.values["x"] = QTensor((1, rows, 16, 8), 0.05, net.zero_point)
    net.window = lambda *_, **__: {**{"window": (3, 3), "stride": (1, 1), "dilation": (1, 1), "padding": (1, 1, 1, 1)}}
    y = net.conv(net.conv("x", 16), depthwise=True)
    net.window = lambda *_, **__: {**{"window": (1, 1), "stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0)}}
    return build_plan(net.graph(net.conv(y, 24)), load_chip(chip).kernels, io_in_arena=True)


def estimates(plan: Plan, scratch: int) -> list[tuple[Params, float]]:
    nodes = {node.name: node for node in plan.graph.nodes}
    found = []
    for step in plan.steps:
        params = step.params.with_scratch(scratch)
        shapes = [plan.graph.tensor(name).shape for name in nodes[step.name].inputs]
        output = plan.graph.values[step.outputs[0]].shape
        found.append((params, instructions(params, step.op.macs(*shapes), shapes[:1], output)))
    return found


@pytest.mark.parametrize(("rows", "scratch"), [(1, 0), (6, 4096)])
@pytest.mark.parametrize("engine", CHIPS)
def test_what_is_counted_is_near_the_estimate(engine, rows, scratch):
    chip, *tools = CHIPS[engine]
    require(*tools)
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    import bench_layer

    plan, x = layers(chip, rows), np.random.default_rng(0)
    for (params, estimate), step in zip(estimates(plan, scratch), plan.steps, strict=True):
        given = x.integers(-128, 128, (1, plan.graph.values[step.inputs[0]].elements)).astype(np.int8)
        counted = bench_layer.instructions(params, given, engine=engine)
        assert abs(estimate / counted - 1) < 0.12, (params.kernel, counted, estimate)


@pytest.mark.parametrize(("pixels", "channels"), [(5, 64), (45, 64), (6, 40), (300, 12)])
def test_what_sums_on_vectors_take_is_near_the_estimate(rng, pixels, channels):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
    import bench_layer

    sums, x = QTensor((4 * channels,), 1.0, 0), QTensor((1, 1, pixels, channels), 0.05, -3)
    op = PixelSums(channels)
    params = kernels.chosen(Layer(op.lower([sums, x], sums), [sums, x], False), load_chip("esp32s3").kernels)
    given = [rng.integers(-128, 128, (1, tensor.elements)).astype(np.int8) for tensor in (sums, x)]
    counted = bench_layer.instructions(params, *given, engine="s3")
    assert abs(instructions(params, 0, [sums.shape, x.shape], sums.shape) / counted - 1) < 0.06, counted


def test_less_scratch_costs_more_on_mac16():
    plan = layers("esp32", 6)
    little, much = (sum(cost for _, cost in estimates(plan, scratch)) for scratch in (0, 4096))
    assert little > 1.2 * much
