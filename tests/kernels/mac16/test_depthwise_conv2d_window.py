"""Depthwise convolution of one window on MAC16: what the kernel takes, that assembly and C equal the portable one."""

import dataclasses

import numpy as np
import pytest
from chips import chips_led_by
from harness import Case, assert_kernels_equal_run, random_bytes

from kernels.mac16.emulated import assert_assembly_equals_run
from kernels.mac16.layers import CHIP, OUTPUT_SCALES, cases_of, kernels, layer, settings
from kernels.variants import ACTIVATIONS, OUTPUT_ZERO_POINTS, ZERO_POINTS
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.tensor import QTensor

WINDOW, PORTABLE = "depthwise_conv2d_window_s8_mac16", "depthwise_conv2d_s8"


def depthwise(rng, image, window, op=None, x_zero_point=-7, multiplier=1, **options):
    x = QTensor((1, *image), 0.05, x_zero_point)
    weights = rng.integers(-128, 128, (1, *window, image[2] * multiplier))
    return layer(rng, op or DepthwiseConv2d(), x, weights, axis=3, **options)


@pytest.mark.parametrize(
    ("image", "window", "op", "kernel"),
    [
        ((1, 5, 8), (1, 5), DepthwiseConv2d(), WINDOW),
        ((5, 1, 8), (5, 1), DepthwiseConv2d(), WINDOW),
        ((1, 9, 4), (1, 5), DepthwiseConv2d(dilation=(1, 2)), WINDOW),
        ((3, 3, 4), (3, 3), DepthwiseConv2d(), "depthwise_conv2d_s8_mac16"),  # rows
        ((1, 6, 8), (1, 5), DepthwiseConv2d(), "depthwise_conv2d_s8_mac16"),  # two windows
        ((1, 5, 8), (1, 5), DepthwiseConv2d((1, 4), padding=(0, 0, 1, 0)), "depthwise_conv2d_s8_mac16"),
        ((1, 5, 1), (1, 5), DepthwiseConv2d(), "fully_connected_s8_mac16"),  # one channel
    ],
)
def test_choice_of_kernel(rng, image, window, op, kernel):
    lower = depthwise(rng, image, window, op)

    assert {lower(chip).kernel for chip in chips_led_by("mac16")} == {kernel}
    assert lower("generic").kernel == PORTABLE


def test_channel_multipliers_and_unusual_scales_stay_portable(rng):
    assert depthwise(rng, (1, 4, 3), (1, 4), multiplier=2)(CHIP).kernel == PORTABLE
    assert depthwise(rng, (1, 4, 3), (1, 4), scale_out=1e-4)(CHIP).kernel == PORTABLE


def all_cases(rng):
    """Taps that are one, odd, even, or lie apart; channels of neither two nor four."""
    layers = []
    for taps, dilation in ((1, 1), (2, 1), (3, 2), (5, 1), (10, 1), (15, 3)):
        for channels in (2, 7, 8, 19):
            n = len(layers)
            op = DepthwiseConv2d((1, 99), (1, dilation), activation=ACTIVATIONS[n % 4])
            options = {"scale_out": OUTPUT_SCALES[1 + n % 4], "zero_point": OUTPUT_ZERO_POINTS[n % 3]}
            options |= {"per_channel": n % 3 > 0, "dead": n % 5 == 0, "x_zero_point": ZERO_POINTS[n % 4]}
            layers.append(depthwise(rng, (1, (taps - 1) * dilation + 1, channels), (1, taps), op, **options))
    cases = [*cases_of(rng, layers), tied(rng)]
    assert kernels(cases) == {WINDOW}
    return cases


def tied(rng):
    """Outputs of which many lie in the middle between two integers, below 0 too."""
    params = depthwise(rng, (1, 1, 19), (1, 1), scale_out=0.05)(CHIP)
    return Case(dataclasses.replace(params, multiplier=np.full(19, 1 << 30, np.int32)), [random_bytes(rng, 64, 19)])


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    assert_kernels_equal_run(all_cases(rng), cc)


@pytest.mark.parametrize("as_esp32", [False, True])
def test_n2_assembly_equals_run(rng, as_esp32):
    assert_assembly_equals_run(all_cases(rng), as_esp32=as_esp32)


MISTAKES = [
    ("mcuq_mac16_window_asm.S", "mula_da_ldinc ll, m0, a3, m0, a12", "mula_da ll, m0, a12"),
    ("mcuq_mac16_window_asm.S", "mula_da_ldinc hl", "mula_da_ldinc ll"),
    ("mcuq_mac16_window_asm.S", "addi    a12, a11, -128", "mov     a12, a11"),
    ("mcuq_mac16_window_asm.S", "addx4   a9, a10, a9", "addi    a9, a9, 4"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m[1])
def test_a_planted_mistake_is_caught(rng, mistake):
    with pytest.raises(AssertionError, match=r"bytes differ|guard byte|exit 70"):
        assert_assembly_equals_run(all_cases(rng), mistake)


def random_layer(rng):
    taps, dilation = int(rng.integers(1, 12)), int(rng.integers(1, 3))
    image = (1, (taps - 1) * dilation + 1 + int(rng.integers(0, 2)), int(rng.integers(2, 20)))
    op = DepthwiseConv2d((1, 99), (1, dilation), activation=str(rng.choice(ACTIVATIONS)))
    return depthwise(rng, image, (1, taps), op, int(rng.choice(ZERO_POINTS)), **settings(rng))


@pytest.mark.parametrize("seed", range(2))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    assert_kernels_equal_run(cases_of(rng, [random_layer(rng) for _ in range(60)]))


def test_run_sees_a_packing_error(rng):
    lower = depthwise(rng, (1, 5, 4), (1, 5), scale_out=0.05)
    params, x = lower(CHIP), random_bytes(rng, 64, 20)
    for broken in ({"weights": np.roll(params.weights, 1)}, {"bias": params.bias + (64 << 8)}):
        wrong = dataclasses.replace(params, **broken)
        assert not np.array_equal(wrong.run(x), lower("generic").run(x))
