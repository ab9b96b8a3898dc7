"""Products on the ESP32-S3: which layers are taken, and that C twin and assembly equal ``run`` and the portable one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from requirements import require

from kernels.s3.layers import inner
from mcuq.kernels.s3.records import MIDDLE, NARROW, SIGNED, unpacked
from mcuq.ops.base import Params
from mcuq.ops.mul import Mul
from mcuq.tensor import QTensor

KERNEL = "mul_s8_s3"
ACTIVATIONS = ("none", "none", "relu", "relu_n1_to_1")
FAR, MIDDLING, NEAR = (-128, -128, -128), (-128, 127, 3), (3, -5, 20)
BYTES = np.arange(-128, 128).astype(np.int8)


def multiplied(
    rng, shape=(1, 4, 4, 16), other=None, activation="none", points=None, ratio=1.0, **options
) -> tuple[Params, Params]:
    """Return a layer's kernel and the portable one; with a ratio of 1 the largest products are outputs' ends."""
    scales = rng.uniform(0.005, 0.1, 2)
    chosen = points or tuple(int(z) for z in rng.choice([-128, 127, 0, -7, 40], 3))
    a, b = (QTensor(s, float(scales[i]), chosen[i]) for i, s in enumerate((shape, other or shape)))
    y = QTensor(shape, float(scales.prod() * 255 / ratio), chosen[2])
    op = Mul(activation=activation)
    return inner(op, [a, b], y, **options), inner(op, [a, b], y, "generic")


def case_of(rng, pair, sizes) -> Case:
    params, portable = pair
    inputs = [random_bytes(rng, 4, size) for size in sizes]
    np.testing.assert_array_equal(params.run(*inputs), portable.run(*inputs), str(params))
    return Case(params, inputs)


def random_cases(rng, count) -> list[Case]:
    cases: list[Case] = []
    while len(cases) < count:
        shape = (1, *(int(v) for v in rng.integers(1, 5, 2)), int(rng.choice([5, 16, 19, 32, 48])))
        other = shape[-1:] if rng.random() < 0.3 else shape
        options = {"activation": str(rng.choice(ACTIVATIONS)), "ratio": float(rng.choice([0.3, 1, 4, 30]))}
        pair = multiplied(rng, shape, other, at_border=bool(rng.random() < 0.3), **options)
        if pair[0].kernel == KERNEL:
            cases.append(case_of(rng, pair, (math.prod(shape), math.prod(other))))
    return cases


def test_choice_of_kernel(rng):
    assert multiplied(rng, points=FAR)[0].kernel == KERNEL
    assert multiplied(rng, points=FAR, at_border=True)[0].kernel == KERNEL
    assert multiplied(rng, (1, 3, 3, 7), points=FAR)[0].kernel == KERNEL
    assert multiplied(rng, (1, 3, 3, 32), (32,), points=FAR)[0].rows == 9
    assert multiplied(rng, (1, 3, 3, 7), (7,), points=FAR)[0].kernel != KERNEL  # rows at odd addresses
    assert multiplied(rng, (1, 3, 3, 32), (32,), points=FAR, at_border=True)[0].kernel != KERNEL
    assert multiplied(rng, (1, 3, 3, 16), (1, 3, 3, 1), points=FAR)[0].kernel != KERNEL
    assert multiplied(rng, (1, 2, 2, 3), points=FAR)[0].kernel != KERNEL  # few


def test_a_repeated_row_is_not_written_over(rng):
    params, _ = multiplied(rng, (1, 3, 3, 32), (32,), points=FAR)
    assert params.overlap(0) is not None
    assert params.overlap(1) is None


@pytest.mark.parametrize("points", [FAR, MIDDLING, NEAR, (127, 127, -128)])
@pytest.mark.parametrize("ratio", [0.1, 1, 0.99, 20])
def test_equals_portable_for_every_pair(rng, points, ratio):
    params, portable = multiplied(rng, (1, 256, 256, 1), points=points, ratio=ratio)
    pairs = np.repeat(BYTES, 256)[np.newaxis], np.tile(BYTES, 256)[np.newaxis]
    assert params.kernel == KERNEL
    np.testing.assert_array_equal(params.run(*pairs), portable.run(*pairs))


def test_forms_are_among_them(rng):
    params = [multiplied(rng, points=points, ratio=ratio)[0] for points in (FAR, NEAR) for ratio in (0.3, 1, 4, 30)]
    assert {unpacked(p.record, 0)[0].form for p in params} == {NARROW, MIDDLE, SIGNED}


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run(random_cases(rng, 16))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 9))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run(random_cases(np.random.default_rng(seed), 12), "s3")
