"""4-bit and 2-bit convolution on RV32IMC: layers it takes, and that it equals the kernel with a byte per weight."""

import dataclasses

import numpy as np
import pytest
from chips import chips_with, kernel_for
from harness import Case, assert_kernels_equal_run, random_bytes

from kernels.lanes.packed_layers import (
    BLOCKS,
    CHIP,
    CONVOLUTIONS,
    PASSES,
    PORTABLE,
    ZERO_POINTS,
    assert_equal_on_the_emulated_chip,
    random_convolutions,
)
from kernels.packed_layers import assert_packed_equal, assert_runs_equal, packed_layer
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.kernels.lanes.conv2d_blocks import Blocks, scratch
from mcuq.kernels.lanes.conv2d_few_bits import chunks_fit, from_words, in_words
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.tensor import QConstant, QTensor

KERNELS = {2: "conv2d_s8_w2_lanes", 3: "conv2d_s8_w4_lanes", 4: "conv2d_s8_w4_lanes"}


@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, bits, cc):
    layers = [packed_layer(rng, *layer, bits=bits, zero_point=z) for layer in CONVOLUTIONS for z in ZERO_POINTS]
    assert {p.kernel for p in assert_packed_equal(rng, layers, CHIP, cc)} == {KERNELS[bits]}


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_blocks_of_taps_and_channels(rng, bits):
    blocks, passes = assert_packed_equal(
        rng, [packed_layer(rng, *layer, bits=bits) for layer in (BLOCKS, PASSES)], CHIP
    )

    assert blocks.block_taps < blocks.taps and blocks.block_taps % (3 * 70) and blocks.block_channels == 60
    assert passes.block_taps < passes.taps and passes.block_channels < 150


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_scales_that_shift_left(rng, bits):
    """Multipliers of 1/2 and more, as coarse weights have them: the general requantize."""
    layers = [packed_layer(rng, *layer, bits=bits, scale_out=scale) for layer in CONVOLUTIONS for scale in (1e-4, 1e-3)]
    params = assert_packed_equal(rng, layers, CHIP)

    assert {p.kernel for p in params} == {KERNELS[bits]}
    assert sum(p.general for p in params) > len(params) // 2  # constant outputs need no scale


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_reversed(rng, bits):
    layers = [packed_layer(rng, *layer, bits=bits) for layer in (*CONVOLUTIONS, PASSES)]
    assert_packed_equal(rng, layers, CHIP, backwards=True)


@pytest.mark.parametrize("bits", [2, 4])
def test_equals_portable(rng, bits):
    assert KERNELS[bits] in assert_runs_equal(rng, random_convolutions(rng, 150, bits=bits), CHIP)


@pytest.mark.parametrize("seed", range(4))
def test_n2_fuzz(seed):
    rng = np.random.default_rng(seed)
    assert_packed_equal(rng, random_convolutions(rng, 40, bits=4 if seed % 2 else 2), CHIP)


def worst_layers():
    """Every product at its largest, in chunks of as many taps as are allowed: one more would leave 16 bits."""
    for taps in (29, 30, 31, 60, 61, 90, 127, 128, 256):
        for bits, value in ((4, -8), (4, 7), (2, -2), (2, 1)):
            x, y = QTensor((1, 2, 3, taps), 0.05, -128), QTensor((1, 2, 3, 4), 5.0, 0)
            weights = QConstant(np.full((4, 1, 1, taps), value, np.int8), np.full(4, 0.02), bits=bits)
            yield kernel_for(Conv2d(), [x, weights], y, CHIP)


def test_n2_largest_sums(rng):
    cases = [Case(p, [random_bytes(rng, 3, 6 * p.input_c)]) for p in worst_layers()]
    assert {case.params.kernel for case in cases} == set(KERNELS.values())
    assert_kernels_equal_run(cases)


