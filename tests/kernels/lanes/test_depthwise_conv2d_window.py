"""Depthwise convolution of one window on RV32IMC: what the kernel takes, and that it equals the portable one."""

import dataclasses

import numpy as np
import pytest
from chips import chips_with

from kernels.variants import (
    ACTIVATIONS,
    CHIP,
    OUTPUT_SCALES,
    OUTPUT_ZERO_POINTS,
    ZERO_POINTS,
    assert_variants_equal_portable,
    layer,
    tables_bytes,
)
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.tensor import QTensor

WINDOW, PORTABLE = "depthwise_conv2d_window_s8_lanes", "depthwise_conv2d_s8"


def depthwise(rng, image, window, op=None, x_zero_point=-7, multiplier=1, **options):
    x = QTensor((1, *image), 0.05, x_zero_point)
    weights = rng.integers(-128, 128, (1, *window, image[2] * multiplier))
    return layer(rng, op or DepthwiseConv2d(), x, weights, axis=3, **options)


@pytest.mark.parametrize(
    ("image", "window", "op", "taken"),
    [
        ((1, 5, 8), (1, 5), DepthwiseConv2d(), True),
        ((5, 1, 8), (5, 1), DepthwiseConv2d(), True),
        ((3, 3, 4), (3, 3), DepthwiseConv2d(), True),
        ((4, 3, 4), (3, 3), DepthwiseConv2d((2, 1)), True),  # a row that no window reaches
        ((9, 7, 4), (5, 4), DepthwiseConv2d(dilation=(2, 2)), True),
        ((1, 6, 8), (1, 5), DepthwiseConv2d(), False),  # two windows
        ((1, 5, 8), (1, 5), DepthwiseConv2d((1, 4), padding=(0, 0, 1, 0)), False),
        ((1, 5, 8), (1, 5), DepthwiseConv2d((1, 4), padding=(0, 0, 0, 1)), True),  # the border is not reached
    ],
)
def test_choice_of_kernel(rng, image, window, op, taken):
    lower = depthwise(rng, image, window, op)

    assert {lower(chip).kernel == WINDOW for chip in chips_with("lanes")} == {taken}
    assert lower("generic").kernel == PORTABLE


def test_channel_multipliers_and_unusual_scales_stay_portable(rng):
    assert depthwise(rng, (1, 4, 3), (1, 4), multiplier=2)(CHIP).kernel == PORTABLE
    assert depthwise(rng, (1, 4, 3), (1, 4), scale_out=1e-4)(CHIP).kernel == PORTABLE


def test_a_column_is_taken_as_a_row(rng):
    params = depthwise(rng, (7, 1, 8), (3, 1), DepthwiseConv2d((9, 1), (3, 1)))(CHIP)

    assert (params.rows, params.columns, params.column_step) == (1, 3, 24)


IMAGES = [((1, 5), (1, 5)), ((15, 1), (15, 1)), ((3, 3), (3, 3)), ((4, 6), (2, 5)), ((1, 1), (1, 1)), ((9, 7), (5, 4))]


def all_layers(rng):
    for n, (image, window) in enumerate(IMAGES):
        for channels in (1, 7, 8, 19):
            op = DepthwiseConv2d((9, 9), (2, 2) if image == (9, 7) else (1, 1), activation=ACTIVATIONS[channels % 4])
            options = {"scale_out": OUTPUT_SCALES[1 + n % 3], "zero_point": OUTPUT_ZERO_POINTS[channels % 3]}
            yield depthwise(rng, (*image, channels), window, op, ZERO_POINTS[n % 4], per_channel=n % 2 == 0, **options)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    assert {p.kernel for p in assert_variants_equal_portable(rng, list(all_layers(rng)), cc)} == {WINDOW}


def random_layer(rng):
    window = tuple(int(n) for n in rng.integers(1, 7, 2))
    dilation = tuple(int(n) for n in rng.integers(1, 3, 2))
    image = [(n - 1) * d + 1 + int(rng.integers(0, 2)) for n, d in zip(window, dilation, strict=True)]
    op = DepthwiseConv2d((7, 7), dilation, activation=str(rng.choice(ACTIVATIONS)))
    options = {"scale_out": float(rng.choice(OUTPUT_SCALES[1:])), "per_channel": bool(rng.random() < 0.7)}
    options |= {"zero_point": int(rng.choice(OUTPUT_ZERO_POINTS)), "x_zero_point": int(rng.choice(ZERO_POINTS))}
    return depthwise(rng, (*image, int(rng.integers(1, 30))), window, op, **options)


@pytest.mark.parametrize("seed", range(2))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    assert_variants_equal_portable(rng, [random_layer(rng) for _ in range(60)])


def test_packing_does_not_grow_flash(rng):
    lower = depthwise(rng, (1, 5, 16), (1, 5))

    assert tables_bytes(lower(CHIP)) == tables_bytes(lower("generic"))


def test_run_sees_a_packing_error(rng):
    lower = depthwise(rng, (3, 3, 4), (3, 3))
    broken = dataclasses.replace(lower(CHIP), weights=lower(CHIP).weights.transpose(1, 0, 2))
    x = rng.integers(-128, 128, (2, 36)).astype(np.int8)

    assert not np.array_equal(broken.run(x), lower("generic").run(x))
