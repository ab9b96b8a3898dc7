"""Binary weights by tables: which layers take the kernel, and that it equals the kernel with a byte per weight."""

from dataclasses import replace

import numpy as np
import pytest
from chips import kernel_for
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from requirements import require_tool

from kernels.packed_layers import assert_packed_equal, assert_runs_equal, coarse, packed_layer, random_inputs
from mcuq.kernels.portable.sign_tiles import MAX_SCRATCH, from_words, in_words
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.window import same_padding
from mcuq.tensor import QConstant, QTensor

CHIP, KERNEL, PACKED = "esp32c3", "conv2d_s8_w1", "conv2d_s8_packed"
LAYERS = [  # operator, input, weights; words and chunks full and not, tiles of every remainder, borders
    (Conv2d(), (5, 1, 3), (4, 1, 1, 3)),
    (Conv2d(), (1, 1, 1), (1, 1, 1, 1)),
    (Conv2d(), (1, 2, 33), (3, 1, 1, 33)),
    (Conv2d(), (2, 3, 32), (5, 1, 1, 32)),
    (Conv2d(activation="relu"), (1, 3, 64), (7, 1, 1, 64)),
    (Conv2d(), (3, 3, 130), (6, 1, 1, 130)),
    (Conv2d(padding=(1, 1, 1, 1)), (5, 4, 6), (5, 3, 3, 6)),
    (Conv2d(padding=(1, 1, 1, 1)), (4, 5, 32), (9, 3, 3, 32)),
    (Conv2d((2, 2), (1, 1), same_padding((9, 10), (10, 4), (2, 2))), (9, 10, 1), (7, 10, 4, 1)),
    (Conv2d(dilation=(2, 2), padding=(2, 2, 2, 2)), (5, 4, 6), (8, 3, 3, 6)),
    (Conv2d(padding=(9, 0, 9, 0)), (2, 2, 1), (1, 7, 7, 1)),
    (FullyConnected(), (4, 7), (3, 7)),
    (FullyConnected(activation="relu6"), (300,), (9, 300)),
]


def layers_of(rng, **form):
    return [packed_layer(rng, *layer, bits=1, **form) for layer in LAYERS]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    layers = [layer for z in (-128, -7, 127) for layer in layers_of(rng, zero_point=z)]
    assert {p.kernel for p in assert_packed_equal(rng, layers, CHIP, cc)} == {KERNEL}


def test_n2_reversed(rng):
    assert_packed_equal(rng, layers_of(rng), CHIP, backwards=True)


def random_layer(rng, **form):
    """Return a layer whose window may be larger than the image, but not than the padded one."""
    while True:
        h, w, c = (int(v) for v in rng.integers(1, (9, 9, 40)))
        window, stride, dilation = (tuple(int(v) for v in rng.integers(1, most, 2)) for most in (5, 4, 3))
        op = Conv2d(stride, dilation, tuple(int(v) for v in rng.integers(0, 6, 4)))
        try:
            return packed_layer(rng, op, (h, w, c), (int(rng.integers(1, 14)), *window, c), bits=1, **form)
        except ValueError:
            continue


def test_equals_portable(rng):
    layers = [random_layer(rng, zero_point=int(rng.choice([-128, 0, 127]))) for _ in range(150)]
    assert assert_runs_equal(rng, layers, CHIP) == {KERNEL}


@pytest.mark.parametrize("seed", range(3))
def test_n2_fuzz(seed):
    rng = np.random.default_rng(seed)
    layers = [random_layer(rng, zero_point=int(rng.choice([-128, 0, 127]))) for _ in range(40)]
    assert {p.kernel for p in assert_packed_equal(rng, layers, CHIP)} == {KERNEL}


@pytest.mark.parametrize("cc", ["gcc", "clang"])
@pytest.mark.parametrize("seed", range(2))
def test_n2_multipliers_of_a_half_and_more(seed, cc):
    """Shifts from -3 to 5, from channel to channel, and multipliers at ties; some layers by the general requantize."""
    rng = np.random.default_rng(seed)
    zero_points = (-128, 0, 127)
    layers = [coarse(rng, random_layer(rng, zero_point=int(rng.choice(zero_points))), 0.05) for _ in range(30)]
    layers += [coarse(rng, random_layer(rng), 0.05, scale_out=s) for s in (1e-6, 1e-7) for _ in range(8)]
    params = assert_packed_equal(rng, layers, CHIP, cc)

    assert {p.kernel for p in params} == {KERNEL} and {p.general for p in params} == {0, 1}
    assert {int(shift) for p in params for shift in p.shift if not p.general} >= set(range(-3, 6))


@pytest.mark.parametrize("general", [0, 1])
def test_n2_the_limits_of_accumulators_that_shift_left(general):
    """2^29 after the shift is one too many for the fast requantize."""
    x, y = QTensor((1, 5, 1, 1), 1.0, 0), QTensor((1, 5, 1, 2), 1.0, 0)
    most = (1 << 25) - 128 - 1 + general  # the shift is 4, the largest product 128
    for sign in (-1, 1):
        weights = QConstant(np.array([-sign, 1], np.int8).reshape(2, 1, 1, 1), np.full(2, 8.0), bits=1)
        bias = QConstant(np.array([sign * most, 5], np.int32), np.ones(1))
        params, portable = (kernel_for(Conv2d(), [x, w, bias], y, CHIP) for w in (weights, weights.in_bytes))
        data = np.array([[-128, 127, -1, 0, 1]], np.int8)

        assert params.shift.tolist() == [4, 4] and params.general == general
        assert_kernels_equal_run([Case(params, [data])])
        np.testing.assert_array_equal(params.run(data), portable.run(data))


