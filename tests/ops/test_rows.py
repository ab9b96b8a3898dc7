"""Rows: its kernel against numpy, by words or by bytes, and what it takes."""

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from requirements import require

from mcuq.errors import CannotQuantizeError
from mcuq.ops.rows import Rows, RowsParams
from mcuq.tensor import QTensor

# shape, first row, rows
CASES = [((1, 5, 1, 8), 1, 2), ((1, 5, 3, 8), 0, 5), ((1, 9, 3, 5), 2, 7), ((1, 3, 7), 2, 1), ((1, 40), 3, 33)]


def lowered(shape, begin, count, moved=True, scale=0.1) -> RowsParams:
    op = Rows(begin, count, moved)
    return op.lower([QTensor(shape, 0.1, 3)], QTensor(op.infer_shape(shape), scale, 3))


def cases(rng) -> list[Case]:
    return [Case(lowered(*case), [random_bytes(rng, 3, int(np.prod(case[0])))]) for case in CASES]


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run(cases(rng))


@pytest.mark.parametrize("isa", ["rv32", "xtensa"])
def test_n4_kernel_equals_run_on_an_emulated_chip(rng, isa):
    require(
        *{"rv32": ("picolibc", "qemu-system-riscv32"), "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")}[isa]
    )
    assert_emulated_equals_run(cases(rng), isa)


@pytest.mark.parametrize(("shape", "begin", "count"), CASES)
def test_table_is_the_formula(rng, shape, begin, count):
    x = rng.integers(-128, 128, (2, *shape)).astype(np.int8)
    got = lowered(shape, begin, count).run(x.reshape(2, -1))
    np.testing.assert_array_equal(got.reshape(2, 1, count, *shape[2:]), Rows(begin, count).forward(x))
    np.testing.assert_array_equal(got, x[:, :, begin : begin + count].reshape(2, -1))


def test_a_view_unless_it_is_moved():
    assert lowered(*CASES[0], moved=False).is_view
    assert lowered(*CASES[0], moved=False).view_offset == 8
    assert not lowered(*CASES[0]).is_view


def test_c1_rows_are_there():
    assert Rows(1, 2).infer_shape((1, 3, 4)) == (1, 2, 4)
    for shape in ((1, 2, 4), (2, 3, 4), (3,)):
        with pytest.raises(ValueError, match="does not have 2 rows from 1 on"):
            Rows(1, 2).infer_shape(shape)


def test_c2_one_quantization():
    with pytest.raises(CannotQuantizeError, match="must be equal"):
        lowered(*CASES[0], scale=0.2)
