"""MeanOfSums: its kernel against numpy, and the bytes of the pool or mean that it stands for."""

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require

from mcuq.errors import CannotQuantizeError
from mcuq.ops.average_pool import AveragePool
from mcuq.ops.mean import Mean
from mcuq.ops.mean_of_sums import MeanOfSums
from mcuq.tensor import QTensor

CHANNELS = 9
PIXELS = [(5, 1), (7, 3), (1, 1), (6, 4)]
QUANTIZATION = [((0.1, -3), (0.1, -3)), ((0.05, -128), (0.05, -128)), ((0.1, 127), (0.04, 9))]


def lowered(pixels, quantization, divides=False, low=-128, high=127):
    (x_scale, x_zero), (y_scale, y_zero) = quantization
    op = MeanOfSums((1, CHANNELS), pixels, x_scale, x_zero, divides, low, high)
    return op.lower([QTensor((4 * CHANNELS,), 1.0, 0)], QTensor((1, CHANNELS), y_scale, y_zero))


def summed(x) -> np.ndarray:
    return x.reshape(len(x), -1, CHANNELS).sum(axis=1).astype("<i4").view(np.int8)


def cases(rng) -> list[Case]:
    found = []
    for rows, columns in PIXELS:
        x = summed(rng.integers(-128, 128, (3, rows, columns, CHANNELS)))
        for q in QUANTIZATION:
            found.append(Case(lowered(rows * columns, q, q[0] == q[1], -100, 90), [x]))
    return found


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run(cases(rng))


@pytest.mark.parametrize("isa", ["rv32", "xtensa"])
def test_n4_kernel_equals_run_on_an_emulated_chip(rng, isa):
    require(
        *{"rv32": ("picolibc", "qemu-system-riscv32"), "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")}[isa]
    )
    assert_emulated_equals_run(cases(rng), isa)


@pytest.mark.parametrize("pixels", PIXELS)
@pytest.mark.parametrize("quantization", QUANTIZATION)
@pytest.mark.parametrize("divides", [False, True])
def test_table_is_the_layer_that_it_stands_for(rng, pixels, quantization, divides):
    if divides and quantization[0] != quantization[1]:
        pytest.skip("an average pool keeps scale and zero point")
    x = rng.integers(-128, 128, (20, *pixels, CHANNELS)).astype(np.int8)
    x[0], x[1] = -128, 127
    tensors = QTensor((1, *pixels, CHANNELS), *quantization[0]), QTensor((1, 1, 1, CHANNELS), *quantization[1])
    layer = AveragePool(pixels) if divides else Mean((1, 2), keep_dims=True)
    expected = layer.lower([tensors[0]], tensors[1]).run(x.reshape(20, -1))
    got = lowered(pixels[0] * pixels[1], quantization, divides).run(summed(x.astype(np.int32)))
    np.testing.assert_array_equal(got, expected)


def test_c1_bytes_of_the_sums():
    assert MeanOfSums((1, 3), 4, 0.1, 0).infer_shape((12,)) == (1, 3)
    with pytest.raises(ValueError, match="does not hold the sums of 3 channels"):
        MeanOfSums((1, 3), 4, 0.1, 0).infer_shape((13,))


def test_c2_a_pool_keeps_its_quantization():
    with pytest.raises(CannotQuantizeError, match="same scale and zero point"):
        lowered(4, QUANTIZATION[2], divides=True)


def test_c3_sums_stay_within_int32():
    with pytest.raises(CannotQuantizeError, match="can leave int32"):
        lowered((1 << 31) // 255 + 1, QUANTIZATION[0])


def test_real_numbers_have_no_sums():
    with pytest.raises(CannotQuantizeError, match="divides integers"):
        MeanOfSums((1, 1), 4, 0.1, 0).forward(np.zeros(1))
