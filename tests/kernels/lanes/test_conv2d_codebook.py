"""Convolution with codebooks on RV32IMC: layers it takes, and that it equals the kernel with a byte per weight."""

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
from mcuq.kernels.lanes.conv2d_codebook import from_pairs, in_pairs
from mcuq.ops.conv2d import Conv2d
from mcuq.tensor import QConstant, QTensor

LAYERS = [layer for layer in CONVOLUTIONS if layer[2] != (1, 1, 1, 1)]  # a lone weight may be a small integer
KERNELS = {2: "conv2d_s8_cb4_lanes", 4: "conv2d_s8_cb16_lanes"}


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, bits, cc):
    layers = [packed_layer(rng, *layer, bits=bits, codebooks=1, zero_point=z) for layer in LAYERS for z in ZERO_POINTS]
    assert {p.kernel for p in assert_packed_equal(rng, layers, CHIP, cc)} == {KERNELS[bits]}


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_blocks_of_taps_and_channels(rng, bits):
    layers = [packed_layer(rng, *layer, bits=bits, codebooks=1) for layer in (BLOCKS, PASSES)]
    blocks, passes = assert_packed_equal(rng, layers, CHIP)

    assert blocks.block_taps < blocks.taps and blocks.block_taps % (3 * 70)
    assert passes.block_taps < passes.taps and passes.block_channels < 150


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_scales_that_shift_left(rng, bits):
    """Multipliers of 1/2 and more, as coarse weights have them: the general requantize."""
    layers = [
        packed_layer(rng, *layer, bits=bits, codebooks=1, scale_out=scale) for layer in LAYERS for scale in (1e-4, 1e-3)
    ]
    params = assert_packed_equal(rng, layers, CHIP)

    assert {p.kernel for p in params} == {KERNELS[bits]}
    assert sum(p.general for p in params) > len(params) // 2  # constant outputs need no scale


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_reversed(rng, bits):
    layers = [packed_layer(rng, *layer, bits=bits, codebooks=1) for layer in (*LAYERS, PASSES)]
    assert_packed_equal(rng, layers, CHIP, backwards=True)


@pytest.mark.parametrize("bits", [2, 4])
def test_equals_portable(rng, bits):
    assert KERNELS[bits] in assert_runs_equal(rng, random_convolutions(rng, 150, bits=bits, codebooks=1), CHIP)


@pytest.mark.parametrize("seed", range(4))
def test_n2_fuzz(seed):
    rng = np.random.default_rng(seed)
    assert_packed_equal(rng, random_convolutions(rng, 40, bits=4 if seed % 2 else 2, codebooks=1), CHIP)


