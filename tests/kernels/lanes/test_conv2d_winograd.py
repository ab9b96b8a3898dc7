"""Winograd on RV32IMC: equal to the portable convolution, and taken where it needs fewer instructions."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from chips import chips_with, families
from harness import Case, assert_kernels_equal_run, random_bytes
from requirements import require_tool

from kernels.variants import (
    ACTIVATIONS,
    CHIP,
    OUTPUT_SCALES,
    OUTPUT_ZERO_POINTS,
    ZERO_POINTS,
    elements,
    layer,
    tables_bytes,
    winograd,
)
from mcuq import kernels
from mcuq.kernels.channels import FAST_LIMIT
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.kernels.lanes.conv2d_winograd import (
    blocks,
    direct_instructions,
    even,
    fours,
    instructions,
    packed,
    scratch,
    unpacked,
)
from mcuq.ops.conv2d import Conv2d
from mcuq.tensor import QTensor

KERNEL = "conv2d_winograd_s8_lanes"
SAME = (1, 1, 1, 1)


def conv(rng, image, filters, op=None, x_zero_point=-7, **options):
    x = QTensor((1, *image), 0.05, x_zero_point)
    weights = rng.integers(-128, 128, (filters, 3, 3, image[2] // (op.groups if op else 1)))
    return layer(rng, op or Conv2d(padding=SAME), x, weights, **options)


def assert_equal_portable(rng, layers, cc="gcc", samples=4, reverse=False):
    cases = []
    for lower in layers:
        portable, params = lower("generic"), winograd(lower("generic"))
        x = random_bytes(rng, samples, elements(portable))
        np.testing.assert_array_equal(params.run(x), portable.run(x), str(params))
        cases.append(Case(params.reversed() if reverse else params, [x]))
    assert_kernels_equal_run(cases, cc)


# Rows, columns, channels; filters; padding. Odd sizes, one tile, fewer tiles than four, groups across rows; blocks of
# channels of both kinds; windows in the padding alone.
SHAPES = [
    ((4, 4, 1), 1, SAME),
    ((3, 3, 3), 2, (0, 0, 0, 0)),
    ((1, 1, 2), 4, SAME),
    ((8, 8, 4), 4, SAME),
    ((7, 5, 5), 7, SAME),
    ((5, 9, 16), 6, (0, 1, 1, 0)),
    ((6, 4, 3), 9, (3, 2, 0, 4)),
    ((2, 3, 8), 5, (4, 4, 5, 5)),
    ((4, 7, 32), 8, SAME),
    ((5, 5, 33), 12, SAME),
    ((4, 4, 40), 50, SAME),
    ((3, 6, 101), 6, (1, 0, 1, 1)),
]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc, reverse):
    layers = []
    for image, filters, padding in SHAPES:
        for zero_point, y, per_channel in ((-128, -128, True), (127, 3, False), (-7, 127, True)):
            op = Conv2d(padding=padding, activation=ACTIVATIONS[len(layers) % 4])
            options = {"scale_out": OUTPUT_SCALES[1 + len(layers) % 3], "zero_point": y, "per_channel": per_channel}
            layers.append(conv(rng, image, filters, op, zero_point, **options))
    assert_equal_portable(rng, layers, cc, reverse=reverse)


def random_layer(rng):
    image = (*(int(v) for v in rng.integers(1, 12, 2)), int(rng.choice([1, 2, 3, 4, 7, 8, 15, 32, 34, 65])))
    padding = tuple(int(v) for v in rng.integers(0, 5, 4)) if rng.random() < 0.6 else SAME
    if image[0] + padding[0] + padding[1] < 3 or image[1] + padding[2] + padding[3] < 3:
        return random_layer(rng)
    op = Conv2d(padding=padding, activation=str(rng.choice(ACTIVATIONS)))
    return conv(
        rng,
        image,
        int(rng.integers(1, 20)),
        op,
        int(rng.choice(ZERO_POINTS)),
        scale_out=float(rng.choice(OUTPUT_SCALES[1:])),
        zero_point=int(rng.choice(OUTPUT_ZERO_POINTS)),
        per_channel=bool(rng.random() < 0.7),
    )


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))])
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    assert_equal_portable(rng, [random_layer(rng) for _ in range(50)])


@pytest.mark.parametrize("weight", [-128, 127])
@pytest.mark.parametrize("zero_point", [-128, 127])
def test_largest_sums(rng, weight, zero_point):
    """Every weight at its limit, inputs at both: 4 times the sum is near the limit of the fast requantize."""
    depth = 448
    x = QTensor((1, 3, 3, depth), 0.05, zero_point)
    lower = layer(rng, Conv2d(padding=SAME), x, np.full((3, 3, 3, depth), weight), scale_out=60.0)

    assert 9 * depth * 255 * 127 > FAST_LIMIT // 5
    assert_equal_portable(rng, [lower])


@pytest.mark.parametrize(
    ("image", "filters", "op"),
    [
        ((32, 32, 3), 16, Conv2d(padding=SAME)),  # the five of ResNet-8 (IC)
        ((32, 32, 16), 16, Conv2d(padding=SAME)),
        ((16, 16, 32), 32, Conv2d(padding=SAME)),
        ((8, 8, 64), 64, Conv2d(padding=SAME)),
        ((8, 8, 128), 64, Conv2d(padding=SAME)),  # too deep for the other kernels' scratch
        ((7, 9, 24), 10, Conv2d()),
    ],
)
def test_taken_where_faster(rng, image, filters, op):
    lower = conv(rng, image, filters, op)
    for chip in chips_with("lanes"):
        faster = kernels.faster(lower(chip), families(chip))
        assert faster.params.kernel == KERNEL
        assert faster.saved > 0
        assert tables_bytes(faster.params) < 5.5 * tables_bytes(lower(chip))
    for chip in ("generic", "esp32", "esp32s3"):
        assert kernels.faster(lower(chip), families(chip)) is None


@pytest.mark.parametrize(
    ("image", "filters", "op"),
    [
        ((3, 3, 16), 16, Conv2d()),  # one output: a quarter of a tile, a sixteenth of what is computed
        ((4, 3, 8), 8, Conv2d()),
        ((16, 16, 16), 16, Conv2d((2, 2), padding=SAME)),
        ((16, 16, 16), 16, Conv2d(dilation=(2, 1), padding=(2, 2, 1, 1))),
        ((16, 16, 16), 16, Conv2d(padding=SAME, groups=2)),
    ],
)
def test_left_where_not(rng, image, filters, op):
    lower = conv(rng, image, filters, op)

    assert kernels.faster(lower(CHIP), families(CHIP)) is None


def test_other_windows_are_left(rng):
    x = QTensor((1, 9, 9, 8), 0.05, 0)
    for window in ((1, 1), (3, 1), (5, 5)):
        params = layer(rng, Conv2d(), x, rng.integers(-127, 128, (8, *window, 8)))(CHIP)
        assert kernels.faster(params, families(CHIP)) is None


def test_scales_that_the_fast_requantize_does_not_cover_are_left(rng):
    params = conv(rng, (8, 8, 16), 16, scale_out=1e-4)(CHIP)
    assert kernels.faster(params, families(CHIP)) is None


@pytest.mark.parametrize(("image", "filters"), [((8, 8, 16), 16), ((12, 12, 3), 16), ((4, 4, 64), 32), ((4, 3, 8), 8)])
def test_the_estimate_is_what_the_emulator_counts(rng, image, filters):
    """Both kernels' instructions within a fifth, of two outputs within a third; the choice is right."""
    require_tool("riscv64-unknown-elf-gcc", "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf")
    require_tool("qemu-system-riscv32", "apt-get install qemu-system-misc")
    sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
    import bench_layer

    op = Conv2d() if image[1] == 3 else Conv2d(padding=SAME)
    lower = conv(rng, image, filters, op)
    direct, params = lower(CHIP), winograd(lower("generic"))
    x = rng.integers(-128, 128, (1, elements(lower("generic")))).astype(np.int8)
    counted = [bench_layer.instructions(p, x) for p in (direct, params)]

    near = 0.33 if image[1] == 3 else 0.2

    assert direct_instructions(direct) == pytest.approx(counted[0], rel=near)
    assert instructions(params) == pytest.approx(counted[1], rel=near)
    assert (counted[1] < counted[0]) == (kernels.faster(direct, families(CHIP)) is not None)


