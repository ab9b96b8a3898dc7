"""Depthwise convolution on RV32IMC: which kernel takes which shape, and that each equals the portable one."""

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
from mcuq.ops.window import same_padding
from mcuq.tensor import QTensor

SQUARE, ANY = "depthwise_conv2d_3x3_s8_lanes", "depthwise_conv2d_s8_lanes"


def depthwise(rng, image, window, op=None, x_zero_point=-7, multiplier=1, **options):
    x = QTensor((1, *image), 0.05, x_zero_point)
    weights = rng.integers(-128, 128, (1, *window, image[2] * multiplier))
    return layer(rng, op or DepthwiseConv2d(), x, weights, axis=3, **options)


@pytest.mark.parametrize(
    ("image", "window", "op", "kernel"),
    [
        ((7, 6, 4), (3, 3), DepthwiseConv2d(), SQUARE),
        ((7, 6, 4), (3, 3), DepthwiseConv2d((2, 2), padding=(0, 1, 0, 1)), SQUARE),
        ((7, 6, 4), (3, 3), DepthwiseConv2d(padding=(1, 1, 1, 1)), SQUARE),
        ((7, 6, 4), (3, 3), DepthwiseConv2d(padding=(2, 0, 1, 1)), ANY),
        ((7, 6, 4), (3, 3), DepthwiseConv2d(padding=(1, 2, 1, 1)), ANY),
        ((7, 6, 4), (3, 3), DepthwiseConv2d((1, 2)), ANY),
        ((7, 7, 4), (3, 3), DepthwiseConv2d((3, 3)), ANY),
        ((7, 6, 4), (3, 3), DepthwiseConv2d(dilation=(2, 1)), ANY),
        ((7, 6, 4), (5, 5), DepthwiseConv2d(padding=(2, 2, 2, 2)), ANY),
    ],
)
def test_choice_of_kernel(rng, image, window, op, kernel):
    lower = depthwise(rng, image, window, op)

    assert {lower(chip).kernel for chip in chips_with("lanes")} == {kernel}
    assert lower("generic").kernel == "depthwise_conv2d_s8"


def test_channel_multipliers_and_unusual_scales_stay_portable(rng):
    assert depthwise(rng, (4, 4, 3), (3, 3), multiplier=2)(CHIP).kernel == "depthwise_conv2d_s8"
    assert depthwise(rng, (4, 4, 3), (3, 3), scale_out=1e-4)(CHIP).kernel == "depthwise_conv2d_s8"


def test_a_column_is_taken_as_a_row(rng):
    params = depthwise(rng, (28, 1, 8), (5, 1), DepthwiseConv2d((2, 1), (3, 1), (1, 0, 0, 0)))(CHIP)

    assert (params.input_h, params.input_w, params.filter_h, params.filter_w) == (1, 28, 1, 5)
    assert (params.stride_w, params.dilation_w, params.pad_left) == (2, 3, 1)


