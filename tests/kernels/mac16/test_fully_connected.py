"""Fully connected layers on the ESP32's MAC16: which kernel takes which shape, and that its C twin equals ``run``."""

import dataclasses

import numpy as np
import pytest
from chips import chips_led_by
from harness import assert_kernels_equal_run, random_bytes

from kernels.mac16 import layers as mac16_layers
from kernels.mac16.layers import CHIP, OUTPUT_SCALES, case_of, cases_of, kernels, layer, random_cases
from kernels.variants import ACTIVATIONS, OUTPUT_ZERO_POINTS, ZERO_POINTS, tables_bytes
from mcuq.ops.fully_connected import FullyConnected
from mcuq.tensor import QTensor

MAC16, POINTWISE, PORTABLE = "fully_connected_s8_mac16", "conv2d_s8_mac16", "fully_connected_s8"


def connected(rng, batch, inputs, outputs, weights=None, x_zero_point=-7, activation="none", **options):
    x = QTensor((batch, inputs), 0.05, x_zero_point)
    weights = rng.integers(-128, 128, (outputs, inputs)) if weights is None else weights
    return layer(rng, FullyConnected(batch > 1, activation), x, weights, **options)


@pytest.mark.parametrize(
    ("batch", "inputs", "outputs", "kernel"),
    [
        (1, 64, 12, MAC16),
        (1, 1, 1, MAC16),
        (2, 63, 7, MAC16),
        (3, 63, 7, POINTWISE),
        (3, 1024, 2, POINTWISE),
        (3, 1025, 2, PORTABLE),
    ],
)
def test_choice_of_kernel(rng, batch, inputs, outputs, kernel):
    lower = connected(rng, batch, inputs, outputs)

    assert {lower(chip).kernel for chip in chips_led_by("mac16")} == {kernel}
    assert lower("generic").kernel == PORTABLE


@pytest.mark.parametrize(("inputs", "kernel"), [(2048, MAC16), (2049, PORTABLE)])
def test_long_vectors_need_workspace(rng, inputs, kernel):
    lower = connected(rng, 1, inputs, 2, rng.integers(-9, 10, (2, inputs)))

    assert lower(CHIP).kernel == kernel


def test_sums_beyond_24_bits_stay_portable(rng):
    """127 * 255 times 259 is the last below 2^23 - 2^9; the bias is up to 3000."""
    for inputs, kernel in ((258, MAC16), (260, PORTABLE)):
        weights = np.full((1, inputs), 127)
        lower = connected(rng, 1, inputs, 1, weights, -128, scale_out=60.0)
        assert lower(CHIP).kernel == kernel


def test_unusual_scales_stay_portable(rng):
    assert connected(rng, 1, 16, 8, scale_out=1e-4)(CHIP).kernel == PORTABLE


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    """Every tail of inputs; -128 and 127 among the weights."""
    layers = []
    for inputs in (1, 2, 3, 4, 5, 6, 7, 8, 31, 33, 64, 640):
        for outputs in (1, 2, 9):
            weights = rng.integers(-60, 61, (outputs, inputs))
            weights[0, :100] = rng.choice([-128, 127], weights[0, :100].size)
            n = len(layers)
            options = {"scale_out": OUTPUT_SCALES[1 + n % 4], "zero_point": OUTPUT_ZERO_POINTS[n % 3]}
            options |= {"per_channel": bool(n % 2), "x_zero_point": ZERO_POINTS[n % 4]}
            layers.append(connected(rng, 1 + n % 2, inputs, outputs, weights, activation=ACTIVATIONS[n % 4], **options))
    cases = cases_of(rng, layers)
    assert kernels(cases) == {MAC16}
    assert_kernels_equal_run(cases, cc)


@pytest.mark.parametrize("seed", range(3))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    assert_kernels_equal_run(random_cases(rng, mac16_layers.random_connected, 80))


def test_reversed_equals_run(rng):
    cases = []
    for batch in (1, 2, 5):
        lower = connected(rng, batch, 21, 9)
        cases.append(case_of(rng, lower(CHIP).reversed(), lower("generic")))
    assert kernels(cases) == {MAC16, POINTWISE}
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("per_channel", [True, False])
def test_constant_channels_are_exact(rng, per_channel):
    cases = []
    for outputs in (1, 2, 9):
        for zero_point in OUTPUT_ZERO_POINTS:
            options = {"dead": True, "per_channel": per_channel, "zero_point": zero_point}
            lower = connected(rng, 1, 14, outputs, **options)
            cases.append(case_of(rng, lower(CHIP), lower("generic")))
    assert kernels(cases) == {MAC16}
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize(("inputs", "outputs"), [(640, 128), (128, 8), (8, 128), (64, 12), (256, 10)])
def test_packing_does_not_grow_flash(rng, inputs, outputs):
    lower = connected(rng, 1, inputs, outputs, rng.integers(-30, 31, (outputs, inputs)))

    assert lower(CHIP).kernel == MAC16
    assert tables_bytes(lower(CHIP)) <= tables_bytes(lower("generic"))


def test_run_sees_a_packing_error(rng):
    lower = connected(rng, 1, 16, 8)
    params, x = lower(CHIP), random_bytes(rng, 4, 16)
    changes = ({"weights": np.roll(params.weights, 2)}, {"bias": params.bias + (64 << 8)}, {"bias": params.bias + 1})
    for broken in changes:
        wrong = dataclasses.replace(params, **broken)
        assert not np.array_equal(wrong.run(x), lower("generic").run(x))
