"""Slide: its kernel against numpy, in its place or not, by words or by bytes."""

import numpy as np
import pytest
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run, random_bytes
from requirements import require

from mcuq.errors import CannotQuantizeError
from mcuq.ops.slide import Slide, SlideParams
from mcuq.tensor import QTensor

# axis, window, new rows
CASES = [
    (1, (1, 5, 1, 8), 1),
    (1, (1, 5, 1, 8), 5),
    (1, (1, 9, 3, 4), 2),
    (1, (1, 3, 1, 7), 1),
    (2, (1, 4, 6, 3), 2),
    (2, (1, 4, 6, 4), 5),
    (1, (1, 40, 1, 16), 1),
    (0, (3, 5), 1),
]


def lowered(axis, window, new, **changes) -> SlideParams:
    shape = (*window[:axis], new, *window[axis + 1 :])
    x = QTensor(shape, **{"scale": 0.1, "zero_point": 3, **changes})
    return Slide(axis).lower([x, QTensor(window, 0.1, 3)], QTensor(window, 0.1, 3))


def cases(rng) -> list[Case]:
    params = [lowered(*case) for case in CASES]
    return [
        Case(p, [random_bytes(rng, 3, p.blocks * p.new_bytes), random_bytes(rng, 3, p.blocks * p.window_bytes)])
        for p in params
    ]


def test_n2_kernel_equals_run(rng):
    assert_kernels_equal_run(cases(rng))


@pytest.mark.parametrize("isa", ["rv32", "xtensa"])
def test_n4_kernel_equals_run_on_an_emulated_chip(rng, isa):
    require(
        *{"rv32": ("picolibc", "qemu-system-riscv32"), "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa")}[isa]
    )
    assert_emulated_equals_run(cases(rng), isa)


@pytest.mark.parametrize(("axis", "window", "new"), CASES)
def test_table_is_the_formula(rng, axis, window, new):
    """The last rows of the window and the new ones together, in integers and in real numbers."""
    shape = (*window[:axis], new, *window[axis + 1 :])
    x, old = (rng.integers(-128, 128, (2, *s)).astype(np.int8) for s in (shape, window))
    both = np.concatenate([old, x], axis=1 + axis)
    expected = both.take(range(new, both.shape[1 + axis]), 1 + axis)
    got = lowered(axis, window, new).run(x.reshape(2, -1), old.reshape(2, -1))
    np.testing.assert_array_equal(got.reshape(expected.shape), expected)
    np.testing.assert_array_equal(Slide(axis).forward(x.astype(float), old.astype(float)), expected)


def test_c1_shapes():
    assert Slide(1).infer_shape((1, 2, 3), (1, 5, 3)) == (1, 5, 3)
    for new, window in (((1, 6, 3), (1, 5, 3)), ((1, 2, 4), (1, 5, 3)), ((1, 2), (1, 5, 3))):
        with pytest.raises(ValueError, match="cannot take"):
            Slide(1).infer_shape(new, window)
    with pytest.raises(ValueError, match="axis 3 of 3 dimensions"):
        Slide(3).infer_shape((1, 2, 3), (1, 5, 3))


def test_c2_quantization_must_be_equal():
    with pytest.raises(CannotQuantizeError, match="the new rows have"):
        lowered(1, (1, 5, 2), 1, zero_point=4)


def test_the_window_slides_in_its_place(rng):
    """A state is written over the old one."""
    params = lowered(1, (1, 5, 1, 8), 1)
    assert params.writes_over(1, 0)
    assert not params.writes_over(0, 0)
