"""What the tests of the RV32IMC kernels for few bits share: layers, and the comparison on the emulated chip."""

import numpy as np
from harness import Case, assert_emulated_equals_run, random_bytes
from requirements import require_tool

from kernels.packed_layers import PackedLayer, packed_layer
from mcuq.ops.conv2d import Conv2d
from mcuq.ops.fully_connected import FullyConnected
from mcuq.ops.window import same_padding

CHIP, PORTABLE = "esp32c3", "conv2d_s8_packed"
ZERO_POINTS = (-128, -7, 127)
CONVOLUTIONS = [  # operator, input, weights; channels, taps and pixels of every remainder, borders
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
BLOCKS = (Conv2d(padding=(1, 1, 1, 1)), (3, 3, 70), (60, 3, 3, 70))  # of taps, that do not divide a row
PASSES = (Conv2d(padding=(1, 0, 1, 1)), (3, 4, 70), (150, 3, 2, 70))  # of channels, for which taps are joined again
VECTORS = [
    (FullyConnected(activation="relu"), (37,), (9, 37)),
    (FullyConnected(), (300,), (8, 300)),
    (FullyConnected(), (2, 41), (33, 41)),
    (FullyConnected(), (1,), (1, 1)),
    (Conv2d(), (3, 4, 5), (17, 3, 4, 5)),
    (Conv2d(activation="relu6"), (1, 2, 16), (16, 1, 1, 16)),
]


def assert_equal_on_the_emulated_chip(rng: np.random.Generator, layers: list[PackedLayer]) -> None:
    for tool in ("riscv64-unknown-elf-gcc", "qemu-system-riscv32"):
        require_tool(tool, "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc")
    cases = [Case(layer.lower(CHIP), [random_bytes(rng, 3, layer.x.elements)]) for layer in layers]
    assert_emulated_equals_run(cases, "rv32")


def random_convolutions(rng: np.random.Generator, count: int, **form) -> list[PackedLayer]:
    layers = []
    while len(layers) < count:
        h, w, c = (int(v) for v in rng.integers(1, 12, 3))
        window, stride, dilation = (tuple(int(v) for v in rng.integers(1, most, 2)) for most in (5, 4, 3))
        op = Conv2d(stride, dilation, tuple(int(v) for v in rng.integers(0, 4, 4)))
        try:
            layer = packed_layer(rng, op, (h, w, c), (int(rng.integers(1, 14)), *window, c), scale_out=0.2, **form)
        except ValueError:
            continue  # the window is larger than the padded image
        layers.append(layer)
    return layers


def random_vectors(rng: np.random.Generator, count: int, **form) -> list[PackedLayer]:
    sizes = [tuple(int(v) for v in rng.integers(1, most)) for most in [(3, 300, 40)] * count]
    return [packed_layer(rng, FullyConnected(), (n, i), (o, i), scale_out=0.2, **form) for n, i, o in sizes]
