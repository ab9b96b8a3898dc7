"""Addition on the ESP32-S3: which layers it takes, and that C twin and assembly equal ``run`` and the portable one."""

from __future__ import annotations

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from requirements import require

from kernels.s3.layers import inner
from mcuq.ops.add import Add
from mcuq.ops.base import Params
from mcuq.tensor import QTensor

KERNEL = "add_s8_s3"


def added(rng, shape=(1, 4, 4, 16), activation="none", **options) -> tuple[Params, Params]:
    scales, points = rng.uniform(0.01, 0.2, 2), rng.integers(-128, 128, 3)
    a, b = (QTensor(shape, float(scales[i]), int(points[i])) for i in range(2))
    y = QTensor(shape, float(scales.max() * rng.uniform(0.6, 2)), int(rng.choice([-128, points[2]])))
    op = Add(activation=activation)
    return inner(op, [a, b], y, **options), inner(op, [a, b], y, "generic")


def random_cases(rng, count) -> list[Case]:
    cases = []
    for _ in range(count):
        shape = (1, *(int(v) for v in rng.integers(1, 5, 2)), int(rng.choice([16, 16, 19, 150])))
        params, portable = added(rng, shape, at_border=bool(rng.random() < 0.3))
        assert params.kernel == KERNEL
        inputs = [random_bytes(rng, 4, params.elements) for _ in range(2)]
        np.testing.assert_array_equal(params.run(*inputs), portable.run(*inputs))
        cases.append(Case(params, inputs))
    return cases


def test_choice_of_kernel(rng):
    assert added(rng)[0].kernel == KERNEL
    assert added(rng, (1, 3, 3, 7))[0].direct == 48  # of 63
    assert added(rng, at_border=True)[0].operand_alignment == 1
    assert added(rng, (1, 1, 3, 5))[0].kernel != KERNEL  # few
    assert added(rng, activation="relu_n1_to_1")[0].kernel != KERNEL


def test_equals_portable_for_every_pair(rng):
    every = np.arange(-128, 128).astype(np.int8)
    pairs = np.repeat(every, 256)[np.newaxis], np.tile(every, 256)[np.newaxis]
    for _ in range(20):
        params, portable = added(rng, (1, 256, 256, 1))
        assert params.kernel == KERNEL
        np.testing.assert_array_equal(params.run(*pairs), portable.run(*pairs))


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run(random_cases(rng, 8))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run(random_cases(np.random.default_rng(seed), 8), "s3")
