"""Pools and means on the ESP32-S3: which layers they take, and that C twin and assembly equal ``run`` and portable."""

from __future__ import annotations

import math

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from requirements import require

from kernels.s3.layers import inner
from mcuq.kernels.s3.pool import Averages
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.base import Op, Params
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.window import same_padding
from mcuq.tensor import QTensor

KERNELS = ("average_pool_s8_s3", "max_pool_s8_s3")


def lowered(op: Op, image, *, output=None, **options) -> tuple[Params, Params]:
    x = QTensor((1, *image), 0.05, -3)
    y = QTensor(op.infer_shape(x.shape), *(output or (0.05, -3)))
    return inner(op, [x], y, **options), inner(op, [x], y, "generic")


def case_of(rng, pair, image) -> Case:
    params, portable = pair
    inputs = [random_bytes(rng, 3, math.prod(image))]
    inputs[0][0] = rng.choice([-128, 127], inputs[0].shape[1])
    np.testing.assert_array_equal(params.run(*inputs), portable.run(*inputs))
    return Case(params, inputs)


def random_cases(rng, count) -> list[Case]:
    cases = []
    while len(cases) < count:
        image = (*(int(v) for v in rng.integers(3, 8, 2)), 16 * int(rng.integers(1, 4)))
        window, stride = (tuple(int(v) for v in rng.integers(1, 4, 2)) for _ in range(2))
        padding = same_padding(image[:2], window, stride, (1, 1)) if rng.random() < 0.5 else (0, 0, 0, 0)
        activation = str(rng.choice(["none", "none", "relu", "relu_n1_to_1"]))
        if rng.random() < 0.25:
            output = (float(rng.choice([0.02, 0.05, 0.3])), int(rng.choice([-128, -3, 50])))
            pair = lowered(Mean((1, 2)), image, output=output)
        else:
            pool = AveragePool if rng.random() < 0.5 else MaxPool
            pair = lowered(pool(window, stride, padding, activation), image)
        cases.append(case_of(rng, pair, image))
    return cases


def test_choice_of_kernel():
    assert lowered(AveragePool((25, 5)), (25, 5, 64))[0].kernel == KERNELS[0]
    assert lowered(Mean((1, 2)), (25, 5, 64), output=(0.03, 4))[0].kernel == KERNELS[0]
    assert lowered(MaxPool((2, 2), (2, 2)), (4, 6, 16))[0].kernel == KERNELS[1]
    assert lowered(AveragePool((2, 2)), (4, 4, 24))[0].kernel not in KERNELS
    assert lowered(MaxPool((2, 2)), (4, 4, 16), at_border=True)[0].kernel not in KERNELS


@pytest.mark.parametrize("count", [1, 2, 3, 4, 64, 125, 255, 256, 400, 600, 4095])
def test_equals_portable_for_every_sum(count):
    """Every sum of so many elements, or those around each step."""
    params, portable = lowered(AveragePool((1, count)), (1, count, 16))
    assert params.kernel == KERNELS[0]
    full = np.arange(-128 * count, 127 * count + 1)
    half = np.arange(-128, 128) * count + count // 2
    near = np.unique(np.clip((half[:, np.newaxis] + np.arange(-2, 3)).ravel(), full[0], full[-1]))
    sums = full if len(full) < 2000 else near
    each = sums[:, np.newaxis] // count + (np.arange(count) < (sums % count)[:, np.newaxis])
    x = np.repeat(each.astype(np.int8)[..., np.newaxis], 16, axis=2).reshape(len(sums), -1)

    np.testing.assert_array_equal(x.reshape(len(sums), count, 16).sum(axis=1, dtype=int)[:, 0], sums)
    np.testing.assert_array_equal(params.run(x), portable.run(x))


def test_averages_are_rounded_half_away_from_zero():
    few = np.zeros(1, np.int64)
    assert Averages(few, few, few, few, 4).outputs(np.array([[-6, -2, -1, 1, 2, 6]])).tolist() == [[-2, -1, 0, 0, 1, 2]]


def test_more_pixels_than_lanes_hold_are_others():
    assert lowered(AveragePool((1, 4096)), (1, 4096, 16))[0].kernel not in KERNELS


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run(random_cases(rng, 12))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 11))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    rng = np.random.default_rng(seed)
    wide = [case_of(rng, lowered(AveragePool((1, n)), (1, n, 16)), (1, n, 16)) for n in (300, 700)]
    assert_emulated_equals_run([*random_cases(rng, 12), *wide], "s3")
