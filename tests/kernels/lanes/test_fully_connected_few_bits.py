"""4-bit and 2-bit fully connected layers on RV32IMC: layers taken, and that they equal the kernel of int8."""

import dataclasses

import numpy as np
import pytest
from chips import chips_with, kernel_for
from harness import Case, assert_kernels_equal_run, random_bytes

from kernels.lanes.packed_layers import (
    CHIP,
    PORTABLE,
    VECTORS,
    ZERO_POINTS,
    assert_equal_on_the_emulated_chip,
    random_vectors,
)
from kernels.packed_layers import assert_packed_equal, assert_runs_equal, packed_layer
from mcuq.kernels.lanes.fully_connected_few_bits import from_columns, in_columns
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.tensor import QConstant, QTensor

KERNELS = {2: "fully_connected_s8_w2_lanes", 3: "fully_connected_s8_w4_lanes", 4: "fully_connected_s8_w4_lanes"}


@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, bits, cc):
    layers = [packed_layer(rng, *layer, bits=bits, zero_point=z) for layer in VECTORS for z in ZERO_POINTS]
    assert {p.kernel for p in assert_packed_equal(rng, layers, CHIP, cc)} == {KERNELS[bits]}


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_scales_that_shift_left(rng, bits):
    """Multipliers of 1/2 and more, as coarse weights have them: the general requantize."""
    layers = [packed_layer(rng, *layer, bits=bits, scale_out=scale) for layer in VECTORS for scale in (1e-4, 1e-3)]
    params = assert_packed_equal(rng, layers, CHIP)

    assert {p.kernel for p in params} == {KERNELS[bits]}
    assert sum(p.general for p in params) > len(params) // 2  # constant outputs need no scale


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_reversed(rng, bits):
    assert_packed_equal(rng, [packed_layer(rng, *layer, bits=bits) for layer in VECTORS], CHIP, backwards=True)


@pytest.mark.parametrize("bits", [2, 4])
def test_equals_portable(rng, bits):
    assert KERNELS[bits] in assert_runs_equal(rng, random_vectors(rng, 150, bits=bits), CHIP)


@pytest.mark.parametrize("bits", [2, 4])
def test_n2_fuzz(bits):
    rng = np.random.default_rng(bits)
    assert_packed_equal(rng, random_vectors(rng, 40, bits=bits), CHIP)


def worst(taps, bits, value):
    """A layer whose products are all at their largest."""
    x, y = QTensor((1, taps), 0.05, -128), QTensor((1, 17), 5.0, 0)
    weights = QConstant(np.full((17, taps), value, np.int8), np.full(17, 0.02), bits=bits)
    return kernel_for(FullyConnected(), [x, weights], y, CHIP)


def test_n2_largest_sums(rng):
    sizes = [(taps, *kind) for taps in (30, 31, 32, 64, 127, 129) for kind in ((4, -8), (4, 7), (2, -2), (2, 1))]
    params = [worst(*size) for size in sizes]
    assert {p.kernel for p in params} == set(KERNELS.values())
    assert_kernels_equal_run([Case(p, [random_bytes(rng, 3, p.input_c)]) for p in params])


def test_a_chunk_too_long_is_caught():
    """32 weights of -8 in one sum: the C kernel differs from ``run``, so the bound is needed."""
    params = worst(32, 4, -8)
    inputs = np.full((1, 32), -128, np.int8)

    assert params.chunk == 16
    with pytest.raises(AssertionError, match="bytes differ"):
        assert_kernels_equal_run([Case(dataclasses.replace(params, chunk=32), [inputs])])


@pytest.mark.parametrize("bits", [2, 4])
def test_n4_on_the_emulated_chip(rng, bits):
    assert_equal_on_the_emulated_chip(rng, [packed_layer(rng, *layer, bits=bits) for layer in VECTORS])


@pytest.mark.parametrize(
    ("op", "image", "shape", "form", "kernel"),
    [
        (FullyConnected(), (64,), (8, 64), {"bits": 4}, KERNELS[4]),
        (FullyConnected(), (64,), (1, 64), {"bits": 2}, KERNELS[2]),
        (FullyConnected(), (3, 64), (8, 64), {"bits": 4}, "conv2d_s8_w4_lanes"),  # as pixels
        (Conv2d(), (3, 4, 8), (4, 3, 4, 8), {"bits": 4}, KERNELS[4]),  # the window is the image
        (Conv2d((2, 2)), (1, 2, 8), (4, 1, 2, 8), {"bits": 4}, KERNELS[4]),
        (Conv2d((2, 2)), (1, 3, 8), (4, 1, 1, 8), {"bits": 4}, PORTABLE),  # pixels that do not lie side by side
        (Conv2d(padding=(0, 1, 0, 0)), (2, 4, 8), (4, 3, 4, 8), {"bits": 4}, PORTABLE),
    ],
)
def test_choice_of_kernel(rng, op, image, shape, form, kernel):
    layer = packed_layer(rng, op, image, shape, **form)

    assert {layer.lower(chip).kernel for chip in chips_with("lanes")} == {kernel}
    assert layer.lower("generic").kernel == PORTABLE


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize(("channels", "inputs"), [(1, 1), (8, 2), (16, 9), (17, 30), (64, 64)])
def test_packing_is_undone(rng, bits, channels, inputs):
    weights = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (channels, inputs)).astype(np.int8)
    words = in_columns(weights, bits)

    np.testing.assert_array_equal(from_columns(words, bits, channels), weights)
    assert words.nbytes == 4 * -(-channels * bits // 32) * inputs
