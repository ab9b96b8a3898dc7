"""Pointwise convolution on the ESP32-S3: which layers it takes, and that C twin and assembly equal ``run``."""

from __future__ import annotations

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require

from kernels.s3.layers import AMPLITUDES, OUTPUT_SCALES, ZERO_POINTS, case_of, forms, inner, layer
from mcuq.kernels.s3.records import MIDDLE, NARROW, SIGNED, WIDE
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.tensor import QConstant, QTensor

KERNEL = "conv2d_1x1_s8_s3"


def pointwise(rng, image, filters, stride=(1, 1), **options):
    return layer(rng, Conv2d(stride), image, (filters, 1, 1, image[2]), **options)


def random_cases(rng: np.random.Generator, count: int) -> list[Case]:
    cases: list[Case] = []
    while len(cases) < count:
        height, width = (int(v) for v in rng.integers(1, 7, 2))
        image = (height, width, 16 * int(rng.integers(1, 6)))
        stride = tuple(int(v) for v in rng.integers(1, 3, 2))
        options = {
            "amplitude": int(rng.choice(AMPLITUDES)),
            "scale_out": float(rng.choice(OUTPUT_SCALES)),
            "dead": bool(rng.random() < 0.2),
            "zero_point": int(rng.choice(ZERO_POINTS)),
            "limits": tuple(sorted(int(v) for v in rng.integers(-128, 128, 2))) if rng.random() < 0.3 else None,
        }
        params, portable = pointwise(rng, image, 16 * int(rng.integers(1, 4)), stride, **options)
        if params.kernel == KERNEL:
            turned = params.reversed() if rng.random() < 0.3 else params
            cases.append(case_of(rng, turned, portable))
    return cases


@pytest.mark.parametrize(
    ("image", "filters", "taken"),
    [
        ((5, 5, 64), 64, True),
        ((1, 1, 16), 32, True),
        ((5, 5, 24), 32, False),  # channels that are no multiple of 16
        ((5, 5, 32), 24, False),
    ],
)
def test_choice_of_kernel(rng, image, filters, taken):
    assert (pointwise(rng, image, filters)[0].kernel == KERNEL) == taken


def test_vectors_are_pixels(rng):
    op, shape = FullyConnected(), (48, 64)
    x, y = QTensor((1, 64), 0.05, -7), QTensor((1, 48), 0.05, -128)
    k = QConstant(rng.integers(-20, 20, shape).astype(np.int8), rng.uniform(0.002, 0.02, 48), axis=0)
    params = inner(op, [x, k], y)

    assert params.kernel == KERNEL
    assert_kernels_equal_run([case_of(rng, params, inner(op, [x, k], y, "generic"))])


def test_outputs_around_a_zero_point_within_int8_and_limited_ones_are_served(rng):
    x, k = QTensor((1, 4, 4, 16), 0.05, 0), rng.integers(-20, 20, (16, 1, 1, 16)).astype(np.int8)
    inputs = [x, QConstant(k, rng.uniform(0.002, 0.02, 16), axis=0)]
    around, limited = QTensor(x.shape, 0.02, 3), QTensor(x.shape, 0.2, -128)

    assert inner(Conv2d(), inputs, around).kernel == KERNEL
    params = inner(Conv2d(activation="relu6"), inputs, limited)
    assert (params.kernel, params.activation_max) == (KERNEL, -98)
    assert_kernels_equal_run([case_of(rng, params, inner(Conv2d(activation="relu6"), inputs, limited, "generic"))])


def test_equals_portable_where_sums_saturate_and_come_back(rng):
    """Inputs that drive a lane of 20 bits over its limit, and others that bring it back."""
    taken = 0
    for amplitude in AMPLITUDES:
        params, portable = pointwise(rng, (1, 4, 80), 32, amplitude=amplitude, scale_out=0.02)
        if params.kernel != KERNEL:
            continue
        taken += 1
        weights = portable.weights.reshape(32, 80)
        for lane in range(32):
            most = np.where(weights[lane] > 0, 127, -128)
            back = np.where(np.arange(80) < 40, most, -1 - most)
            x = np.stack([most, -1 - most, back, -1 - back]).astype(np.int8).reshape(1, -1)
            np.testing.assert_array_equal(params.run(x), portable.run(x))
    assert taken >= 2


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run(random_cases(rng, 12))


@pytest.mark.parametrize("seed", [2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 23))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run(random_cases(np.random.default_rng(seed), 12), "s3")


def test_all_forms_but_long_are_among_them():
    cases = random_cases(np.random.default_rng(2), 12)

    assert forms(cases) == {NARROW, MIDDLE, SIGNED, WIDE}
    assert {case.params.activation_max < 127 for case in cases} == {False, True}
