"""Contract N2 for the MAC16 assembly: in QEMU it equals ``Params.run``, byte for byte, guards intact.

A fixed sample; the whole sweep is marked slow.
"""

import numpy as np
import pytest
from chips import kernel_for
from harness import Case

from kernels.mac16.emulated import assert_assembly_equals_run
from kernels.mac16.layers import CHIP, RANDOM, addition, case_of, every_tiling, kernels, layer, random_cases
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.tensor import QConstant, QTensor

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 21))]


@pytest.mark.parametrize("as_esp32", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("op", RANDOM)
def test_n2_fuzz(op, seed, as_esp32):
    """Both what is written for the emulated core and, with mulsh for a call, what an ESP32 gets."""
    rng = np.random.default_rng(100 + seed)
    assert_assembly_equals_run(random_cases(rng, RANDOM[op], 8 if op == "add" else 20), as_esp32=as_esp32)


def conv(rng, image, filters, window, op, x_zero_point=-7, **options):
    weights = rng.integers(-128, 128, (filters, *window, image[2]))
    return layer(rng, op, QTensor((1, *image), 0.05, x_zero_point), weights, **options)


def depthwise(rng, image, window, op, x_zero_point=-7, **options):
    weights = rng.integers(-128, 128, (1, *window, image[2]))
    return layer(rng, op, QTensor((1, *image), 0.05, x_zero_point), weights, axis=3, **options)


# How outputs are limited decides what code runs: to int8 with the lowest for zero point; to int8; to something else.
STYLES = [(-128, "none"), (3, "none"), (-128, "relu6")]
in_turn = pytest.mark.parametrize("turn", [0, *(pytest.param(turn, marks=pytest.mark.slow) for turn in (1, 2))])


@in_turn
def test_n2_every_shape_of_depthwise_code(rng, turn):
    """Of 1 to 12 taps in every arrangement, 3x3 with and without rows between; either half of a word."""
    cases = []
    for window in [(h, w) for h in range(1, 13) for w in range(1, 13) if h * w <= 12] + [(5, 5), (1, 15)]:
        for rows in (1, 3):
            zero_point, activation = STYLES[(turn + len(cases) // 2 + rows) % 3]
            op = DepthwiseConv2d(padding=(1, 1, 1, 1), activation=activation)
            image = (window[0] + rows - 2 + (window[0] == 1), window[1] + 2, 4)
            lower = depthwise(rng, image, window, op, zero_point=zero_point)
            params = lower(CHIP).with_scratch(1 << 20)
            cases.append(case_of(rng, params, lower("generic"), 2))
    assert kernels(cases) == {"depthwise_conv2d_s8_mac16"}
    assert_assembly_equals_run(cases)


@in_turn
def test_n2_lengths_of_dot_products(rng, turn):
    """Every number of taps up to 40, and some for which weights are widened in blocks."""
    cases = []
    for depth in (*range(1, 41), 64, 67, 96, 130):
        zero_point, activation = STYLES[(turn + depth) % 3]
        op = Conv2d(activation=activation)
        lower = conv(rng, (1, 3, depth), 3, (1, 1), op, zero_point=zero_point, per_channel=depth % 2 == 0)
        cases.append(case_of(rng, lower(CHIP), lower("generic"), 2))
    assert kernels(cases) == {"conv2d_s8_mac16"}
    assert_assembly_equals_run(cases)


@in_turn
def test_n2_lengths_of_vectors(rng, turn):
    cases = []
    for inputs in (*range(1, 21), 100, 257):
        for per_channel in (True, False):
            zero_point, activation = STYLES[(turn + len(cases)) % 3]
            op, x = FullyConnected(False, activation), QTensor((1, inputs), 0.05, -128)
            weights = rng.integers(-100, 101, (5, inputs))
            weights[0, :100] = rng.choice([-128, 127], weights[0, :100].size)
            lower = layer(rng, op, x, weights, zero_point=zero_point, per_channel=per_channel)
            cases.append(case_of(rng, lower(CHIP), lower("generic"), 2))
    assert kernels(cases) == {"fully_connected_s8_mac16"}
    assert_assembly_equals_run(cases)


@pytest.mark.parametrize("op", ["conv2d", "depthwise_conv2d"])
def test_n2_every_tiling(rng, op):
    cases = []
    for stride in ((1, 1), (2, 3)):
        if op == "conv2d":
            lower = conv(rng, (6, 5, 3), 4, (3, 2), Conv2d(stride, padding=(1, 1, 1, 0)))
        else:
            lower = depthwise(rng, (6, 5, 6), (3, 3), DepthwiseConv2d(stride, padding=(1, 1, 1, 0)))
        for params in every_tiling(lower(CHIP)):
            cases += [case_of(rng, p, lower("generic"), 2) for p in (params, params.reversed())]
    assert_assembly_equals_run(cases)


def tied(rng, exponent, zero_point, activation) -> list[Case]:
    """Layers that divide sums by 2^exponent, so that many lie half-way between two outputs."""
    x, cases = QTensor((1, 5, 5, 4), 1.0, -128 if exponent % 2 else 3), []
    shapes = [(Conv2d, (4, 1, 1, 4), 0), (FullyConnected, (9, 100), 0)]
    shapes += [(DepthwiseConv2d, (1, *window, 4), 3) for window in ((2, 2), (3, 3), (2, 5), (4, 4))]
    for op, shape, axis in shapes:
        made, most = op(activation=activation), 2 ** max(exponent - 3, 1)
        weights = np.clip(rng.integers(-most, most + 1, shape), -127, 127).astype(np.int8)
        k = QConstant(weights, np.full(shape[axis], 2.0**-exponent), axis=axis)
        b = QConstant(rng.integers(-most, most + 1, shape[axis]).astype(np.int32), np.array([1.0]))
        y = QTensor(made.infer_shape(x.shape, shape), 1.0, zero_point)
        params, portable = (kernel_for(made, [x, k, b], y, chip) for chip in (CHIP, "generic"))
        cases.append(case_of(rng, params, portable, 2))
    return cases


@in_turn
def test_n2_ties(rng, turn):
    cases = [case for exponent in range(2, 9) for case in tied(rng, exponent, *STYLES[(turn + exponent) % 3])]
    assert kernels(cases) == {"conv2d_s8_mac16", "depthwise_conv2d_s8_mac16", "fully_connected_s8_mac16"}
    assert_assembly_equals_run(cases, as_esp32=turn == 1)


def every_pair(zero_points, scales) -> Case:
    a, b = (v.ravel().astype(np.int8)[np.newaxis] for v in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)))
    return Case(addition((1, a.size), scales, zero_points)(CHIP), [a, b])


@pytest.mark.parametrize("as_esp32", [False, True])
def test_n2_every_pair_of_values(as_esp32):
    """With scales of powers of two every other sum is a tie."""
    scales = [(0.05, 0.07, 0.1), (1.0, 1.0, 2.0), (1.0, 1.0, 4.0), (0.25, 1.0, 1.0)]
    cases = [every_pair((-3, 9, y), s) for y in (-128, 5) for s in scales]
    assert_assembly_equals_run(cases, as_esp32=as_esp32)


# One error per core, and two in what they share.
MISTAKES = {
    "rounding": ("mcuq_mac16_asm.h", "addi    \\rounding, \\rounding, 64\n", "addi    \\rounding, \\rounding, 63\n"),
    "signs": ("mcuq_mac16_asm.h", "movgez  \\temporary, \\rounding, \\t", "mov     \\temporary, \\rounding"),
    "weights": ("mcuq_mac16_dot_asm.S", "l32i    a6, a3, 4 * \\i\n", "l32i    a6, a3, 4 * (\\i & 6)\n"),
    "last taps": ("mcuq_mac16_depthwise_asm.S", "blti    a15, 5, .Lloaded", "blti    a15, 6, .Lloaded"),
    "mask": ("mcuq_mac16_vector_asm.S", "slli    a5, a4, 16", "slli    a5, a4, 17"),
    "bytes": ("mcuq_mac16_widen_asm.S", "l8ui    a12, a2, 3", "l8ui    a12, a2, 2"),
    "integers": ("mcuq_mac16_dot_packed_asm.S", "slli    a11, a6, 4", "slli    a11, a6, 5"),
    "codebook": ("mcuq_mac16_dot_packed_asm.S", "add     a5, a5, a6", "mov     a5, a5"),
    "larger": (
        "mcuq_mac16_dot_asm.h",
        "    slli    a13, a13, 1\n    sub     a13, a11, a13",
        "    sub     a13, a11, a13",
    ),
    "byte": (
        "mcuq_mac16_vector_packed_asm.S",
        "    slli    a12, a12, 8\n    and     a13, a12, a4\n    \\ends",
        "    slli    a12, a12, 8\n    mov     a13, a12\n    \\ends",
    ),
    "pairs": ("mcuq_mac16_vector_packed_asm.S", "extui   a13, a14, 4 * \\n + 4, 4", "extui   a13, a14, 4 * \\n, 4"),
    "sum": ("mcuq_mac16_sum_asm.h", "addi    a10, a9, -2", "addi    a10, a9, -1"),
}


ESP32_MISTAKES = {
    "sign": (
        "mcuq_mac16_asm.h",
        "    neg     \\m, \\m\n    .endm\n    .macro  multiply",
        "    .endm\n    .macro  multiply",
    ),
    "frame": ("mcuq_mac16_asm.h", "entry   sp, 32 + \\locals", "entry   sp, 32"),
}


@pytest.mark.slow
@pytest.mark.parametrize("mistake", [*MISTAKES, *ESP32_MISTAKES])
def test_a_planted_mistake_is_caught(mistake):
    rng = np.random.default_rng(100)
    cases = [case for make in RANDOM.values() for case in random_cases(rng, make, 20)]
    cases += [case for exponent in (3, 4, 7) for case in tied(rng, exponent, 3, "none")]
    cases.append(every_pair((-3, 9, 5), (1.0, 1.0, 2.0)))
    planted = (MISTAKES | ESP32_MISTAKES)[mistake]
    with pytest.raises(AssertionError, match=r"bytes differ|guard byte|exit 70"):
        assert_assembly_equals_run(cases, planted, as_esp32=mistake in ESP32_MISTAKES)