def test_a_chunk_too_long_is_caught(rng):
    """32 weights of -8 in one sum: the C kernel differs from ``run``, so the bound is needed."""
    x, y = QTensor((1, 2, 3, 32), 0.05, 0), QTensor((1, 2, 3, 4), 5.0, 0)
    weights = QConstant(np.full((4, 1, 1, 32), -8, np.int8), np.full(4, 0.02), bits=4)
    params = kernel_for(Conv2d(), [x, weights], y, CHIP)
    inputs = np.where(np.arange(6 * 32) // 32 % 2, 0, -128).astype(np.int8)[np.newaxis]

    assert params.block_taps == 16 and params.chunks == 2
    with pytest.raises(AssertionError, match="bytes differ"):
        assert_kernels_equal_run([Case(dataclasses.replace(params, block_taps=32, chunks=1), [inputs])])


@pytest.mark.parametrize("bits", [2, 4])
def test_n4_on_the_emulated_chip(rng, bits):
    assert_equal_on_the_emulated_chip(rng, [packed_layer(rng, *layer, bits=bits) for layer in (*CONVOLUTIONS, BLOCKS)])


@pytest.mark.parametrize(
    ("op", "image", "shape", "form", "kernel"),
    [
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"bits": 4}, KERNELS[4]),
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"bits": 2}, KERNELS[2]),
        (Conv2d(), (1, 3, 8), (4, 1, 1, 8), {"bits": 4}, KERNELS[4]),
        (Conv2d(padding=(0, 1, 0, 0)), (2, 1, 8), (4, 2, 1, 8), {"bits": 4}, PORTABLE),  # two pixels, no vectors
        (Conv2d(groups=2), (4, 4, 8), (4, 1, 1, 4), {"bits": 4}, PORTABLE),
        (Conv2d(), (4, 4, 64), (4, 3, 3, 64), {"bits": 4}, KERNELS[4]),
        (Conv2d(), (4, 4, 512), (4, 3, 3, 512), {"bits": 4}, KERNELS[4]),
    ],
)
def test_choice_of_kernel(rng, op, image, shape, form, kernel):
    layer = packed_layer(rng, op, image, shape, **form)

    assert {layer.lower(chip).kernel for chip in chips_with("lanes")} == {kernel}
    assert layer.lower("generic").kernel == PORTABLE
    assert kernel == PORTABLE or layer.lower(CHIP).scratch_bytes <= MAX_SCRATCH


@pytest.mark.parametrize(("entries", "bits"), [([-1, 1], 2), ([-2, -1, 0, 1], 2), ([-8, -7, 0, 5, 7], 4)])
def test_codebooks_of_small_integers_need_no_table(rng, entries, bits):
    values = rng.choice(np.array(entries, np.int8), (5, 3, 3, 6))
    layer = packed_layer(rng, Conv2d(), (5, 4, 6), (5, 3, 3, 6), bits=bits)
    weights = dataclasses.replace(layer.weights, values=values, codebook=np.array([entries], np.int8))
    (params,) = assert_packed_equal(rng, [dataclasses.replace(layer, weights=weights)], CHIP)

    assert params.kernel == KERNELS[bits]


@pytest.mark.parametrize(
    ("op", "image", "shape"), [(Conv2d(), (4, 4, 8), (4, 1, 1, 8)), (FullyConnected(), (8,), (4, 8))]
)
def test_one_bit_is_never_stored_as_two(rng, op, image, shape):
    layer = packed_layer(rng, op, image, shape, bits=1)
    codebook = dataclasses.replace(layer.weights, codebook=np.array([[-1, 1]], np.int8))
    (params,) = assert_packed_equal(rng, [dataclasses.replace(layer, weights=codebook)], CHIP)

    assert (params.kernel, params.bits) == (PORTABLE, 1)


def test_scratch_of_64_channels(rng):
    """Sums of 64 channels and 96 taps of eight pixels, and the latter of two as bytes."""
    params = packed_layer(rng, Conv2d(padding=(1, 1, 1, 1)), (8, 8, 64), (64, 3, 3, 64), bits=2).lower(CHIP)

    assert (params.block_taps, params.block_channels) == (96, 64)
    assert params.scratch_bytes == scratch(Blocks(4, 96, 64)) == 64 * 32 + 96 * 16 + 2 * 96


def test_few_pixels_take_half_the_scratch(rng):
    few, many = (packed_layer(rng, Conv2d(), (1, n, 64), (4, 1, 1, 64), bits=2).lower(CHIP) for n in (4, 5))

    assert (few.pairs, many.pairs) == (2, 4)
    assert few.scratch_bytes == 4 * 16 + 64 * 8 + 2 * 64


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize(("channels", "taps"), [(1, 1), (4, 2), (5, 9), (7, 30), (64, 64)])
def test_packing_is_undone(rng, bits, channels, taps):
    weights = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (channels, taps)).astype(np.int8)
    words = in_words(weights, bits)

    np.testing.assert_array_equal(from_words(words, bits, channels, taps), weights)
    assert words.nbytes == 4 * -(-channels // 4) * -(-taps * bits // 8)


def test_every_chunk_counts():
    """Two chunks of 30 taps: the second one alone is too large."""
    weights = np.concatenate([np.zeros((1, 30)), np.full((1, 30), -8), np.full((1, 2), -8)], axis=1)

    assert chunks_fit(weights, 30)
    assert not chunks_fit(weights, 62)
