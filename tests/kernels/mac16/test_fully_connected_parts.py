"""Fully connected layers on MAC16 in less scratch than a vector takes: tiles, limits, and equality in every form."""

import dataclasses

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes

from kernels.mac16.emulated import assert_assembly_equals_run
from kernels.mac16.layers import CHIP, OUTPUT_SCALES, case_of, kernels, random_connected
from kernels.mac16.test_fully_connected import connected
from kernels.variants import ACTIVATIONS, OUTPUT_ZERO_POINTS, ZERO_POINTS, tables_bytes
from mcuq.kernels.mac16.channels import room

KERNEL, WHOLE = "fully_connected_s8_parts_mac16", "fully_connected_s8_mac16"


def in_parts(rng: np.random.Generator, sizes: list[tuple[int, int]]) -> list[Case]:
    """Layers of all scales and activations, of one vector and two, in several sizes of tiles, some from behind."""
    cases: list[Case] = []
    for inputs, outputs in sizes:
        n = len(cases)
        weights = rng.integers(-60, 61, (outputs, inputs))
        weights[0, :100] = rng.choice([-128, 127], weights[0, :100].size)
        options = {"scale_out": OUTPUT_SCALES[1 + n % 4], "zero_point": OUTPUT_ZERO_POINTS[n % 3]}
        options |= {"per_channel": bool(n % 2), "x_zero_point": ZERO_POINTS[n % 4], "dead": n % 5 == 0}
        lower = connected(rng, 1 + n % 2, inputs, outputs, weights, activation=ACTIVATIONS[n % 4], **options)
        for limit in (0, inputs // 2, inputs):
            params = lower(CHIP).frugal(limit)
            params = params.reversed() if rng.random() < 1 / 3 else params
            cases.append(case_of(rng, params, lower("generic"), 2))
    return cases


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    """Every tail of inputs; tiles of which the last is smaller in both directions."""
    cases = in_parts(rng, [(i, o) for i in (61, 62, 63, 64, 130, 640) for o in (1, 7, 8, 19, 33)])

    assert kernels(cases) == {KERNEL}
    assert_kernels_equal_run(cases, cc)


def test_n2_assembly_equals_run(rng):
    cases = in_parts(rng, [(61, 1), (66, 9), (91, 17), (128, 24), (400, 10)])

    assert kernels(cases) == {KERNEL}
    for as_esp32 in (False, True):
        assert_assembly_equals_run(cases, as_esp32=as_esp32)


@pytest.mark.parametrize("seed", range(2))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    cases = []
    while len(cases) < 60:
        lower = random_connected(rng)
        params = lower(CHIP).frugal(int(rng.integers(300)))
        cases += [case_of(rng, params, lower("generic"))] if params.kernel == KERNEL else []
    assert_kernels_equal_run(cases)


def test_the_whole_vector_where_it_fits(rng):
    """640 inputs are 1,280 bytes of scratch; one byte less is met with parts."""
    whole = connected(rng, 1, 640, 128, rng.integers(-30, 31, (128, 640)))(CHIP)

    assert whole.frugal(1280) is whole.with_scratch(0) is whole
    assert whole.frugal(1279).kernel == KERNEL
    assert tables_bytes(whole.frugal(1279)) == tables_bytes(whole)


def test_a_limit_is_met_from_the_least_on(rng):
    for inputs, outputs in ((640, 128), (128, 8), (37, 21), (1000, 4)):
        whole = connected(rng, 1, inputs, outputs, rng.integers(-30, 31, (outputs, inputs)))(CHIP)
        least = room(whole.frugal(0), inputs, outputs)
        for limit in range(least, 2 * inputs, 7):
            assert room(whole.frugal(limit), inputs, outputs) <= limit


def test_short_vectors_stay_whole(rng):
    assert connected(rng, 1, 16, 12)(CHIP).frugal(0).kernel == WHOLE


def test_run_sees_a_packing_error(rng):
    lower = connected(rng, 1, 128, 20, rng.integers(-30, 31, (20, 128)))
    params, x = lower(CHIP).frugal(0), random_bytes(rng, 4, 128)
    np.testing.assert_array_equal(params.run(x), lower("generic").run(x))
    for broken in ({"weights": np.roll(params.weights, 2)}, {"tile_taps": params.tile_taps + 4}):
        assert not np.array_equal(dataclasses.replace(params, **broken).run(x), lower("generic").run(x))
