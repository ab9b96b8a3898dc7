"""Convolution on RV32IMC: which kernel takes which shape, and that each equals the portable one."""

import dataclasses

import numpy as np
import pytest
from chips import chips_led_by, kernel_for

from kernels.conv_layers import SHAPES, conv, random_layer, shaped
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
from mcuq.kernels.channels import FAST_LIMIT, Channels, Rounding, fast_channels
from mcuq.kernels.lanes.channels import MAX_SCRATCH, from_fours, in_fours
from mcuq.kernels.lanes.conv2d import lane_words, pairs_fit, window_scratch
from mcuq.ops.conv2d import Conv2d
from mcuq.tensor import QConstant, QTensor

POINTWISE, WINDOWED = "conv2d_1x1_s8_lanes", "conv2d_s8_lanes"
VECTOR = "fully_connected_s8_lanes"  # for one window over all of the input
ROUNDING = Rounding(-7, 3, -128, 127)


@pytest.mark.parametrize(
    ("image", "filters", "window", "op", "kernel"),
    [
        ((5, 4, 8), 12, (1, 1), Conv2d(), POINTWISE),
        ((5, 4, 8), 12, (1, 1), Conv2d(stride=(2, 2)), WINDOWED),
        ((5, 4, 8), 12, (1, 1), Conv2d(padding=(1, 1, 1, 1)), WINDOWED),
        ((5, 4, 8), 12, (3, 3), Conv2d(dilation=(2, 1)), WINDOWED),
        ((5, 4, 8), 12, (3, 3), Conv2d(groups=2), "conv2d_s8"),
        ((3, 3, 512), 4, (1, 1), Conv2d(), POINTWISE),
        ((3, 3, 513), 4, (1, 1), Conv2d(), "conv2d_s8"),
        ((3, 3, 97), 4, (3, 3), Conv2d(), WINDOWED),
        ((3, 3, 98), 4, (3, 3), Conv2d(), "conv2d_s8"),
    ],
)
def test_choice_of_kernel(rng, image, filters, window, op, kernel):
    lower = conv(rng, image, filters, window, op)

    assert {lower(chip).kernel for chip in chips_led_by("lanes")} == {kernel}
    assert lower("generic").kernel == "conv2d_s8"


@pytest.mark.parametrize(("depth", "pairs"), [(16, 2), (52, 2), (53, 1), (97, 1)])
def test_large_windows_take_one_pair(rng, depth, pairs):
    params = conv(rng, (4, 4, depth), 4, (3, 3))(CHIP)

    assert params.pairs == pairs
    assert params.scratch_bytes <= MAX_SCRATCH
    assert pairs == 2 or window_scratch(3, 3 * depth, 2) > MAX_SCRATCH


def test_weights_that_fill_a_lane_stay_portable(rng):
    """-128 twice times -128 twice is 2^15: one more than int16 holds."""
    x = QTensor((1, 4, 4, 4), 0.05, 0)
    weights = np.zeros((4, 1, 1, 4), np.int8)
    for pair, kernel in (((-128, -127), POINTWISE), ((127, 127), POINTWISE), ((-128, -128), "conv2d_s8")):
        weights[0, 0, 0, 2:] = pair
        assert layer(rng, Conv2d(), x, weights)(CHIP).kernel == kernel
        assert pairs_fit(weights.reshape(4, 4)) == (kernel == POINTWISE)
    weights[0, 0, 0, 1:] = (-128, -128, 0)  # not in one chunk
    assert layer(rng, Conv2d(), x, weights)(CHIP).kernel == POINTWISE


def test_scales_that_the_fast_requantize_does_not_cover_stay_portable(rng):
    big = conv(rng, (4, 4, 8), 4, (1, 1), scale_out=1e-4)  # multipliers above 1

    assert big(CHIP).kernel == "conv2d_s8"


@pytest.mark.parametrize("zero_point", ZERO_POINTS)
def test_n2_kernels_equal_run(rng, zero_point):
    """Odd channels, tails of channels and pixels, saturating outputs; buffers unaligned in turn."""
    layers = []
    for depth, filters in [(1, 1), (2, 3), (3, 4), (5, 5), (7, 9), (8, 8), (13, 6), (40, 12)]:
        for pixels in [(1, 1), (1, 2), (3, 1), (2, 2), (5, 1), (3, 5)]:
            scale = OUTPUT_SCALES[len(layers) % 4]
            y = OUTPUT_ZERO_POINTS[len(layers) % 3]
            op = Conv2d(activation=ACTIVATIONS[len(layers) % 4])
            image = (*pixels, depth)
            layers.append(conv(rng, image, filters, (1, 1), op, zero_point, scale_out=scale, zero_point=y))
    assert {p.kernel for p in assert_variants_equal_portable(rng, layers)} == {POINTWISE, VECTOR}


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_windows_equal_run(rng, cc):
    layers = []
    for shape in SHAPES:
        for zero_point, y, per_channel in ((-128, -128, True), (127, 3, False), (-7, 127, True)):
            parts = shaped(rng, shape, ACTIVATIONS[len(layers) % 4])
            scale = OUTPUT_SCALES[1 + len(layers) % 3]
            options = {"scale_out": scale, "zero_point": y, "per_channel": per_channel}
            layers.append(conv(rng, *parts[:3], parts[3], zero_point, **options))
    assert {p.kernel for p in assert_variants_equal_portable(rng, layers, cc)} == {WINDOWED}


