"""Weights of 1, 2 and 4 bits on the ESP32-S3: which layers are taken, and that C twin and assembly equal ``run``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require

from kernels.packed_layers import PackedLayer, packed_layer
from kernels.s3.layers import OUTPUT_SCALES, packed_case_of, packed_kernel
from mcuq.kernels.s3.records import LONG, NARROW, SIGNED, WIDE, Group, unpacked
from mcuq.ops.base import Params
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.window import same_padding

KERNEL = "conv2d_packed_s8_s3"
BITS = (1, 2, 3, 4)


def convolution(rng, image, filters, window, stride=(1, 1), **options) -> PackedLayer:
    op = Conv2d(stride, padding=same_padding(image[:2], window, stride, (1, 1)))
    return packed_layer(rng, op, image, (filters, *window, image[2]), **options)


def random_cases(rng, count) -> list[Case]:
    cases: list[Case] = []
    while len(cases) < count:
        window = tuple(int(v) for v in rng.integers(1, 4, 2))
        image = (*(int(v) for v in rng.integers(4, 8, 2)), int(rng.choice([1, 3, 5, 8, 16, 17, 32, 48, 64])))
        stride = tuple(int(v) for v in rng.integers(1, 3, 2))
        options = {"bits": int(rng.choice(BITS)), "scale_out": float(rng.choice(OUTPUT_SCALES))}
        layer = convolution(rng, image, int(rng.choice([1, 4, 8, 16, 19, 32])), window, stride, **options)
        params = packed_kernel(layer, at_border=bool(rng.random() < 0.5))
        if params.kernel == KERNEL:
            cases.append(packed_case_of(rng, layer, params))
    return cases


@pytest.mark.parametrize("bits", BITS)
def test_pointwise_windows_and_vectors_are_taken(rng, bits):
    vector = packed_layer(rng, FullyConnected(), (64,), (32, 64), bits=bits)
    layers = [convolution(rng, (5, 5, 32), 24, (1, 1), bits=bits), convolution(rng, (5, 5, 16), 16, (3, 3), bits=bits)]
    for layer in (vector, *layers):
        assert packed_kernel(layer).kernel == packed_kernel(layer, at_border=True).kernel == KERNEL
        packed_case_of(rng, layer, packed_kernel(layer))


def test_what_it_does_not_take(rng):
    odd = convolution(rng, (5, 5, 5), 16, (3, 3), bits=1)  # 15 taps: the sixteenth would be a weight of 0
    books = convolution(rng, (5, 5, 16), 16, (3, 3), bits=4, codebooks=1)
    signs = convolution(rng, (5, 5, 32), 16, (3, 3), bits=1, signs=True)
    for layer in (odd, books, signs):
        assert packed_kernel(layer).kernel != KERNEL


@pytest.mark.parametrize("bits", BITS)
def test_equals_portable_where_all_inputs_drive_a_sum_one_way(rng, bits):
    layer = convolution(rng, (3, 3, 48), 16, (3, 3), bits=bits)
    params, portable = packed_kernel(layer), layer.in_bytes()
    assert params.kernel == KERNEL
    for lane in range(16):
        most = np.where(layer.weights.values[lane] > 0, 127, -128).reshape(1, -1)
        x = np.concatenate([most, -1 - most]).astype(np.int8)
        np.testing.assert_array_equal(params.run(x), portable.run(x))


def test_weights_take_their_bits(rng):
    tables = [packed_kernel(convolution(rng, (5, 5, 64), 16, (3, 3), bits=bits)).records.size for bits in (1, 2, 4)]
    assert tables[2] < 16 * 576 // 2 + 400
    assert tables[1] < 16 * 576 // 4 + 400
    assert tables[0] < 16 * 576 // 8 + 400


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run(random_cases(rng, 16))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 13))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run(random_cases(np.random.default_rng(seed), 12), "s3")


def test_long_sums_are_cut():
    """Weights of 4 bits at their ends, 1,152 of a filter: more than a lane holds."""
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    rng = np.random.default_rng(0)
    layer = convolution(rng, (3, 3, 128), 16, (3, 3), bits=4, scale_out=0.1)
    ends = np.where(layer.weights.values < 0, -8, 7).astype(np.int8)
    layer = replace(layer, weights=replace(layer.weights, values=ends))
    params = packed_kernel(layer)

    assert params.kernel == KERNEL
    assert {group.form for group in groups_of(params)} == {LONG}
    cases = [packed_case_of(rng, layer, params)]
    assert_kernels_equal_run(cases)
    assert_emulated_equals_run(cases, "s3")


def groups_of(p: Params) -> list[Group]:
    return unpacked(p.records, 16 * p.window_rows * p.parts * p.blocks, p.bits)


def test_forms_and_bits_are_among_them():
    params = [case.params for seed in range(4) for case in random_cases(np.random.default_rng(seed), 12)]

    assert {group.form for p in params for group in groups_of(p)} == {NARROW, SIGNED, WIDE, LONG}
    assert {p.bits for p in params} == {1, 2, 4}
