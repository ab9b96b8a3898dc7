"""PixelSums: its kernel against numpy, and strip by strip the sum of all pixels."""

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from requirements import require

from mcuq.errors import CannotQuantizeError
from mcuq.ops.pixel_sums import PixelSums
from mcuq.tensor import QTensor

SHAPES = [(1, 5, 4), (2, 3, 7), (1, 1, 1), (4, 4, 16)]


def lowered(shape):
    channels = shape[-1]
    sums = QTensor((4 * channels,), 1.0, 0)
    return PixelSums(channels).lower([sums, QTensor((1, *shape), 0.1, -3)], sums)


def sums(rng, samples, channels) -> np.ndarray:
    return rng.integers(-(1 << 30), 1 << 30, (samples, channels)).astype("<i4").view(np.int8)


def cases(rng) -> list[Case]:
    return [Case(lowered(s), [sums(rng, 3, s[-1]), random_bytes(rng, 3, int(np.prod(s)))]) for s in SHAPES]


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run(cases(rng))


@pytest.mark.parametrize("isa", ["rv32", "xtensa"])
def test_n4_kernel_equals_run_on_an_emulated_chip(rng, isa):
    require(
        *{"rv32": ("picolibc", "qemu-system-riscv32"), "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")}[isa]
    )
    assert_emulated_equals_run(cases(rng), isa)


@pytest.mark.parametrize("shape", SHAPES)
def test_table_is_the_sum_strip_by_strip(rng, shape):
    params, strips = lowered(shape), rng.integers(-128, 128, (6, *shape)).astype(np.int8)
    total = np.zeros((1, 4 * shape[-1]), np.int8)
    for strip in strips:
        total = params.run(total, strip.reshape(1, -1))
    np.testing.assert_array_equal(total.view("<i4")[0], strips.reshape(-1, shape[-1]).sum(axis=0, dtype=np.int32))


def test_c1_pixels_and_sums_are_whole():
    assert PixelSums(3).infer_shape((12,), (1, 2, 3)) == (12,)
    for shapes in (((11,), (1, 2, 3)), ((12,), (1, 2, 4))):
        with pytest.raises(ValueError, match="are not sums and pixels of 3 channels"):
            PixelSums(3).infer_shape(*shapes)


def test_real_numbers_have_no_sums():
    with pytest.raises(CannotQuantizeError, match="sums integers"):
        PixelSums(1).forward(np.zeros(1), np.zeros(1))
