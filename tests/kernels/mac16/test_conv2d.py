"""Convolution on the ESP32's MAC16: which kernel takes which shape, and that its portable C twin equals ``run``."""

import dataclasses

import numpy as np
import pytest
from chips import chips_led_by
from harness import Case, assert_kernels_equal_run, random_bytes

from kernels.mac16 import layers as mac16_layers
from kernels.mac16.layers import CHIP, OUTPUT_SCALES, case_of, cases_of, every_tiling, kernels, layer, random_cases
from kernels.variants import ACTIVATIONS, OUTPUT_ZERO_POINTS, ZERO_POINTS, tables_bytes
from mcuq.kernels.mac16.channels import MAX_SCRATCH, SCRATCH_BYTES
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.window import same_padding
from mcuq.tensor import QTensor

MAC16, VECTOR, PORTABLE = "conv2d_s8_mac16", "fully_connected_s8_mac16", "conv2d_s8"


def conv(rng, image, filters, window, op=None, x_zero_point=-7, **options):
    x = QTensor((1, *image), 0.05, x_zero_point)
    weights = rng.integers(-128, 128, (filters, *window, image[2] // (op.groups if op else 1)))
    return layer(rng, op or Conv2d(), x, weights, **options)


@pytest.mark.parametrize(
    ("image", "filters", "window", "op", "kernel"),
    [
        ((5, 4, 8), 12, (1, 1), Conv2d(), MAC16),
        ((5, 4, 7), 1, (1, 1), Conv2d(), MAC16),
        ((5, 4, 8), 12, (1, 1), Conv2d((2, 2)), MAC16),
        ((5, 4, 8), 12, (1, 1), Conv2d(padding=(1, 1, 1, 1)), MAC16),
        ((5, 4, 8), 12, (3, 3), Conv2d(dilation=(2, 1)), MAC16),
        ((5, 4, 8), 12, (2, 2), Conv2d(dilation=(1, 2)), PORTABLE),
        ((5, 4, 8), 12, (3, 1), Conv2d(dilation=(2, 3)), MAC16),  # one column has no distance to the next
        ((9, 1, 8), 12, (3, 1), Conv2d(dilation=(2, 1)), MAC16),  # a column whose rows lie apart
        ((5, 4, 8), 12, (3, 3), Conv2d(groups=2), PORTABLE),
        ((3, 3, 8), 5, (3, 3), Conv2d(), VECTOR),  # one window over all of the input
        ((3, 3, 8), 5, (3, 3), Conv2d(padding=(1, 0, 1, 0)), MAC16),
        ((2, 2, 1022), 2, (1, 1), Conv2d(), MAC16),
        ((2, 2, 1024), 2, (1, 1), Conv2d(), MAC16),
        ((2, 2, 1025), 2, (1, 1), Conv2d(), PORTABLE),  # a column and a filter: more than 4096 bytes
        ((4, 4, 113), 2, (3, 3), Conv2d(), MAC16),
        ((4, 4, 114), 2, (3, 3), Conv2d(), PORTABLE),
    ],
)
def test_choice_of_kernel(rng, image, filters, window, op, kernel):
    lower = conv(rng, image, filters, window, op)

    assert {lower(chip).kernel for chip in chips_led_by("mac16")} == {kernel}
    assert lower("generic").kernel == PORTABLE


def test_multipliers_above_1_stay_portable(rng):
    assert conv(rng, (4, 4, 8), 4, (1, 1), scale_out=1e-4)(CHIP).kernel == PORTABLE


def test_multipliers_below_what_is_covered_make_constant_channels(rng):
    params = conv(rng, (4, 4, 8), 4, (1, 1), scale_out=1e6)(CHIP)

    assert params.kernel == MAC16
    assert not params.weights.any()


def test_workspace_stays_within_its_limits(rng):
    for image, filters, window in [((9, 9, 16), 16, (3, 3)), ((49, 10, 1), 64, (10, 4)), ((25, 5, 64), 64, (1, 1))]:
        lower = conv(rng, image, filters, window)
        params = lower(CHIP)
        assert params.scratch_bytes <= SCRATCH_BYTES
        sizes = [params.with_scratch(limit).scratch_bytes for limit in (0, 500, 1000, 2000, 4096, 1 << 20)]
        assert sizes == sorted(sizes)
        assert sizes[0] < sizes[-1] <= MAX_SCRATCH


# input; filters; window; stride; dilation; padding: None is SAME. Several from bugs of other toolkits.
SHAPES = [
    ((12, 1, 8), 6, (3, 1), (1, 1), (3, 1), (6, 0, 0, 0)),
    ((7, 1, 5), 6, (3, 1), (2, 1), (3, 1), (0, 0, 0, 0)),
    ((49, 10, 1), 8, (10, 4), (2, 2), (1, 1), None),
    ((6, 6, 3), 8, (3, 3), (2, 2), (1, 1), None),  # stride 2, SAME, even input: padding 0 and 1
    ((6, 6, 4), 5, (3, 3), (2, 2), (1, 1), (0, 1, 0, 1)),
    ((5, 4, 3), 2, (3, 3), (1, 1), (1, 1), None),
    ((1, 9, 2), 4, (1, 5), (1, 2), (1, 1), (0, 0, 0, 0)),
    ((9, 9, 2), 3, (3, 3), (1, 1), (3, 1), None),
    ((2, 2, 1), 1, (7, 7), (1, 1), (1, 1), None),
    ((8, 8, 5), 7, (1, 1), (2, 2), (1, 1), (0, 0, 0, 0)),
    ((7, 7, 4), 7, (1, 1), (3, 2), (1, 1), (1, 0, 2, 2)),
    ((7, 3, 6), 12, (2, 4), (1, 1), (1, 1), (3, 2, 2, 3)),
    ((4, 3, 2), 3, (2, 2), (2, 1), (1, 1), (4, 5, 4, 5)),  # whole windows in the padding
    ((5, 9, 8), 3, (2, 2), (1, 3), (1, 1), (0, 0, 1, 0)),  # columns between windows that none sees
    ((13, 1, 4), 3, (5, 1), (2, 1), (1, 1), (2, 2, 0, 0)),  # one column, taken as a row
    ((13, 1, 3), 3, (5, 1), (1, 1), (1, 1), (0, 0, 0, 0)),
    ((5, 5, 57), 6, (3, 3), (1, 1), (1, 1), None),
]


def shaped(rng, shape, activation="none"):
    image, filters, window, stride, dilation, padding = shape
    padding = same_padding(image[:2], window, stride, dilation) if padding is None else padding
    return image, filters, window, Conv2d(stride, dilation, padding, 1, activation)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_windows_equal_run(rng, cc):
    layers = []
    for shape in SHAPES:
        for zero_point, y, per_channel in ((-128, -128, True), (127, 3, False), (-7, 127, True)):
            parts = shaped(rng, shape, ACTIVATIONS[len(layers) % 4])
            scale = OUTPUT_SCALES[1 + len(layers) % 4]
            options = {"scale_out": scale, "zero_point": y, "per_channel": per_channel}
            layers.append(conv(rng, *parts[:3], parts[3], zero_point, **options))
    cases = cases_of(rng, layers)
    assert kernels(cases) == {MAC16}
    assert_kernels_equal_run(cases, cc)


def test_n2_pointwise_equal_run(rng):
    """Tails of channels and pixels, saturating outputs; buffers unaligned in turn."""
    layers = []
    for depth, filters in [(1, 1), (2, 3), (3, 4), (4, 1), (5, 5), (7, 9), (8, 8), (13, 6), (36, 12)]:
        for pixels in [(1, 2), (3, 1), (2, 2), (5, 1), (3, 5)]:
            n = len(layers)
            options = {"scale_out": OUTPUT_SCALES[n % 5], "zero_point": OUTPUT_ZERO_POINTS[n % 3]}
            op = Conv2d(activation=ACTIVATIONS[n % 4])
            layers.append(conv(rng, (*pixels, depth), filters, (1, 1), op, ZERO_POINTS[n % 4], **options))
    cases = cases_of(rng, layers)
    assert kernels(cases) == {MAC16}
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("seed", range(3))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    assert_kernels_equal_run(random_cases(rng, mac16_layers.random_conv, 80))


def test_every_tiling_equals_run(rng):
    """The workspace that a tile declares holds it, whatever its size; forwards and backwards."""
    cases = []
    for shape in (SHAPES[1], SHAPES[4], SHAPES[7], SHAPES[9], SHAPES[10], SHAPES[11]):
        lower = conv(rng, *shaped(rng, shape))
        for params in every_tiling(lower(CHIP)):
            cases += [case_of(rng, p, lower("generic"), 2) for p in (params, params.reversed())]
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("y", [-128, 5, 127])
def test_constant_channels_are_exact(rng, y):
    """Filters of zeros with biases and multipliers beyond the requantize, as MobileNets have them."""
    cases = []
    for depth in (8, 3):
        for activation in ("none", "relu6"):
            for per_channel in (True, False):
                options = {"scale_out": 0.5, "zero_point": y, "dead": True, "per_channel": per_channel}
                lower = conv(rng, (3, 3, depth), 8, (1, 1), Conv2d(activation=activation), -128, **options)
                cases.append(case_of(rng, lower(CHIP), lower("generic")))
    assert kernels(cases) == {MAC16}
    assert_kernels_equal_run(cases)


def test_same_input_ten_times_gives_the_same_bytes(rng):
    params = conv(rng, (6, 6, 3), 8, (3, 3), Conv2d(padding=(1, 1, 1, 1)))(CHIP)
    x = np.repeat(random_bytes(rng, 1, 108), 10, axis=0)
    assert_kernels_equal_run([Case(params, [x])])


@pytest.mark.parametrize(
    ("image", "filters", "window"),
    [((5, 5, 64), 64, (1, 1)), ((8, 8, 16), 16, (3, 3)), ((9, 9, 4), 16, (3, 3)), ((49, 10, 1), 64, (10, 4))],
)
def test_packing_does_not_grow_flash(rng, image, filters, window):
    """Right shifts go with the biases, which makes up for what fills columns."""
    lower = conv(rng, image, filters, window)

    assert tables_bytes(lower(CHIP)) <= tables_bytes(lower("generic"))


def test_run_sees_a_packing_error(rng):
    lower = conv(rng, (3, 3, 4), 4, (1, 1))
    params, x = lower(CHIP), random_bytes(rng, 4, 36)
    changes = ({"weights": np.roll(params.weights, 1)}, {"bias": params.bias + (64 << 8)}, {"bias": params.bias + 1})
    for broken in changes:
        wrong = dataclasses.replace(params, **broken)
        assert not np.array_equal(wrong.run(x), lower("generic").run(x))