def test_equals_the_general_requantize(rng):
    """Layers of scales of either kind, computed by both."""
    layers = [packed_layer(rng, *layer, bits=1) for layer in LAYERS]
    layers += [coarse(rng, layer, 0.05) for layer in layers]
    params = [layer.lower(CHIP) for layer in layers]
    assert not any(p.general for p in params)
    assert_kernels_equal_run(
        [Case(replace(p, general=1), [random_inputs(rng, x.x)]) for p, x in zip(params, layers, strict=True)]
    )


@pytest.mark.parametrize("value", [-1, 1])
def test_n2_largest_sums(rng, value):
    """Chunks of equal weights: lanes at the limits of their 16 bits."""
    cases = []
    for pixels, count in [(4, 64), (4, 65), (4, 300), (1, 128), (1, 129), (2, 640)]:
        x, y = QTensor((1, pixels, 1, count), 0.05, -128), QTensor((1, pixels, 1, 5), 5.0, 0)
        weights = QConstant(np.full((5, 1, 1, count), value, np.int8), np.full(5, 0.02), bits=1)
        cases.append(Case(kernel_for(Conv2d(), [x, weights], y, CHIP), [random_bytes(rng, 3, pixels * count)]))
    assert {case.params.kernel for case in cases} == {KERNEL}
    assert_kernels_equal_run(cases)


@pytest.mark.parametrize("isa", ["rv32", "xtensa"])
def test_n4_on_the_emulated_chip(rng, isa):
    for tool in ("riscv64-unknown-elf-gcc", "qemu-system-riscv32", "xtensa-lx106-elf-gcc", "qemu-system-xtensa"):
        require_tool(tool, "apt-get install gcc-riscv64-unknown-elf gcc-xtensa-lx106 qemu-system-misc")
    layers = layers_of(rng) + [coarse(rng, layer, 0.05) for layer in layers_of(rng)] + layers_of(rng, scale_out=1e-9)
    cases = [Case(layer.lower(CHIP), [random_bytes(rng, 3, layer.x.elements)]) for layer in layers]
    assert_emulated_equals_run(cases, isa)


@pytest.mark.parametrize(
    ("op", "image", "shape", "form", "kernel"),
    [
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"bits": 1}, KERNEL),
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"bits": 1, "codebooks": 1}, PACKED),
        (Conv2d(groups=2), (4, 4, 8), (4, 1, 1, 4), {"bits": 1}, PACKED),
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"bits": 1, "scale_out": 1e-3}, KERNEL),  # multipliers of 1/2 and more
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"bits": 1, "scale_out": 1e-9}, KERNEL),  # of 10^6: the general requantize
        (Conv2d(), (4, 4, 8), (900, 1, 1, 8), {"bits": 1}, KERNEL),
        (Conv2d(), (4, 4, 8), (1000, 1, 1, 8), {"bits": 1}, PACKED),  # scratch
        (FullyConnected(), (64,), (8, 64), {"bits": 1}, KERNEL),
    ],
)
def test_choice_of_kernel(rng, op, image, shape, form, kernel):
    layer = packed_layer(rng, op, image, shape, **form)

    chips = ("esp32", "esp32s2", "esp32c3", "esp32p4")  # the vector unit of the ESP32-S3 has a kernel of its own
    assert {layer.lower(chip).kernel for chip in chips} == {kernel}
    assert layer.lower("generic").kernel == PACKED
    assert kernel == PACKED or layer.lower(CHIP).scratch_bytes <= MAX_SCRATCH


def test_depthwise_is_for_the_kernels_of_few_bits(rng):
    layer = packed_layer(rng, DepthwiseConv2d(), (4, 4, 8), (1, 3, 3, 8), bits=1)

    assert {chip: layer.lower(chip).kernel for chip in ("generic", "esp32", "esp32s2", "esp32c3")} == {
        "generic": PACKED,
        "esp32": "depthwise_conv2d_s8_packed_mac16",
        "esp32s2": "depthwise_conv2d_3x3_s8_packed_lanes",
        "esp32c3": "depthwise_conv2d_3x3_s8_packed_lanes",
    }


def test_a_channel_that_is_constant_keeps_its_bytes(rng):
    """Its bias is beyond the fast requantize, and a weight of 0 beyond 1 bit: the general requantize takes it."""
    x, y = QTensor((1, 4, 4, 8), 0.05, 0), QTensor((1, 4, 4, 2), 0.3, 3)
    weights = QConstant(rng.choice([-1, 1], (2, 1, 1, 8)).astype(np.int8), np.full(2, 0.01), bits=1)
    bias = QConstant(np.array([1 << 30, 5], np.int32), np.ones(1))
    packed, portable = (kernel_for(Conv2d(), [x, w, bias], y, CHIP) for w in (weights, weights.in_bytes))
    data = random_bytes(rng, 3, x.elements)

    assert (packed.kernel, packed.general) == (KERNEL, 1)
    assert_kernels_equal_run([Case(packed, [data])])
    np.testing.assert_array_equal(packed.run(data), portable.run(data))


def test_scratch_of_64_channels(rng):
    params = packed_layer(rng, Conv2d(padding=(1, 1, 1, 1)), (8, 8, 64), (64, 3, 3, 64), bits=1).lower(CHIP)

    assert params.scratch_bytes == 3200
    assert params.weights.nbytes == 64 * 576 // 8


@pytest.mark.parametrize(("channels", "count", "chunk"), [(1, 1, 64), (5, 9, 128), (7, 65, 64), (3, 300, 128)])
def test_packing_is_undone(rng, channels, count, chunk):
    weights = rng.choice([-1, 1], (channels, count)).astype(np.int8)
    words = in_words(weights, chunk)

    np.testing.assert_array_equal(from_words(words, chunk, channels, count), weights)
    assert words.nbytes == 4 * channels * -(-count // 32)