@pytest.mark.parametrize("seed", range(3))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    assert_variants_equal_portable(rng, [random_layer(rng) for _ in range(60)])


def test_reversed_equals_run(rng):
    shapes = [((3, 5, 6), 7, (1, 1), (1, 1), (1, 1), (0, 0, 0, 0)), *SHAPES[:4]]
    lowered = [conv(rng, *shaped(rng, shape)) for shape in shapes]
    assert_variants_equal_portable(
        rng, [lambda chip, f=f: f(chip).reversed() if chip == CHIP else f(chip) for f in lowered]
    )


def test_same_input_ten_times_gives_the_same_bytes(rng):
    from harness import Case, assert_kernels_equal_run, random_bytes

    params = conv(rng, (6, 6, 3), 8, (3, 3), Conv2d(padding=(1, 1, 1, 1)))(CHIP)
    x = np.repeat(random_bytes(rng, 1, 108), 10, axis=0)
    assert_kernels_equal_run([Case(params, [x])])


@pytest.mark.parametrize(
    ("image", "filters", "window"),
    [((5, 5, 64), 64, (1, 1)), ((8, 8, 16), 16, (3, 3)), ((8, 8, 3), 16, (3, 3)), ((9, 9, 1), 10, (1, 1))],
)
def test_packing_does_not_grow_flash(rng, image, filters, window):
    lower = conv(rng, image, filters, window)

    assert tables_bytes(lower(CHIP)) <= tables_bytes(lower("generic")) + 4


@pytest.mark.parametrize(("channels", "taps"), [(1, 1), (3, 5), (4, 6), (9, 7), (64, 27)])
def test_packing_is_undone(rng, channels, taps):
    weights = rng.integers(-128, 128, (channels, taps)).astype(np.int8)

    np.testing.assert_array_equal(from_fours(in_fours(weights, 4), channels, taps), weights)


def test_packed_order(rng):
    """Four channels side by side, tap after tap; the others one after the other."""
    weights = np.arange(10, dtype=np.int8).reshape(5, 2)

    assert in_fours(weights).tolist() == [0, 2, 4, 6, 1, 3, 5, 7, 8, 9]


def test_run_sees_a_packing_error(rng):
    lower = conv(rng, (3, 3, 4), 4, (1, 1))
    broken = dataclasses.replace(lower(CHIP), weights=np.roll(lower(CHIP).weights, 1))
    x = rng.integers(-128, 128, (2, 36)).astype(np.int8)

    assert not np.array_equal(broken.run(x), lower("generic").run(x))


def test_constant_channels_are_exact(rng):
    """Filters of zeros with biases and multipliers beyond the fast requantize, as MobileNets have them."""
    x = QTensor((1, 3, 3, 8), 0.05, -128)
    weights = rng.integers(-127, 128, (8, 1, 1, 8)).astype(np.int8)
    weights[::2] = 0
    scales = rng.uniform(0.002, 0.02, 8)
    scales[:6:2] = (1e-12, 3e-8, 40.0)
    biases = rng.integers(-3000, 3000, 8).astype(np.int32)
    biases[:6:2] = (2**30, -(2**30), 2)
    k, b = QConstant(weights, scales), QConstant(biases, np.array([0.1]))
    for y in (QTensor((1, 3, 3, 8), 0.5, -128), QTensor((1, 3, 3, 8), 0.5, 127), QTensor((1, 3, 3, 8), 0.5, 5)):
        for op in (Conv2d(), Conv2d(activation="relu6")):
            params = assert_variants_equal_portable(rng, [lambda chip, op=op, y=y: kernel_for(op, [x, k, b], y, chip)])
            assert params[0].kernel == POINTWISE


def test_accumulators_beyond_the_fast_requantize_are_refused():
    """Proven from weights, bias and zero point, one count on either side of the limit."""
    weights, zero_point = np.full((1, 20000), 127, np.int8), -7
    multiplier, shift = np.array([2**30], np.int32), np.array([-21], np.int8)
    low, high = (127 * 20000 * (x - zero_point) for x in (-128, 127))
    for bias, fits in ((FAST_LIMIT - 1 - high, True), (FAST_LIMIT - high, False),
                       (-FAST_LIMIT + 1 - low, True), (-FAST_LIMIT - low, False)):  # fmt: skip
        channels = Channels(weights, np.array([bias], np.int32), multiplier, shift)
        assert (fast_channels(channels, ROUNDING) is not None) == fits


@pytest.mark.parametrize(("shift", "covered"), [(1, False), (0, False), (-1, True), (-21, True), (-22, False)])
def test_exponents_that_are_covered(shift, covered):
    weights, bias = np.full((1, 4096), 127, np.int8), np.zeros(1, np.int32)
    multiplier, shifts = np.array([2**30], np.int32), np.array([shift], np.int8)

    assert (fast_channels(Channels(weights, bias, multiplier, shifts), ROUNDING) is not None) == covered


def test_lanes_hold_an_even_number_of_taps():
    assert [lane_words(n) for n in (1, 2, 27, 64)] == [2, 2, 28, 64]
