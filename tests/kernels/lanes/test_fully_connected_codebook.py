"""Fully connected layers with codebooks on RV32IMC: layers taken, and that they equal the kernel of int8."""

import dataclasses

import numpy as np
import pytest
from chips import chips_with

from kernels.lanes.packed_layers import (
    CHIP,
    PORTABLE,
    VECTORS,
    ZERO_POINTS,
    assert_equal_on_the_emulated_chip,
    random_vectors,
)
from kernels.packed_layers import assert_packed_equal, assert_runs_equal, packed_layer
from mcuq.kernels.lanes.fully_connected_codebook import in_blocks
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.packing import unpack_bits

KERNELS = {2: "fully_connected_s8_cb4_lanes", 4: "fully_connected_s8_cb16_lanes"}
LAYERS = [layer for layer in VECTORS if layer[2] != (1, 1)]  # a lone weight may be a small integer


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, bits, cc):
    layers = [packed_layer(rng, *layer, bits=bits, codebooks=1, zero_point=z) for layer in LAYERS for z in ZERO_POINTS]
    assert {p.kernel for p in assert_packed_equal(rng, layers, CHIP, cc)} == {KERNELS[bits]}


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
    layers = [packed_layer(rng, *layer, bits=bits, codebooks=1) for layer in LAYERS]
    assert_packed_equal(rng, layers, CHIP, backwards=True)


@pytest.mark.parametrize("bits", [2, 4])
def test_equals_portable(rng, bits):
    assert KERNELS[bits] in assert_runs_equal(rng, random_vectors(rng, 150, bits=bits, codebooks=1), CHIP)


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_fuzz(bits):
    rng = np.random.default_rng(bits)
    assert_packed_equal(rng, random_vectors(rng, 40, bits=bits, codebooks=1), CHIP)


def grouped(rng, channels, bits=4):
    """A layer of 20 outputs with a codebook for every few of them."""
    layer = packed_layer(rng, FullyConnected(), (50,), (20, 50), bits=bits)
    books = [np.sort(rng.choice(np.arange(-128, 128), 2**bits, replace=False)) for _ in range(-(-20 // channels))]
    rows = np.repeat(books, channels, axis=0)[:20].astype(np.int8)
    values = np.take_along_axis(rows, rng.integers(0, 2**bits, (20, 50)), axis=1)
    return dataclasses.replace(layer, weights=dataclasses.replace(layer.weights, values=values, codebook=rows))


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_several_codebooks(rng, bits):
    params = assert_packed_equal(rng, [grouped(rng, channels, bits) for channels in (8, 16)], CHIP)

    assert [p.kernel for p in params] == [KERNELS[bits]] * 2
    assert [p.codebooks for p in params] == [3, 2]


@pytest.mark.parametrize("bits", [2, 4])
def test_n4_on_the_emulated_chip(rng, bits):
    layers = [packed_layer(rng, *layer, bits=bits, codebooks=1) for layer in LAYERS]
    assert_equal_on_the_emulated_chip(rng, [*layers, grouped(rng, 8, bits)])


def test_choice_of_kernel(rng):
    one = packed_layer(rng, Conv2d(), (3, 4, 8), (4, 3, 4, 8), bits=4, codebooks=1)
    for layer, kernel in ((one, KERNELS[4]), (grouped(rng, 8), KERNELS[4]), (grouped(rng, 4), PORTABLE)):
        assert {layer.lower(chip).kernel for chip in chips_with("lanes")} == {kernel}
        assert layer.lower("generic").kernel == PORTABLE


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize(("channels", "inputs"), [(1, 1), (8, 2), (9, 9), (64, 64)])
def test_packing(rng, bits, channels, inputs):
    """Byte by byte: the indices of eight channels for one input."""
    indices = rng.integers(0, 2**bits, (channels, inputs)).astype(np.uint8)
    blocks = in_blocks(indices, bits)

    assert blocks.shape == (-(-channels // 8), inputs, bits)
    for block, i in np.ndindex(blocks.shape[:2]):
        own = indices[8 * block : 8 * block + 8, i]
        np.testing.assert_array_equal(unpack_bits(blocks[block, i][np.newaxis], bits, len(own))[0], own)
