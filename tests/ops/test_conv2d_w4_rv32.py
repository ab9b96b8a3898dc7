"""4-bit convolution on RV32IMC: which layers it takes, and that it equals the kernel with a byte per weight."""

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from packed_layers import assert_packed_equal, packed_layer
from requirements import require_tool

from mcuq.ops.base import RV32_CHIPS
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.conv2d_w4_rv32 import MAX_SCRATCH, from_words, in_words, scratch
from mcuq.ops.depthwise_conv2d import DepthwiseConv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.window import same_padding
from mcuq.tensor import QConstant, QTensor

CHIP, KERNEL, PORTABLE = "esp32c3", "conv2d_s8_w4_rv32", "conv2d_s8_packed"
LAYERS = [  # operator, input, weights; channels and taps of every remainder, chunks full and not, borders
    (Conv2d(), (5, 1, 3), (4, 1, 1, 3)),
    (Conv2d(), (3, 3, 1), (1, 1, 1, 1)),
    (Conv2d(), (2, 3, 30), (5, 1, 1, 30)),
    (Conv2d(), (2, 2, 31), (6, 1, 1, 31)),
    (Conv2d(activation="relu"), (1, 3, 64), (7, 1, 1, 64)),
    (Conv2d(padding=(1, 1, 1, 1)), (5, 4, 6), (5, 3, 3, 6)),
    (Conv2d((2, 2), (1, 1), same_padding((9, 10), (10, 4), (2, 2))), (9, 10, 1), (7, 10, 4, 1)),
    (Conv2d(dilation=(2, 2), padding=(2, 2, 2, 2)), (5, 4, 6), (8, 3, 3, 6)),
    (Conv2d(padding=(9, 0, 9, 0)), (2, 2, 1), (1, 7, 7, 1)),
    (FullyConnected(), (4, 7), (3, 7)),
]


@pytest.mark.parametrize("bits", [3, 4])
@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, bits, cc):
    layers = [packed_layer(rng, *layer, bits=bits, zero_point=z) for layer in LAYERS for z in (-128, -7, 127)]
    assert {p.kernel for p in assert_packed_equal(rng, layers, CHIP, cc)} == {KERNEL}


def test_n2_reversed(rng):
    assert_packed_equal(rng, [packed_layer(rng, *layer, bits=4) for layer in LAYERS], CHIP, backwards=True)


@pytest.mark.parametrize("seed", range(3))
def test_n2_fuzz(seed):
    rng = np.random.default_rng(seed)
    layers = []
    while len(layers) < 40:
        h, w, c = (int(v) for v in rng.integers(1, 12, 3))
        window, stride, dilation = (tuple(int(v) for v in rng.integers(1, most, 2)) for most in (5, 4, 3))
        op = Conv2d(stride, dilation, tuple(int(v) for v in rng.integers(0, 4, 4)))
        try:
            layer = packed_layer(rng, op, (h, w, c), (int(rng.integers(1, 14)), *window, c), bits=4, scale_out=0.2)
        except ValueError:
            continue  # the window is larger than the padded image
        layers.append(layer)
    assert_packed_equal(rng, layers, CHIP)


def worst_layers():
    """Every product at its largest, in chunks of 30 taps: one more would leave 16 bits."""
    for taps in (29, 30, 31, 60, 61, 90, 128):
        for value in (-8, 7):
            x, y = QTensor((1, 2, 2, taps), 0.05, -128), QTensor((1, 2, 2, 4), 5.0, 0)
            weights = QConstant(np.full((4, 1, 1, taps), value, np.int8), np.full(4, 0.02), bits=4)
            yield Conv2d().lower([x, weights], y, CHIP)


def test_n2_largest_sums(rng):
    cases = [Case(p, [random_bytes(rng, 3, 4 * p.input_c)]) for p in worst_layers()]
    assert {case.params.kernel for case in cases} == {KERNEL}
    assert_kernels_equal_run(cases)


def test_n4_on_the_emulated_chip(rng):
    for tool in ("riscv64-unknown-elf-gcc", "qemu-system-riscv32"):
        require_tool(tool, "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc")
    layers = [packed_layer(rng, *layer, bits=4) for layer in LAYERS]
    cases = [Case(layer.lower(CHIP), [random_bytes(rng, 3, layer.x.elements)]) for layer in layers]
    assert_emulated_equals_run(cases, "rv32")


@pytest.mark.parametrize(
    ("op", "image", "shape", "form", "kernel"),
    [
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"bits": 4}, KERNEL),
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"bits": 2}, PORTABLE),  # in 2 bits
        (Conv2d(), (4, 4, 8), (4, 1, 1, 8), {"bits": 4, "codebooks": 1}, PORTABLE),
        (Conv2d(groups=2), (4, 4, 8), (4, 1, 1, 4), {"bits": 4}, PORTABLE),
        (Conv2d(), (1, 2, 8), (4, 1, 1, 8), {"bits": 4}, PORTABLE),  # two pixels
        (Conv2d(), (4, 4, 64), (4, 3, 3, 64), {"bits": 4}, KERNEL),
        (Conv2d(), (4, 4, 128), (4, 3, 3, 128), {"bits": 4}, PORTABLE),  # scratch
        (DepthwiseConv2d(), (4, 4, 8), (1, 3, 3, 8), {"bits": 4}, PORTABLE),
        (FullyConnected(), (64,), (8, 64), {"bits": 4}, PORTABLE),
    ],
)
def test_choice_of_kernel(rng, op, image, shape, form, kernel):
    layer = packed_layer(rng, op, image, shape, **form)

    assert {layer.lower(chip).kernel for chip in RV32_CHIPS} == {kernel}
    assert layer.lower("generic").kernel == PORTABLE
    assert kernel == PORTABLE or layer.lower(CHIP).scratch_bytes <= MAX_SCRATCH


def test_scratch_of_64_channels():
    assert scratch(3, 192) == 4992


@pytest.mark.parametrize(("channels", "taps"), [(1, 1), (4, 2), (5, 9), (7, 30), (64, 64)])
def test_packing_is_undone(rng, channels, taps):
    weights = rng.integers(-8, 8, (channels, taps)).astype(np.int8)
    words = in_words(weights)

    np.testing.assert_array_equal(from_words(words, channels, taps), weights)
    assert words.nbytes == 4 * -(-channels // 4) * -(-taps // 2)
