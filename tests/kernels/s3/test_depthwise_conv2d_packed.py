"""Depthwise weights of 1, 2 and 4 bits on the ESP32-S3: which are taken; C twin and assembly equal ``run``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require

from kernels.packed_layers import PackedLayer, packed_layer
from kernels.s3.layers import OUTPUT_SCALES, packed_case_of, packed_kernel
from mcuq.kernels.s3.records import LONG, NARROW, SIGNED, Group, unpacked
from mcuq.ops.base import Params
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.window import same_padding

KERNEL = "depthwise_conv2d_packed_s8_s3"
BITS = (1, 2, 3, 4)


def depthwise(rng, image, window, stride=(1, 1), dilation=(1, 1), **options) -> PackedLayer:
    op = DepthwiseConv2d(stride, dilation, padding=same_padding(image[:2], window, stride, dilation))
    return packed_layer(rng, op, image, (1, *window, image[2]), **options)


def random_cases(rng, count) -> list[Case]:
    cases: list[Case] = []
    while len(cases) < count:
        window = (3, 3) if rng.random() < 0.3 else tuple(int(v) for v in rng.integers(1, 10, 2))
        image = (*(int(v) for v in rng.integers(4, 9, 2)), int(rng.choice([1, 3, 4, 8, 13, 16, 17, 32, 40])))
        stride, dilation = (tuple(int(v) for v in rng.integers(1, 3, 2)) for _ in range(2))
        options = {"bits": int(rng.choice(BITS)), "scale_out": float(rng.choice(OUTPUT_SCALES))}
        layer = depthwise(rng, image, window, stride, dilation, **options)
        params = packed_kernel(layer, at_border=bool(rng.random() < 0.5))
        if params.kernel == KERNEL:
            cases.append(packed_case_of(rng, layer, params))
    return cases


def groups_of(p: Params) -> list[Group]:
    rows, columns = (1, p.window_rows) if p.columns == 1 else (p.window_rows, p.columns)
    return unpacked(p.records, rows * -(-columns * p.bits // 8) * 8 // p.bits, p.bits)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("window", [(3, 3), (5, 1), (1, 9), (2, 8)])
def test_windows_are_taken(rng, bits, window):
    layer = depthwise(rng, (6, 6, 24), window, bits=bits, scale_out=0.01)
    layer = replace(layer, bias=replace(layer.bias, values=layer.bias.values % 80))  # no channel is constant
    assert packed_kernel(layer).kernel == packed_kernel(layer, at_border=True).kernel == KERNEL
    packed_case_of(rng, layer, packed_kernel(layer))


def test_what_it_does_not_take(rng):
    books = depthwise(rng, (5, 5, 16), (3, 3), bits=4, codebooks=1)
    wide = depthwise(rng, (5, 90, 16), (3, 3), bits=4)  # more scratch than four kilobytes
    for layer in (books, wide):
        assert packed_kernel(layer).kernel != KERNEL


def test_weights_take_their_bits(rng):
    tables = [packed_kernel(depthwise(rng, (5, 5, 16), (3, 8), bits=bits)).records.size for bits in (1, 2, 4)]
    assert np.diff(tables).tolist() == [16 * 3, 16 * 6]


@pytest.mark.parametrize("bits", BITS)
def test_equals_portable_where_all_inputs_drive_a_sum_one_way(rng, bits):
    layer = depthwise(rng, (5, 5, 16), (5, 5), bits=bits)
    params, portable = packed_kernel(layer), layer.in_bytes()
    assert params.kernel == KERNEL
    most = np.where(layer.weights.values[0] > 0, 127, -128).reshape(1, -1)
    x = np.concatenate([most, -1 - most]).astype(np.int8)
    np.testing.assert_array_equal(params.run(x), portable.run(x))


def test_forms_are_among_them():
    params = [case.params for seed in range(4) for case in random_cases(np.random.default_rng(seed), 12)]

    assert {group.form for p in params for group in groups_of(p)} >= {NARROW, SIGNED}
    assert {p.bits for p in params} == {1, 2, 4}


def test_long_sums_are_cut():
    """All weights of 4 bits at an end, 81 of a channel, and a bias beyond a lane."""
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    rng = np.random.default_rng(0)
    layer = depthwise(rng, (9, 9, 16), (9, 9), bits=4, scale_out=6.0)
    bias = (rng.integers(699_000, 700_000, 16) * rng.choice([-1, 1], 16)).astype(np.int32)
    layer = replace(
        layer,
        weights=replace(layer.weights, values=np.where(layer.weights.values < 0, -8, 7).astype(np.int8)),
        bias=replace(layer.bias, values=bias),
    )
    params = packed_kernel(layer)

    assert params.kernel == KERNEL
    assert {group.form for group in groups_of(params)} == {LONG}
    cases = [packed_case_of(rng, layer, params)]
    assert_kernels_equal_run(cases)
    assert_emulated_equals_run(cases, "s3")


def test_n2_twin_in_c_equals_run(rng):
    assert_kernels_equal_run(random_cases(rng, 16))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 13))])
def test_n2_assembly_equals_run(seed):
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    assert_emulated_equals_run(random_cases(np.random.default_rng(seed), 12), "s3")
