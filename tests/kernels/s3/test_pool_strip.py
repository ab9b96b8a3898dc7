"""Pools and means of channels that fill no vector, and of the caller's memory, on the ESP32-S3."""

from __future__ import annotations

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require

from kernels.s3.test_pool import case_of, lowered
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.max_pool import MaxPool
from mcuq.ops.mean import Mean
from mcuq.ops.window import same_padding

AVERAGE, LARGEST = "depthwise_conv2d_s8_s3", "max_pool_strip_s8_s3"
CHANNELS = (1, 2, 3, 4, 7, 8, 10, 15, 16, 17, 24, 40)


def random_cases(rng, count) -> list[Case]:
    cases: list[Case] = []
    while len(cases) < count:
        image = (*(int(v) for v in rng.integers(3, 9, 2)), int(rng.choice(CHANNELS)))
        window, stride = (tuple(int(v) for v in rng.integers(1, 4, 2)) for _ in range(2))
        padding = same_padding(image[:2], window, stride, (1, 1))
        activation = str(rng.choice(["none", "none", "relu", "relu_n1_to_1"]))
        at_border = bool(rng.random() < 0.5)
        kind = rng.integers(3)
        if kind == 0:
            output = (float(rng.choice([0.02, 0.05, 0.3])), int(rng.choice([-128, -3, 50])))
            pair = lowered(Mean((1, 2)), image, output=output, at_border=at_border)
        elif kind == 1:
            pair = lowered(AveragePool(window, stride, (0, 0, 0, 0), activation), image, at_border=at_border)
        else:
            pair = lowered(MaxPool(window, stride, padding, activation), image, at_border=at_border)
        if pair[0].kernel in (AVERAGE, LARGEST):
            cases.append(case_of(rng, pair, image))
    return cases


@pytest.mark.parametrize("channels", [3, 8, 24])
def test_choice_of_kernel(channels):
    image = (6, 8, channels)
    assert lowered(AveragePool((2, 2), (2, 2)), image)[0].kernel == AVERAGE
    assert lowered(MaxPool((2, 2), (2, 2)), image)[0].kernel == LARGEST
    assert lowered(MaxPool((2, 2), (2, 2)), (6, 8, 16), at_border=True)[0].kernel == LARGEST
    assert lowered(Mean((1, 2)), image, output=(0.03, 4))[0].kernel == AVERAGE


def test_windows_of_several_sizes_and_large_ones_are_others():
    padded = AveragePool((3, 3), (1, 1), (1, 1, 1, 1))
    assert lowered(padded, (6, 6, 24))[0].kernel not in (AVERAGE, LARGEST)
    assert lowered(Mean((1, 2)), (1, 300, 3))[0].kernel not in (AVERAGE, LARGEST)  # 300 vectors of ones
    assert lowered(MaxPool((3, 3)), (9, 60, 24))[0].kernel not in (AVERAGE, LARGEST)  # more than 4 KB of rows


@pytest.mark.parametrize("count", [1, 2, 3, 4, 49, 64])
def test_equals_portable_for_sums_around_every_step(count):
    params, portable = lowered(AveragePool((1, count)), (1, count, 3))
    assert params.kernel == AVERAGE
    half = np.arange(-128, 128) * count + count // 2
    sums = np.unique(np.clip((half[:, np.newaxis] + np.arange(-2, 3)).ravel(), -128 * count, 127 * count))
    each = sums[:, np.newaxis] // count + (np.arange(count) < (sums % count)[:, np.newaxis])
    x = np.repeat(each.astype(np.int8)[..., np.newaxis], 3, axis=2).reshape(len(sums), -1)
    np.testing.assert_array_equal(params.run(x), portable.run(x))


def test_pixels_of_few_channels_share_a_vector(rng):
    for op in (MaxPool((2, 2)), AveragePool((2, 2))):
        params, portable = lowered(op, (4, 9, 4))
        assert (params.output_c, params.output_w) == (16, 2)
        case_of(rng, (params, portable), (4, 9, 4))


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run(random_cases(rng, 24))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 11))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run(random_cases(np.random.default_rng(seed), 12), "s3")
