"""Running sums on the ESP32-S3: which are taken, that C twin and assembly equal ``run`` and portable, in place too."""

from __future__ import annotations

import numpy as np
import pytest
from chips import families
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from requirements import require

from kernels.s3.layers import CHIP, inner
from mcuq.graph import Graph, Node
from mcuq.ops.base import Params
from mcuq.ops.pixel_sums import PixelSums
from mcuq.plan import Plan
from mcuq.plan.builder import build_plan
from mcuq.simulator import simulate
from mcuq.tensor import QTensor
from mcuq.verification import simulate_on

KERNEL = "pixel_sums_s8_s3"
CHANNELS = (1, 2, 3, 4, 5, 7, 8, 12, 13, 15, 16, 17, 20, 24, 31, 32, 33, 40, 48, 64, 70)
PIXELS = (1, 2, 3, 5, 8, 15, 45, 100)
LONG = ((255, 16), (256, 24), (257, 16), (257, 19), (512, 20), (513, 32), (600, 7))  # one piece, two, three
FEWEST = {1: 15, 2: 4, 3: 2}  # pixels of so many channels for which vectors are quicker


def lowered(pixels: int, channels: int, **options) -> tuple[Params, Params]:
    sums = QTensor((4 * channels,), 1.0, 0)
    inputs = [sums, QTensor((1, 1, pixels, channels), 0.05, -3)]
    return inner(PixelSums(channels), inputs, sums, **options), inner(PixelSums(channels), inputs, sums, "generic")


def before(rng, samples: int, channels: int) -> np.ndarray:
    return rng.integers(-(1 << 30), 1 << 30, (samples, channels)).astype("<i4").view(np.int8)


def case_of(rng, pixels: int, channels: int, samples: int = 3) -> Case:
    """A case whose first samples are all -128 and all 127."""
    params, portable = lowered(pixels, channels)
    assert params.kernel == KERNEL, (pixels, channels)
    inputs = [before(rng, samples, channels), random_bytes(rng, samples, pixels * channels)]
    np.testing.assert_array_equal(params.run(*inputs), portable.run(*inputs))
    return Case(params, inputs)


def random_cases(rng, count: int) -> list[Case]:
    cases = []
    while len(cases) < count:
        pixels, channels = int(rng.choice(PIXELS)), int(rng.choice(CHANNELS))
        if pixels >= FEWEST.get(channels, 1):
            cases.append(case_of(rng, pixels, channels))
    return cases


def carries() -> Case:
    """Sums of 256 pixels around every multiple of 256, where the upper byte changes."""
    pixels, lanes = 256, 16
    wanted = np.arange(-128, 128)[:, np.newaxis] * 256 + np.array([-1, 0, 1])
    sums = np.clip(wanted.ravel(), -128 * pixels, 127 * pixels).reshape(-1, lanes)
    each = sums[:, np.newaxis] // pixels + (np.arange(pixels)[:, np.newaxis] < (sums % pixels)[:, np.newaxis])
    x = each.astype(np.int8)
    np.testing.assert_array_equal(x.sum(axis=1, dtype=int), sums)
    return Case(lowered(pixels, lanes)[0], [np.zeros((len(x), 4 * lanes), np.int8), x.reshape(len(x), -1)])


def in_place(pixels: int, channels: int, turns: int = 3) -> Plan:
    """Sums that grow in turns, of pixels that are inputs in the arena."""
    names = [f"x{i}" for i in range(turns)]
    values = dict.fromkeys(names, QTensor((1, 1, pixels, channels), 0.05, -3))
    values |= {f"sums{i}": QTensor((4 * channels,), 1.0, 0) for i in range(turns + 1)}
    nodes = [
        Node(f"add{i}", PixelSums(channels), (f"sums{i}", name), (f"sums{i + 1}",)) for i, name in enumerate(names)
    ]
    graph = Graph("sums", ("sums0", *names), (f"sums{turns}",), tuple(nodes), values, {}).verify()
    return build_plan(graph, families(CHIP), io_in_arena=True)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 16, 70])
def test_choice_of_kernel(channels):
    fewest = FEWEST.get(channels, 1)
    assert lowered(fewest, channels)[0].kernel == KERNEL
    assert fewest == 1 or lowered(fewest - 1, channels)[0].kernel == "pixel_sums_s8"
    assert lowered(100, channels, at_border=True)[0].kernel == "pixel_sums_s8"


def test_equals_portable_for_every_width(rng):
    for channels in CHANNELS:
        case_of(rng, 45, channels)


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run([*random_cases(rng, 20), *(case_of(rng, *size) for size in LONG)])


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 11))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    rng = np.random.default_rng(seed)
    cases = [case_of(rng, 4, channels) for channels in CHANNELS if channels > 1]
    cases += [case_of(rng, 1, channels) for channels in (4, 5, 16, 17, 40)]
    cases += [case_of(rng, *size) for size in LONG]
    assert_emulated_equals_run([*cases, *random_cases(rng, 12)], "s3")


def test_n2_assembly_takes_every_carry():
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run([carries()], "s3")


@pytest.mark.parametrize(("pixels", "channels"), [(5, 64), (300, 16), (3, 7), (261, 21)])
def test_n4_sums_grow_where_they_lie(rng, pixels, channels):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    plan = in_place(pixels, channels)
    assert {step.params.kernel for step in plan.steps} == {KERNEL}
    assert len({plan.buffers[f"sums{i}"].offset for i in range(4)}) < 4
    inputs = {name: random_bytes(rng, 3, plan.graph.values[name].elements) for name in plan.graph.inputs}
    inputs["sums0"] = before(rng, 3, channels)
    inputs = {name: x.reshape(3, *plan.graph.values[name].shape) for name, x in inputs.items()}
    np.testing.assert_array_equal(simulate_on("s3", plan, inputs).outputs["sums3"], simulate(plan, inputs)["sums3"])
