"""Addition on the ESP32: which kernel takes which shapes, and that its portable C twin equals ``run``."""

import numpy as np
import pytest
from chips import chips_led_by, kernel_for
from harness import Case, assert_kernels_equal_run

from kernels.mac16 import layers as mac16_layers
from kernels.mac16.layers import CHIP, addition, case_of, kernels, random_cases
from kernels.variants import ACTIVATIONS
from mcuq.ops.add import Add
from mcuq.ops.base import IN_PLACE
from mcuq.tensor import QTensor

TABLES, PORTABLE = "add_s8_mac16", "add_s8"
IMAGE = (1, 8, 8, 16)


def lowered(chip, a, b):
    op = Add()
    y = QTensor(op.infer_shape(a, b), 0.1, -128)
    return kernel_for(op, [QTensor(a, 0.05, -7), QTensor(b, 0.07, 3)], y, chip)


@pytest.mark.parametrize(
    ("a", "b", "kernel"),
    [
        (IMAGE, IMAGE, TABLES),
        ((1, 512), (1, 512), TABLES),
        ((1, 511), (1, 511), PORTABLE),  # tables would cost more than they save
        (IMAGE, (16,), PORTABLE),
        (IMAGE, (1, 1, 1, 1), PORTABLE),
        ((1, 8, 8, 1), (1, 8, 8, 16), PORTABLE),
    ],
)
def test_choice_of_kernel(a, b, kernel):
    assert {lowered(chip, a, b).kernel for chip in chips_led_by("mac16")} == {kernel}
    assert lowered("generic", a, b).kernel == PORTABLE


@pytest.mark.parametrize(
    ("scales", "kernel"),
    [
        ((1.0, 1.0, 3.9 * 2.0**-20), PORTABLE),  # no shift to the right
        ((1.0, 1.0, 4.1 * 2.0**-20), TABLES),  # by 1
        ((1.0, 1.0, 7.9), TABLES),  # by 21
        ((1.0, 1.0, 8.1), PORTABLE),  # by 22
        ((1.0, 1e-9, 1.1), TABLES),
    ],
)
def test_scales_that_are_covered(scales, kernel):
    assert addition(IMAGE, scales)(CHIP).kernel == kernel


def test_output_may_be_either_operand():
    params = addition(IMAGE)(CHIP)

    assert params.overlap(0) == params.overlap(1) == IN_PLACE


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    """Equal and very unequal scales, extreme zero points, saturating outputs, every activation."""
    cases = []
    for scales in [(0.05, 0.05, 0.05), (0.05, 0.0001, 0.02), (0.001, 1.0, 3.0), (0.5, 0.3, 0.004)]:
        for zero_points in [(-128, -128, -128), (127, -128, 127), (0, 127, 3)]:
            for activation in ACTIVATIONS:
                lower = addition((1, 1024 + len(cases)), scales, zero_points, activation)
                cases.append(case_of(rng, lower(CHIP), lower("generic")))
    assert kernels(cases) == {TABLES}
    assert_kernels_equal_run(cases, cc)


def test_equals_portable(rng):
    assert_kernels_equal_run(random_cases(rng, mac16_layers.random_addition, 80))


@pytest.mark.parametrize("zero_point", [-128, 5])
def test_every_pair_of_values(zero_point):
    a, b = (v.ravel().astype(np.int8)[np.newaxis] for v in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)))
    lower = addition((1, a.size), zero_points=(-3, 9, zero_point))
    params = lower(CHIP)
    np.testing.assert_array_equal(params.run(a, b), lower("generic").run(a, b))
    assert_kernels_equal_run([Case(params, [a, b])])
