"""Rows that move on the ESP32-S3: which are taken, and that C twin and assembly equal ``run`` and the portable one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from requirements import require

from kernels.s3.layers import inner
from mcuq.ops.base import Params
from mcuq.ops.rows import Rows
from mcuq.tensor import QTensor

KERNEL = "rows_s8_s3"
SHAPES = ((1, 5, 1, 16), (1, 5, 3, 8), (1, 9, 3, 5), (1, 3, 7), (1, 40), (1, 6, 8, 32), (1, 4, 5, 13))


def moved(shape, begin=1, count=2, *, stays=False, **options) -> tuple[Params, Params]:
    x, op = QTensor(shape, 0.1, 3), Rows(begin, count, moved=not stays)
    y = QTensor(op.infer_shape(shape), 0.1, 3)
    return inner(op, [x], y, **options), inner(op, [x], y, "generic")


def random_cases(rng, count) -> list[Case]:
    cases = []
    for _ in range(count):
        shape = SHAPES[rng.integers(len(SHAPES))]
        begin = int(rng.integers(0, shape[1]))
        params, portable = moved(shape, begin, int(rng.integers(1, shape[1] - begin + 1)))
        x = random_bytes(rng, 3, math.prod(shape))
        np.testing.assert_array_equal(params.run(x), portable.run(x))
        cases.append(Case(params, [x]))
    return cases


def test_choice_of_kernel():
    shape = (1, 5, 3, 8)
    assert moved(shape)[0].kernel == KERNEL
    assert moved(shape, at_border=True)[0].kernel != KERNEL
    assert moved(shape, stays=True)[0].kernel != KERNEL


@pytest.mark.parametrize("begin", range(5))
def test_equals_portable_for_every_row(rng, begin):
    params, portable = moved((1, 5, 3, 7), begin, 1)
    x = random_bytes(rng, 3, 105)
    np.testing.assert_array_equal(params.run(x), portable.run(x))


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run(random_cases(rng, 12))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run(random_cases(np.random.default_rng(seed), 12), "s3")