def grouped(rng, layer, bits, channels):
    """The same layer with a codebook for every few channels."""
    filters, size = layer.weights.shape[0], layer.weights.elements // layer.weights.shape[0]
    books = [np.sort(rng.choice(np.arange(-127, 128), 2**bits, replace=False)) for _ in range(-(-filters // channels))]
    rows = np.repeat(books, channels, axis=0)[:filters].astype(np.int8)
    values = np.take_along_axis(rows, rng.integers(0, 2**bits, (filters, size)), axis=1).reshape(layer.weights.shape)
    weights = dataclasses.replace(layer.weights, values=values, codebook=rows)
    return dataclasses.replace(layer, weights=weights)


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_several_codebooks(rng, bits):
    """One for every two or four channels, the last of which has fewer."""
    plain = [packed_layer(rng, *layer, bits=bits) for layer in (CONVOLUTIONS[2], CONVOLUTIONS[4], CONVOLUTIONS[7])]
    layers = [grouped(rng, layer, bits, channels) for layer in plain for channels in (2, 4)]
    params = assert_packed_equal(rng, layers, CHIP)

    assert {p.kernel for p in params} == {KERNELS[bits]}
    assert {p.codebooks for p in params} == {2, 3, 4}


def test_n2_largest_sums(rng):
    """Pairs of weights that sum to 255, all of them next to each other, and the largest inputs."""
    for low, high in ((-128, 127), (-127, -128)):
        values = np.tile(np.array([low, high], np.int8), (4, 33))[:, :65].reshape(4, 1, 1, 65)
        book = np.sort(np.array([[low, high]], np.int8), axis=1)
        weights = QConstant(values, np.full(4, 0.02), bits=4, codebook=book)
        x, y = QTensor((1, 2, 3, 65), 0.05, 0), QTensor((1, 2, 3, 4), 50.0, 0)
        params = kernel_for(Conv2d(), [x, weights], y, CHIP)
        assert params.kernel == KERNELS[4]
        assert_kernels_equal_run([Case(params, [random_bytes(rng, 4, x.elements)])])


@pytest.mark.parametrize("bits", [2, 4])
def test_n4_on_the_emulated_chip(rng, bits):
    layers = [packed_layer(rng, *layer, bits=bits, codebooks=1) for layer in (*LAYERS, BLOCKS)]
    assert_equal_on_the_emulated_chip(rng, [*layers, grouped(rng, layers[2], bits, 2)])


@pytest.mark.parametrize(
    ("op", "image", "shape", "channels", "kernel"),
    [
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), 4, KERNELS[4]),
        (Conv2d(groups=2), (4, 4, 8), (4, 1, 1, 4), 4, PORTABLE),
        (Conv2d(), (4, 4, 8), (6, 1, 1, 8), 3, PORTABLE),  # two codebooks for channels 2 and 3
        (Conv2d(), (4, 4, 8), (12, 1, 1, 8), 2, KERNELS[4]),  # six tables
        (Conv2d(), (4, 4, 8), (16, 1, 1, 8), 2, PORTABLE),  # eight
    ],
)
def test_choice_of_kernel(rng, op, image, shape, channels, kernel):
    layer = grouped(rng, packed_layer(rng, op, image, shape, bits=4), 4, channels)

    assert {layer.lower(chip).kernel for chip in chips_with("lanes")} == {kernel}
    assert layer.lower("generic").kernel == PORTABLE
    assert kernel == PORTABLE or layer.lower(CHIP).scratch_bytes <= MAX_SCRATCH


@pytest.mark.parametrize(("window", "kernel"), [(3, PORTABLE), (1, "fully_connected_s8_cb16_lanes")])
def test_weights_of_minus_128_side_by_side_are_not_taken(window, kernel):
    """Their products would leave 16 bits; pixels can be taken one by one."""
    values, book = np.full((4, window, window, 8), -128, np.int8), np.array([[-128, 100]], np.int8)
    weights = QConstant(values, np.full(4, 0.02), bits=4, codebook=book)
    x = QTensor((1, 5, 5, 8), 0.05, 0)

    assert kernel_for(Conv2d(), [x, weights], QTensor((1, 6 - window, 6 - window, 4), 5.0, 0), CHIP).kernel == kernel


def test_n2_constant_channel_keeps_its_weights(rng):
    """The fast requantize does not cover its bias; its codebook has no zero to replace the weights with."""
    layer = packed_layer(rng, Conv2d(), (4, 4, 8), (4, 1, 1, 8), bits=4, codebooks=1)
    values = np.maximum(np.where(layer.weights.values == 0, 1, layer.weights.values), -127)
    book = np.unique(values)[np.newaxis]
    bias = dataclasses.replace(layer.bias, values=np.array([1 << 30, 5, 6, 7], np.int32))
    layer = dataclasses.replace(
        layer, weights=dataclasses.replace(layer.weights, values=values, codebook=book), bias=bias
    )
    (params,) = assert_packed_equal(rng, [layer], CHIP)

    assert params.kernel == KERNELS[4] and params.general == 1


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize(("channels", "taps"), [(1, 1), (2, 2), (5, 9), (7, 30), (64, 64)])
def test_packing_is_undone(rng, bits, channels, taps):
    indices = rng.integers(0, 2**bits, (channels, taps)).astype(np.uint8)
    pairs = in_pairs(indices, bits)

    np.testing.assert_array_equal(from_pairs(pairs, bits, channels, taps), indices)
    assert pairs.size == -(-channels // 2) * -(-taps // 2) * bits // 2
