"""Depthwise convolution on the ESP32-S3: which layers it takes, and that C twin and assembly equal ``run``."""

from __future__ import annotations

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require

from kernels.s3.layers import OUTPUT_SCALES, ZERO_POINTS, case_of, forms, inner, layer
from mcuq.kernels.s3.records import LONG, MIDDLE, NARROW, SIGNED, WIDE
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.window import same_padding
from mcuq.tensor import QConstant, QTensor

KERNEL = "depthwise_conv2d_s8_s3"


def depthwise(rng, image, window, stride=(1, 1), dilation=(1, 1), **options):
    op = DepthwiseConv2d(stride, dilation, same_padding(image[:2], window, stride, dilation))
    return layer(rng, op, image, (1, *window, image[2]), axis=3, **options)


def random_cases(rng: np.random.Generator, count: int) -> list[Case]:
    cases: list[Case] = []
    while len(cases) < count:
        window = (3, 3) if rng.random() < 0.4 else tuple(int(v) for v in rng.integers(1, 6, 2))
        image = (*(int(v) for v in rng.integers(4, 9, 2)), int(rng.choice([1, 4, 8, 13, 16, 32, 40])))
        stride, dilation = (tuple(int(v) for v in rng.integers(1, 3, 2)) for _ in range(2))
        options = {
            "amplitude": int(rng.choice([20, 60, 128, 128])),
            "scale_out": float(rng.choice(OUTPUT_SCALES)),
            "dead": bool(rng.random() < 0.2),
            "limits": tuple(sorted(int(v) for v in rng.integers(-128, 128, 2))) if rng.random() < 0.2 else None,
            "zero_point": int(rng.choice(ZERO_POINTS)),
            "at_border": bool(rng.random() < 0.5),
        }
        params, portable = depthwise(rng, image, window, stride, dilation, **options)
        if params.kernel == KERNEL:
            cases.append(case_of(rng, params, portable))
    return cases


def test_choice_of_kernel(rng):
    assert depthwise(rng, (5, 5, 64), (3, 3))[0].kernel == KERNEL
    assert depthwise(rng, (5, 6, 13), (5, 1), (2, 2))[0].kernel == KERNEL
    assert depthwise(rng, (5, 90, 16), (3, 3))[0].kernel != KERNEL  # more scratch than four kilobytes


def test_pixels_of_few_channels_share_a_vector(rng):
    params, portable = depthwise(rng, (6, 8, 8), (3, 3))
    assert (params.output_w, params.output_c, params.buffered) == (4, 16, 0)
    odd, _ = depthwise(rng, (6, 7, 8), (3, 3))
    assert (odd.output_w, odd.output_c, odd.buffered) == (7, 8, 1)

    assert_kernels_equal_run([case_of(rng, params, portable)])


def test_equals_portable_around_every_zero_point(rng):
    for zero_point in (-128, -60, 0, 60, 120):
        params, portable = depthwise(rng, (4, 4, 16), (3, 3), amplitude=60, scale_out=0.03, zero_point=zero_point)
        assert params.kernel == KERNEL
        case_of(rng, params, portable, samples=32)


def test_large_biases_beside_small_weights(rng):
    """Sums far beyond 20 bits that differ by few outputs, as pruned layers have them."""
    op, weights = DepthwiseConv2d(), rng.integers(-100, 100, (1, 3, 3, 16)).astype(np.int8)
    bias, scales = np.zeros(16, np.int32), np.full(16, 0.01)
    bias[::4], scales[::4] = 2**23, 0.01 / 2**14
    x, y = QTensor((1, 4, 4, 16), 0.05, -128), QTensor((1, 2, 2, 16), 0.05, -128)
    inputs = [x, QConstant(weights, scales, axis=3), QConstant(bias, 0.05 * scales, axis=0)]
    params, portable = inner(op, inputs, y), inner(op, inputs, y, "generic")

    assert params.kernel == KERNEL
    assert_kernels_equal_run([case_of(rng, params, portable, samples=32)])


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run(random_cases(rng, 16))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 21))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run(random_cases(np.random.default_rng(seed), 20), "s3")


def test_all_forms_are_among_them():
    cases = random_cases(np.random.default_rng(1), 20)

    assert forms(cases) == {NARROW, MIDDLE, SIGNED, WIDE, LONG}
    assert {case.params.buffered for case in cases} == {0, 1}
    assert {(case.params.window_rows, case.params.columns) == (3, 3) for case in cases} == {False, True}
