"""Convolution for 16 registers: which shapes the kernel takes, and that it equals the portable one."""

import dataclasses

import numpy as np
import pytest
from chips import chips_led_by, families, kernel_for
from harness import assert_emulated_equals_run
from requirements import require

from kernels.conv_layers import SHAPES, conv, random_layer, shaped
from kernels.variants import (
    ACTIVATIONS,
    OUTPUT_SCALES,
    OUTPUT_ZERO_POINTS,
    ZERO_POINTS,
    assert_variants_equal_portable,
    cases_of_variants,
    layer,
    tables_bytes,
)
from mcuq import kernels
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.kernels.r16.conv2d import Conv2dR16Params, in_lanes
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.tensor import QConstant, QTensor

CHIP = "esp32s2"
R16 = "conv2d_s8_r16"
PORTABLE = "conv2d_s8"


@pytest.mark.parametrize(
    ("image", "filters", "window", "op", "kernel"),
    [
        ((5, 4, 8), 12, (1, 1), Conv2d(), R16),
        ((5, 4, 8), 12, (1, 1), Conv2d(stride=(2, 2)), R16),
        ((5, 4, 8), 12, (3, 3), Conv2d(dilation=(2, 1)), R16),
        ((5, 4, 8), 12, (3, 3), Conv2d(groups=2), PORTABLE),
        ((3, 3, 8), 12, (3, 3), Conv2d(), "fully_connected_s8_lanes"),
        ((3, 3, 512), 4, (1, 1), Conv2d(), R16),
        ((3, 3, 513), 4, (1, 1), Conv2d(), PORTABLE),
        ((4, 4, 68), 4, (3, 3), Conv2d(), R16),
        ((4, 4, 69), 4, (3, 3), Conv2d(), "conv2d_s8_lanes"),
    ],
)
def test_choice_of_kernel(rng, image, filters, window, op, kernel):
    lower = conv(rng, image, filters, window, op)

    assert {lower(chip).kernel for chip in chips_led_by("r16")} == {kernel}
    assert kernel != R16 or lower(CHIP).scratch_bytes <= MAX_SCRATCH


def test_pixels_without_windows_are_one_row(rng):
    params = conv(rng, (5, 4, 8), 12, (1, 1))(CHIP)

    assert (params.input_h, params.input_w, params.output_h, params.output_w) == (1, 20, 1, 20)


def test_weights_that_fill_a_lane_stay_portable(rng):
    """-128 twice times -128 twice is 2^15: one more than int16 holds."""
    x = QTensor((1, 4, 4, 4), 0.05, 0)
    weights = np.zeros((4, 1, 1, 4), np.int8)
    for pair, kernel in (((-128, -127), R16), ((127, 127), R16), ((-128, -128), PORTABLE)):
        weights[0, 0, 0, 2:] = pair
        assert layer(rng, Conv2d(), x, weights)(CHIP).kernel == kernel


def swept(rng):
    """Odd channels, tails of channels, taps and pixels, saturating outputs."""
    layers = []
    for zero_point in ZERO_POINTS:
        for depth, filters in [(1, 1), (2, 3), (3, 4), (5, 5), (7, 9), (8, 8), (13, 6), (40, 12)]:
            pixels = [(1, 2), (3, 1), (5, 1), (3, 5)][len(layers) % 4]
            y, scale = OUTPUT_ZERO_POINTS[len(layers) % 3], OUTPUT_SCALES[len(layers) % 4]
            op = Conv2d(activation=ACTIVATIONS[len(layers) % 4])
            layers.append(conv(rng, (*pixels, depth), filters, (1, 1), op, zero_point, scale_out=scale, zero_point=y))
    for index, shape in enumerate(SHAPES):
        parts = shaped(rng, shape, ACTIVATIONS[index % 4])
        options = {"scale_out": OUTPUT_SCALES[1 + index % 3], "zero_point": OUTPUT_ZERO_POINTS[index % 3]}
        layers.append(conv(rng, *parts, ZERO_POINTS[index % 4], per_channel=index % 2 == 0, **options))
    return layers


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    assert {p.kernel for p in assert_variants_equal_portable(rng, swept(rng), cc, chip=CHIP)} == {R16}


def test_n4_kernel_equals_run_on_an_emulated_chip(rng):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run(cases_of_variants(rng, swept(rng), samples=1, chip=CHIP), "xtensa")


@pytest.mark.parametrize("seed", range(2))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    params = assert_variants_equal_portable(rng, [random_layer(rng) for _ in range(40)], chip=CHIP)
    assert sum(p.kernel == R16 for p in params) > 20


def test_vectors_are_pixels(rng):
    x = QTensor((5, 8), 0.05, -3)
    weights = rng.integers(-127, 128, (12, 8))
    (params,) = assert_variants_equal_portable(rng, [layer(rng, FullyConnected(keep_dims=True), x, weights)], chip=CHIP)

    assert (params.kernel, params.output_w) == (R16, 5)


def test_reversed_equals_run(rng):
    lowered = [conv(rng, *shaped(rng, shape)) for shape in [((3, 5, 6), 7, (1, 1), (1, 1), (1, 1), None), *SHAPES[:4]]]
    assert_variants_equal_portable(
        rng, [lambda chip, f=f: f(chip).reversed() if chip == CHIP else f(chip) for f in lowered], chip=CHIP
    )


def test_packing_fills_up_the_last_taps_and_no_more(rng):
    for depth, spare in ((8, 0), (7, 4), (5, 12)):
        lower = conv(rng, (3, 3, depth), 4, (1, 1))
        assert tables_bytes(lower(CHIP)) == tables_bytes(lower("generic")) + spare


def test_run_sees_a_packing_error(rng):
    lower = conv(rng, (3, 3, 4), 4, (1, 1))
    broken = dataclasses.replace(lower(CHIP), weights=np.roll(lower(CHIP).weights, 1))
    x = rng.integers(-128, 128, (2, 36)).astype(np.int8)

    assert not np.array_equal(broken.run(x), lower("generic").run(x))


def test_few_bits_are_left_to_the_next_family(rng):
    x, y = QTensor((1, 4, 4, 8), 0.05, -3), QTensor((1, 4, 4, 8), 0.5, 3)
    weights = QConstant(rng.integers(-8, 8, (8, 1, 1, 8)).astype(np.int8), np.full(8, 0.01), bits=4)
    assert kernel_for(Conv2d(), [x, weights], y, CHIP).kernel == "conv2d_s8_w4_lanes"


def test_winograd_is_offered_as_to_the_family_lanes(rng):
    lower = conv(rng, (8, 8, 16), 16, (3, 3), Conv2d(padding=(1, 1, 1, 1)))
    r16, lanes = lower(CHIP), lower("esp32c3")
    assert isinstance(r16, Conv2dR16Params)

    offered, expected = (kernels.faster(p, families(chip)) for p, chip in ((r16, CHIP), (lanes, "esp32c3")))
    assert offered.params.kernel == "conv2d_winograd_s8_lanes"
    assert all(np.array_equal(getattr(offered.params, m.name), getattr(expected.params, m.name))
               for m in expected.params.members())  # fmt: skip
    np.testing.assert_array_equal(in_lanes(r16).weights, lanes.weights)
    assert kernels.faster(conv(rng, (8, 8, 16), 16, (1, 1))(CHIP), families(CHIP)) is None
