"""Tables that are a line on the ESP32-S3: which are taken, and that C twin and assembly equal ``run`` and portable."""

from __future__ import annotations

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from requirements import require

from kernels.s3.layers import inner
from mcuq.ops.base import Op, Params
from mcuq.ops.leaky_relu import LeakyRelu
from mcuq.ops.logistic import Logistic
from mcuq.ops.neg import Neg
from mcuq.ops.relu import Relu
from mcuq.ops.relu6 import Relu6
from mcuq.ops.requantize import Requantize
from mcuq.tensor import QTensor

KERNEL = "lookup_s8_s3"
LINES = (Requantize(), Relu(), Relu6(), Neg())
RATIOS = (1.0, 0.5, 0.75, 1.5, 0.3, 2.0, 0.93, 7.7)  # of the input's scale to the output's
ELEMENTS = (32, 33, 48, 64, 256, 257, 300, 528)


def looked_up(
    op: Op, elements=64, ratio=0.8, points=(-5, 7), types=("int8", "int8"), **options
) -> tuple[Params, Params]:
    x = QTensor((1, elements), 0.05, points[0] + 128 * (types[0] == "uint8"), dtype=types[0])
    y = QTensor((1, elements), 0.05 / ratio, points[1] + 128 * (types[1] == "uint8"), dtype=types[1])
    return inner(op, [x], y, **options), inner(op, [x], y, "generic")


def case_of(rng, pair) -> Case:
    params, portable = pair
    x = random_bytes(rng, 3, params.elements)
    np.testing.assert_array_equal(params.run(x), portable.run(x), str(params))
    return Case(params, [x])


def random_cases(rng, count) -> list[Case]:
    cases: list[Case] = []
    while len(cases) < count:
        op, signs = LINES[rng.integers(len(LINES))], [str(rng.choice(["int8", "int8", "uint8"])) for _ in range(2)]
        types = ("int8", "int8") if not isinstance(op, Requantize) else (signs[0], signs[1])
        points = tuple(int(z) for z in rng.choice([-128, -60, -1, 0, 33, 127], 2))
        sizes = {"elements": int(rng.choice(ELEMENTS)), "ratio": float(rng.choice(RATIOS))}
        pair = looked_up(op, **sizes, points=points, types=types, at_border=bool(rng.random() < 0.4))
        if pair[0].kernel == KERNEL:
            cases.append(case_of(rng, pair))
    return cases


@pytest.mark.parametrize("op", LINES)
def test_lines_are_taken(op):
    assert looked_up(op)[0].kernel == looked_up(op, at_border=True)[0].kernel == KERNEL


@pytest.mark.parametrize("types", [("int8", "uint8"), ("uint8", "int8"), ("uint8", "uint8")])
def test_bytes_of_either_sign_are_taken(rng, types):
    pair = looked_up(Requantize(), types=types)
    assert pair[0].kernel == KERNEL
    case_of(rng, pair)


def test_curves_kinks_and_few_elements_are_not():
    assert looked_up(Logistic(), ratio=12.8, points=(-5, -128))[0].kernel != KERNEL
    assert looked_up(LeakyRelu(0.1))[0].kernel != KERNEL
    assert looked_up(Requantize(), ratio=0.25)[0].kernel != KERNEL  # two roundings: half as many inputs give 0
    assert looked_up(Requantize(), elements=31)[0].kernel != KERNEL


@pytest.mark.parametrize("op", LINES)
def test_equals_portable_for_every_input(rng, op):
    taken = 0
    for _ in range(60):
        points, ratio = tuple(int(z) for z in rng.integers(-128, 128, 2)), float(np.exp(rng.uniform(-3, 3)))
        params, portable = looked_up(op, 256, float(rng.choice([ratio, 0.5, 1, 2])), points)
        x = np.arange(-128, 128).astype(np.int8)[np.newaxis]
        np.testing.assert_array_equal(params.run(x), portable.run(x))
        taken += params.kernel == KERNEL
    assert taken >= 20


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run(random_cases(rng, 16))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 7))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run(random_cases(np.random.default_rng(seed), 12), "s3")
