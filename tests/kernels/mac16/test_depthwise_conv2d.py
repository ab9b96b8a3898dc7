"""Depthwise convolution on the ESP32's MAC16: which kernel takes which shape, and that its C twin equals ``run``."""

import dataclasses

import numpy as np
import pytest
from chips import chips_led_by
from harness import assert_kernels_equal_run, random_bytes

from kernels.mac16 import layers as mac16_layers
from kernels.mac16.layers import CHIP, OUTPUT_SCALES, case_of, cases_of, every_tiling, kernels, layer, random_cases
from kernels.variants import ACTIVATIONS, tables_bytes
from mcuq.kernels.mac16.channels import MAX_SCRATCH, SCRATCH_BYTES
from mcuq.ops.base import Overlap
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.window import same_padding
from mcuq.tensor import QTensor

MAC16, PORTABLE = "depthwise_conv2d_s8_mac16", "depthwise_conv2d_s8"


def depthwise(rng, image, window, op=None, x_zero_point=-7, multiplier=1, **options):
    x = QTensor((1, *image), 0.05, x_zero_point)
    weights = rng.integers(-128, 128, (1, *window, image[2] * multiplier))
    return layer(rng, op or DepthwiseConv2d(), x, weights, axis=3, **options)


@pytest.mark.parametrize(
    ("image", "window", "op", "kernel"),
    [
        ((7, 6, 4), (3, 3), DepthwiseConv2d(), MAC16),
        ((7, 6, 5), (3, 3), DepthwiseConv2d((2, 1), padding=(0, 1, 0, 1)), MAC16),
        ((7, 6, 4), (3, 3), DepthwiseConv2d(padding=(3, 2, 4, 5)), MAC16),
        ((7, 6, 4), (3, 3), DepthwiseConv2d(dilation=(2, 1)), MAC16),
        ((7, 6, 4), (3, 3), DepthwiseConv2d(dilation=(1, 2)), PORTABLE),
        ((7, 6, 4), (3, 1), DepthwiseConv2d(dilation=(2, 2)), MAC16),
        ((7, 1, 4), (3, 1), DepthwiseConv2d(dilation=(2, 1)), MAC16),  # a column whose rows lie apart
        ((7, 6, 4), (1, 1), DepthwiseConv2d(), MAC16),
        ((15, 15, 4), (15, 15), DepthwiseConv2d(), MAC16),
        ((21, 21, 4), (20, 20), DepthwiseConv2d(), MAC16),
        ((22, 22, 4), (21, 21), DepthwiseConv2d(), PORTABLE),  # more than 4096 bytes of workspace
        ((7, 6, 1), (3, 3), DepthwiseConv2d(), "conv2d_s8_mac16"),
    ],
)
def test_choice_of_kernel(rng, image, window, op, kernel):
    lower = depthwise(rng, image, window, op)

    assert {lower(chip).kernel for chip in chips_led_by("mac16")} == {kernel}
    assert lower("generic").kernel == PORTABLE


def test_channel_multipliers_and_unusual_scales_stay_portable(rng):
    assert depthwise(rng, (4, 4, 3), (3, 3), multiplier=2)(CHIP).kernel == PORTABLE
    assert depthwise(rng, (4, 4, 3), (3, 3), scale_out=1e-4)(CHIP).kernel == PORTABLE


@pytest.mark.parametrize("multiplier", [1, 2, 5])
def test_one_channel_is_a_convolution(rng, multiplier):
    lower = depthwise(rng, (6, 5, 1), (3, 2), multiplier=multiplier)
    cases = [case_of(rng, lower(CHIP), lower("generic"))]

    assert kernels(cases) == {"conv2d_s8_mac16"}
    assert_kernels_equal_run(cases)


def test_a_column_is_taken_as_a_row(rng):
    params = depthwise(rng, (28, 1, 8), (5, 1), DepthwiseConv2d((2, 1), (1, 1), (1, 0, 0, 0)))(CHIP)

    assert (params.input_h, params.input_w, params.filter_h, params.filter_w) == (1, 28, 1, 5)
    assert (params.stride_w, params.pad_left, params.tile_rows) == (2, 1, 1)


def test_workspace_stays_within_its_limits(rng):
    for image, window in [((25, 5, 64), (3, 3)), ((48, 48, 8), (3, 3)), ((40, 40, 6), (9, 9)), ((6, 6, 64), (3, 3))]:
        params = depthwise(rng, image, window)(CHIP)
        least = params.with_scratch(0)
        assert (least.tile_rows, least.tile_pixels) == (1, 1)
        for limit in (300, 1000, 2000, 4096, 1 << 20):
            assert least.scratch_bytes <= params.with_scratch(limit).scratch_bytes <= min(MAX_SCRATCH, max(
                limit, least.scratch_bytes))  # fmt: skip
        assert params.scratch_bytes <= max(SCRATCH_BYTES, least.scratch_bytes)