# input, window, stride, dilation, padding: None is SAME. Several from bugs of other toolkits.
SHAPES = [
    ((7, 6, 4), (3, 3), (1, 1), (1, 1), None),
    ((6, 6, 5), (3, 3), (2, 2), (1, 1), None),  # stride 2, SAME, even input: padding 0 and 1
    ((7, 7, 3), (3, 3), (2, 2), (1, 1), None),
    ((9, 5, 2), (3, 3), (1, 1), (1, 1), (1, 0, 1, 0)),
    ((9, 5, 2), (3, 3), (1, 1), (1, 1), (0, 1, 0, 1)),
    ((1, 6, 4), (3, 3), (1, 1), (1, 1), None),  # one row
    ((1, 7, 4), (3, 3), (2, 2), (1, 1), None),
    ((6, 1, 4), (3, 3), (1, 1), (1, 1), None),  # one column
    ((1, 1, 1), (3, 3), (1, 1), (1, 1), None),
    ((2, 2, 3), (3, 3), (2, 2), (1, 1), None),
    ((3, 30, 2), (3, 3), (1, 1), (1, 1), None),  # more outputs in a row than a block has
    ((30, 4, 2), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
    ((25, 5, 3), (3, 3), (2, 2), (1, 1), (0, 0, 0, 0)),
    ((9, 9, 2), (7, 7), (1, 1), (1, 1), None),
    ((8, 8, 3), (5, 5), (1, 1), (1, 1), (1, 0, 1, 0)),
    ((12, 11, 3), (4, 2), (1, 1), (1, 1), (0, 0, 0, 0)),
    ((9, 9, 2), (3, 3), (1, 1), (2, 3), None),
    ((5, 9, 2), (2, 5), (3, 2), (1, 1), None),
    ((28, 1, 5), (5, 1), (1, 1), (1, 1), (0, 0, 0, 0)),
    ((15, 1, 3), (15, 1), (1, 1), (1, 1), (0, 0, 0, 0)),
    ((4, 3, 2), (2, 2), (2, 1), (1, 1), (4, 5, 4, 5)),  # whole windows in the padding
]


def shaped(shape, activation="none"):
    image, window, stride, dilation, padding = shape
    padding = same_padding(image[:2], window, stride, dilation) if padding is None else padding
    return image, window, DepthwiseConv2d(stride, dilation, padding, activation)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernels_equal_run(rng, cc):
    layers = []
    for shape in SHAPES:
        for x, y, per_channel in ((-128, -128, True), (127, 3, False), (-7, 127, True)):
            parts = shaped(shape, ACTIVATIONS[len(layers) % 4])
            options = {"scale_out": OUTPUT_SCALES[1 + len(layers) % 3], "zero_point": y, "per_channel": per_channel}
            layers.append(depthwise(rng, *parts, x, **options))
    kernels = [p.kernel for p in assert_variants_equal_portable(rng, layers, cc)]

    assert {kernel: kernels.count(kernel) for kernel in kernels} == {
        SQUARE: 39,
        ANY: 21,
        "depthwise_conv2d_window_s8_lanes": 3,
    }


def random_layer(rng):
    while True:
        image = (*(int(v) for v in rng.integers(1, 14, 2)), int(rng.integers(1, 20)))
        window = (3, 3) if rng.random() < 0.5 else tuple(int(v) for v in rng.integers(1, 8, 2))
        stride, dilation = (int(rng.integers(1, 4)),) * 2, (1, 1)
        if rng.random() < 0.2:
            stride, dilation = (tuple(int(v) for v in rng.integers(1, 4, 2)) for _ in range(2))
        padding = tuple(int(v) for v in rng.integers(0, 2 + (rng.random() < 0.3), 4))
        op = DepthwiseConv2d(stride, dilation, padding, str(rng.choice(ACTIVATIONS)))
        try:
            return depthwise(
                rng,
                image,
                window,
                op,
                int(rng.choice(ZERO_POINTS)),
                scale_out=float(rng.choice(OUTPUT_SCALES[1:])),
                zero_point=int(rng.choice(OUTPUT_ZERO_POINTS)),
                per_channel=bool(rng.random() < 0.7),
            )
        except ValueError:
            continue  # the window is larger than the padded image


@pytest.mark.parametrize("seed", range(3))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    assert_variants_equal_portable(rng, [random_layer(rng) for _ in range(60)])


def test_reversed_equals_run(rng):
    several = [shape for shape in SHAPES if shape[0] != (15, 1, 3)]  # but one window: nothing to reverse
    lowered = [depthwise(rng, *shaped(shape)) for shape in several]
    assert_variants_equal_portable(
        rng, [lambda chip, f=f: f(chip).reversed() if chip == CHIP else f(chip) for f in lowered]
    )


@pytest.mark.parametrize("window", [(3, 3), (5, 5), (2, 7)])
def test_packing_does_not_grow_flash(rng, window):
    lower = depthwise(rng, (9, 9, 7), window)

    assert tables_bytes(lower(CHIP)) == tables_bytes(lower("generic"))


def test_run_sees_a_packing_error(rng):
    lower = depthwise(rng, (5, 5, 4), (3, 3))
    broken = dataclasses.replace(lower(CHIP), weights=lower(CHIP).weights.transpose(0, 2, 1))
    x = rng.integers(-128, 128, (2, 100)).astype(np.int8)

    assert not np.array_equal(broken.run(x), lower("generic").run(x))


def test_blocks_of_rows(rng):
    """Several rows at a time where they are short; the first and the last reach beyond the image and stand alone."""
    short = depthwise(rng, (25, 5, 4), (3, 3), DepthwiseConv2d(padding=(1, 1, 1, 1)))(CHIP)
    long = depthwise(rng, (25, 48, 4), (3, 3), DepthwiseConv2d(padding=(1, 1, 1, 1)))(CHIP)

    assert (short.block, short.end, short.blocks) == (4, 24, 1 + 6 + 1)
    assert (long.block, long.end, long.blocks) == (1, 24, 25)
