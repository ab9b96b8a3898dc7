"""Depthwise convolution with few bits on RV32IMC: layers it takes, and that it equals the kernel of int8."""

import numpy as np
import pytest
from chips import chips_with

from kernels.lanes.packed_layers import CHIP, PORTABLE, ZERO_POINTS, assert_equal_on_the_emulated_chip
from kernels.packed_layers import assert_packed_equal, assert_runs_equal, packed_layer
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d

SQUARE, ANY = "depthwise_conv2d_3x3_s8_packed_lanes", "depthwise_conv2d_s8_packed_lanes"
FORMATS = [  # bits, codebooks
    {"bits": 2},
    {"bits": 3},
    {"bits": 4},
    {"bits": 2, "codebooks": 1},
    {"bits": 4, "codebooks": 1},
    {"bits": 4, "codebooks": 4},
]
LAYERS = [  # operator, input, weights, kernel
    (DepthwiseConv2d(padding=(1, 1, 1, 1)), (5, 4, 6), (1, 3, 3, 6), SQUARE),
    (DepthwiseConv2d((2, 2), padding=(0, 1, 0, 1), activation="relu"), (7, 8, 5), (1, 3, 3, 5), SQUARE),
    (DepthwiseConv2d(padding=(2, 2, 2, 2)), (7, 9, 3), (1, 5, 5, 3), ANY),
    (DepthwiseConv2d((2, 1), (1, 2), (1, 1, 2, 2)), (5, 4, 6), (1, 3, 3, 6), ANY),
    (DepthwiseConv2d(), (23, 1, 4), (1, 5, 1, 4), ANY),
]


@pytest.mark.parametrize("form", FORMATS, ids=str)
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, form, cc):
    layers = [packed_layer(rng, *layer[:3], zero_point=z, **form) for layer in LAYERS for z in ZERO_POINTS]
    params = assert_packed_equal(rng, layers, CHIP, cc)
    assert [p.kernel for p in params] == [kernel for *_, kernel in LAYERS for _ in ZERO_POINTS]


def test_n2_reversed(rng):
    assert_packed_equal(rng, [packed_layer(rng, *layer[:3], bits=4) for layer in LAYERS], CHIP, backwards=True)


def random_layers(rng, count):
    layers = []
    while len(layers) < count:
        h, w, c = (int(v) for v in rng.integers(1, 12, 3))
        window, stride, dilation = (tuple(int(v) for v in rng.integers(1, most, 2)) for most in (5, 4, 3))
        op = DepthwiseConv2d(stride, dilation, tuple(int(v) for v in rng.integers(0, 4, 4)))
        form = FORMATS[rng.integers(len(FORMATS))]
        try:
            layers.append(packed_layer(rng, op, (h, w, c), (1, *window, c), scale_out=0.2, **form))
        except ValueError:
            continue  # the window is larger than the padded image
    return layers


@pytest.mark.parametrize("seed", range(2))
def test_n2_fuzz(seed):
    rng = np.random.default_rng(seed)
    assert_packed_equal(rng, random_layers(rng, 40), CHIP)


def test_equals_portable(rng):
    layers = [packed_layer(rng, *layer[:3], **form) for layer in LAYERS for form in FORMATS]
    assert assert_runs_equal(rng, layers + random_layers(rng, 100), CHIP) >= {SQUARE, ANY}


def test_n4_on_the_emulated_chip(rng):
    layers = [packed_layer(rng, *layer[:3], **form) for layer in LAYERS for form in (FORMATS[0], FORMATS[-1])]
    assert_equal_on_the_emulated_chip(rng, layers)


@pytest.mark.parametrize(("channels", "multiplier", "kernel"), [(455, 1, SQUARE), (456, 1, PORTABLE), (4, 2, PORTABLE)])
def test_choice_of_kernel(rng, channels, multiplier, kernel):
    """All weights fit the scratch, and as many channels leave as come in."""
    layer = packed_layer(rng, DepthwiseConv2d(), (3, 3, channels), (1, 3, 3, channels * multiplier), bits=4)

    assert {layer.lower(chip).kernel for chip in chips_with("lanes")} == {kernel}
    assert layer.lower("generic").kernel == PORTABLE
    assert kernel == PORTABLE or layer.lower(CHIP).scratch_bytes == 9 * channels <= MAX_SCRATCH
