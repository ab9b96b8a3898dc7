"""Convolutions on MAC16 pixel by pixel: which layers, and equality with ``run`` and the portable kernel."""

import dataclasses

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes

from kernels.mac16.emulated import assert_assembly_equals_run
from kernels.mac16.layers import CHIP, case_of, kernels, layer, random_conv
from kernels.variants import elements
from mcuq.ops.conv2d import Conv2d
from mcuq.tensor import QTensor

KERNEL, WIDENED = "conv2d_s8_pixels_mac16", "conv2d_s8_mac16"


def conv(rng: np.random.Generator, image: tuple[int, int, int], filters: int, window: tuple[int, int], **fields):
    weights = rng.integers(-128, 128, (filters, *window, image[2]))
    return layer(rng, Conv2d(**fields), QTensor((1, *image), 0.05, -7), weights)


def random_pixels(rng: np.random.Generator, count: int) -> list[Case]:
    """Random layers of the kernel, every third from behind: windows, strides, dilated rows, padding, dead channels."""
    cases: list[Case] = []
    while len(cases) < count:
        lower = random_conv(rng)
        params = lower(CHIP).frugal(0)
        if params.kernel == KERNEL:
            cases.append(case_of(rng, params.reversed() if len(cases) % 3 == 0 else params, lower("generic")))
    return cases


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    assert_kernels_equal_run(random_pixels(rng, 40), cc)


@pytest.mark.parametrize("as_esp32", [False, True])
def test_n2_assembly_equals_run(rng, as_esp32):
    cases = random_pixels(rng, 16)

    assert kernels(cases) == {KERNEL}
    assert_assembly_equals_run(cases, as_esp32=as_esp32)


@pytest.mark.parametrize("seed", range(2))
def test_equals_portable(seed):
    assert_kernels_equal_run(random_pixels(np.random.default_rng(seed), 60))


def test_windows_in_padding_alone(rng):
    lower = conv(rng, (3, 2, 4), 5, (2, 3), padding=(3, 3, 4, 4))
    case = case_of(rng, lower(CHIP).frugal(0), lower("generic"))

    assert case.params.kernel == KERNEL
    assert_kernels_equal_run([case])


@pytest.mark.parametrize(("depth", "limit", "kernel"), [(8, 0, KERNEL), (6, 0, WIDENED), (8, 4096, WIDENED)])
def test_choice_of_kernel(rng, depth, limit, kernel):
    """Columns are a multiple of four channels; with room for more pixels in a tile, weights are widened."""
    assert conv(rng, (5, 6, depth), 8, (3, 3), padding=(1, 1, 1, 1))(CHIP).frugal(limit).kernel == kernel


def test_half_the_scratch(rng):
    params = conv(rng, (8, 8, 64), 64, (3, 3), padding=(1, 1, 1, 1))(CHIP)

    assert (params.with_scratch(0).scratch_bytes, params.frugal(0).scratch_bytes) == (2304, 1152)


def test_run_sees_a_packing_error(rng):
    lower = conv(rng, (5, 6, 8), 8, (3, 3), padding=(1, 1, 1, 1))
    params, x = lower(CHIP).frugal(0), random_bytes(rng, 4, elements(lower("generic")))
    np.testing.assert_array_equal(params.run(x), lower("generic").run(x))
    for broken in ({"weights": np.roll(params.weights, 2)}, {"bias": params.bias + (64 << 8)}):
        assert not np.array_equal(dataclasses.replace(params, **broken).run(x), lower("generic").run(x))