def test_a_tile_that_is_the_whole_image_may_lie_in_the_input(rng):
    lower = depthwise(rng, (5, 5, 8), (3, 3), DepthwiseConv2d(padding=(1, 1, 1, 1)))
    whole, part = lower(CHIP).with_scratch(1 << 20), lower(CHIP).with_scratch(0)

    assert whole.is_whole and whole.overlap(0) == Overlap(0, 0) and whole.distance == 8
    assert not part.is_whole and part.overlap(0) != Overlap(0, 0) and part.distance == 1


# input, window, stride, dilation, padding: None is SAME. Several from bugs of other toolkits.
SHAPES = [
    ((7, 6, 4), (3, 3), (1, 1), (1, 1), None),
    ((6, 6, 5), (3, 3), (2, 2), (1, 1), None),  # stride 2, SAME, even input: padding 0 and 1
    ((7, 7, 3), (3, 3), (2, 2), (1, 1), None),
    ((9, 5, 2), (3, 3), (1, 1), (1, 1), (1, 0, 1, 0)),
    ((9, 5, 7), (3, 3), (1, 2), (1, 1), (0, 1, 0, 1)),
    ((1, 6, 4), (3, 3), (1, 1), (1, 1), None),  # one row
    ((6, 1, 4), (3, 3), (1, 1), (1, 1), None),  # one column
    ((1, 1, 2), (3, 3), (1, 1), (1, 1), None),
    ((2, 2, 3), (3, 3), (2, 2), (1, 1), None),
    ((3, 30, 2), (3, 3), (1, 1), (1, 1), None),
    ((30, 4, 2), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
    ((8, 9, 6), (3, 3), (3, 3), (1, 1), (0, 0, 0, 0)),
    ((9, 9, 2), (7, 7), (1, 1), (1, 1), None),
    ((8, 8, 3), (5, 5), (1, 1), (1, 1), (1, 0, 1, 0)),
    ((12, 11, 3), (4, 2), (1, 1), (1, 1), (0, 0, 0, 0)),
    ((9, 9, 2), (3, 3), (1, 1), (3, 1), None),
    ((5, 9, 2), (2, 5), (3, 2), (1, 1), None),
    ((6, 6, 9), (1, 1), (2, 2), (1, 1), None),
    ((6, 6, 9), (1, 9), (1, 1), (1, 1), (0, 0, 4, 4)),  # nine taps that are not 3x3
    ((9, 3, 4), (9, 1), (1, 1), (1, 1), (4, 4, 0, 0)),
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
            options = {"scale_out": OUTPUT_SCALES[1 + len(layers) % 4], "zero_point": y, "per_channel": per_channel}
            layers.append(depthwise(rng, *parts, x, **options))
    cases = cases_of(rng, layers)
    assert kernels(cases) == {MAC16, "depthwise_conv2d_window_s8_mac16"}
    assert_kernels_equal_run(cases, cc)


@pytest.mark.parametrize("channels", range(2, 14))
def test_n2_channels_in_groups_of_four(rng, channels):
    lower = depthwise(rng, (5, 4, channels), (3, 3), DepthwiseConv2d(padding=(1, 1, 1, 1)), dead=channels % 2 == 0)
    assert_kernels_equal_run([case_of(rng, lower(CHIP), lower("generic"))])


@pytest.mark.parametrize("seed", range(3))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    assert_kernels_equal_run(random_cases(rng, mac16_layers.random_depthwise, 80))


def test_every_tiling_equals_run(rng):
    """The workspace that a tile declares holds it, whatever its size; forwards and backwards."""
    cases = []
    for shape in SHAPES[:5] + SHAPES[11:17]:
        lower = depthwise(rng, *shaped(shape))
        for params in every_tiling(lower(CHIP)):
            cases += [case_of(rng, p, lower("generic"), 2) for p in (params, params.reversed())]
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("window", [(3, 3), (5, 5), (2, 7)])
def test_packing_does_not_grow_flash(rng, window):
    """An odd tap's companion costs no more than right shifts do that go with the biases."""
    lower = depthwise(rng, (9, 9, 8), window)

    assert tables_bytes(lower(CHIP)) <= tables_bytes(lower("generic"))


def test_run_sees_a_packing_error(rng):
    lower = depthwise(rng, (5, 5, 4), (3, 3))
    params, x = lower(CHIP), random_bytes(rng, 4, 100)
    changes = ({"weights": params.weights[..., ::-1]}, {"bias": params.bias + (64 << 8)}, {"bias": params.bias + 1})
    for broken in changes:
        wrong = dataclasses.replace(params, **broken)
        assert not np.array_equal(wrong.run(x), lower("generic").run(x))