@pytest.mark.parametrize("channels", [1, 2, 31, 32, 33, 34, 63, 64, 65, 127, 128, 300, 1000])
def test_scratch_stays_within_its_limit(channels):
    for filters in (1, 4, 31, 64, 500):
        block_in, block_out = blocks(channels, filters)
        assert 0 < scratch(channels, block_in, block_out) <= MAX_SCRATCH
        assert (block_in % 2, block_out % 4) == (0, 0)
        assert block_in <= even(channels) and block_out <= fours(filters)
        assert (block_in == even(channels)) == (channels <= 32)


@pytest.mark.parametrize(("channels", "filters"), [(1, 1), (16, 4), (33, 6), (70, 9)])
def test_packing_is_undone(rng, channels, filters):
    """A filter's four corners are 4 times its own; the middle of its sums is all nine."""
    params = winograd(conv(rng, (4, 4, channels), filters)("generic"))
    weights = rng.integers(-128, 128, (filters, 3, 3, channels))
    u = unpacked(dataclasses.replace(params, weights=packed(weights, params.block_in)))

    np.testing.assert_array_equal(
        u[[0, 3, 12, 15]], 4 * weights[:, ::2, ::2].reshape(filters, 4, -1).transpose(1, 2, 0)
    )
    np.testing.assert_array_equal(u[5], weights.sum(axis=(1, 2)).T)


def test_run_sees_a_packing_error(rng):
    lower = conv(rng, (4, 4, 4), 4)
    params = winograd(lower("generic"))
    broken = dataclasses.replace(params, weights=np.roll(params.weights, 1))
    x = rng.integers(-128, 128, (2, 64)).astype(np.int8)

    assert not np.array_equal(broken.run(x), lower("generic").run(x))


def test_same_input_ten_times_gives_the_same_bytes(rng):
    params = winograd(conv(rng, (6, 6, 34), 8)("generic"))
    x = np.repeat(random_bytes(rng, 1, 6 * 6 * 34), 10, axis=0)
    assert_kernels_equal_run([Case(params, [x])])
