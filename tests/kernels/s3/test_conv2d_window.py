"""Convolution on the ESP32-S3: which layers it takes, and that C twin and assembly equal ``run``."""

from __future__ import annotations

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require

from kernels.s3.layers import AMPLITUDES, OUTPUT_SCALES, ZERO_POINTS, case_of, forms, layer
from mcuq.kernels.s3.conv2d_window import rows_of
from mcuq.kernels.s3.records import LONG, MIDDLE, NARROW, SIGNED, WIDE
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.window import same_padding

KERNEL = "conv2d_s8_s3"


def windowed(rng, image, filters, window, stride=(1, 1), dilation=1, **options):
    op = Conv2d(stride, (dilation, 1), same_padding(image[:2], window, stride, (dilation, 1)))
    return layer(rng, op, image, (filters, *window, image[2]), **options)


def random_cases(rng: np.random.Generator, count: int) -> list[Case]:
    cases: list[Case] = []
    while len(cases) < count:
        window = tuple(int(v) for v in rng.integers(1, 5, 2))
        image = (*(int(v) for v in rng.integers(4, 9, 2)), int(rng.choice([1, 2, 3, 5, 8, 15, 16, 17, 32, 40])))
        stride = tuple(int(v) for v in rng.integers(1, 3, 2))
        zero_point = int(rng.choice(ZERO_POINTS))
        options = {
            "amplitude": int(rng.choice(AMPLITUDES)),
            "scale_out": float(rng.choice(OUTPUT_SCALES)),
            "dead": bool(rng.random() < 0.2),
            "limits": tuple(sorted(int(v) for v in rng.integers(-128, 128, 2))) if rng.random() < 0.2 else None,
            "zero_point": zero_point,
            "at_border": bool(rng.random() < 0.5),
        }
        filters = int(rng.choice([1, 3, 8, 16, 19, 32]))
        params, portable = windowed(rng, image, filters, window, stride, int(rng.integers(1, 3)), **options)
        if params.kernel == KERNEL:
            cases.append(case_of(rng, params, portable))
    return cases


@pytest.mark.parametrize(
    ("image", "filters", "window"),
    [
        ((5, 5, 16), 16, (3, 3)),
        ((9, 5, 1), 64, (10, 4)),  # a first layer: rows of a few bytes
        ((5, 6, 3), 7, (3, 3)),  # channels that fill no vector
    ],
)
def test_choice_of_kernel(rng, image, filters, window):
    assert windowed(rng, image, filters, window, scale_out=0.1)[0].kernel == KERNEL


def test_dilated_columns_and_strips_beyond_four_kilobytes_are_others(rng):
    x = (8, 8, 16)
    dilated = layer(rng, Conv2d((1, 1), (1, 2)), x, (16, 3, 3, 16))[0]
    large = windowed(rng, (3, 90, 16), 16, (3, 3))[0]

    assert KERNEL not in {dilated.kernel, large.kernel}


@pytest.mark.parametrize(
    ("taps", "first"), [(4, (1, 0, 4)), (9, (1, 0, 10)), (15, (1, 1, 0)), (48, (1, 3, 0)), (40, (1, 2, 8))]
)
def test_rows_are_blocks_of_sixteen_and_an_even_rest(taps, first):
    ways = list(rows_of(taps))

    assert tuple(ways[0]) == first
    assert {way.taps for way in ways} == {ways[0].taps}
    assert ways[0].cuts(2)[-1] == 2 * ways[0].taps


def test_equals_portable_where_long_sums_are_driven_to_their_ends(rng):
    params, portable = windowed(rng, (3, 3, 64), 16, (3, 3), amplitude=60, scale_out=0.1, zero_point=4)
    assert (params.kernel, params.is_long) == (KERNEL, 1)
    for lane in range(16):
        most = np.where(portable.weights[lane] > 0, 127, -128).reshape(1, -1)
        x = np.concatenate([most, -1 - most]).astype(np.int8)
        np.testing.assert_array_equal(params.run(x), portable.run(x))


def test_pixels_of_few_channels_share_a_vector(rng):
    params, portable = windowed(rng, (5, 8, 3), 8, (3, 3), (2, 2), scale_out=0.1)
    assert (params.output_w, params.output_c, params.input_step) == (2, 16, 12)
    odd, _ = windowed(rng, (5, 6, 3), 8, (3, 3), (2, 2), scale_out=0.1)
    assert (odd.output_w, odd.output_c) == (3, 8)

    assert_kernels_equal_run([case_of(rng, params, portable)])


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run(random_cases(rng, 16))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 21))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run(random_cases(np.random.default_rng(seed), 16), "s3")


def test_all_forms_are_among_them():
    cases = random_cases(np.random.default_rng(0), 16)

    assert forms(cases) == {NARROW, MIDDLE, SIGNED, WIDE, LONG}
    assert {case.params.buffered for case in cases} == {0, 1}
    assert {case.params.blocks > 0 for case in cases} == {False, True}
