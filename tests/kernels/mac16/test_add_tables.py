"""Addition on MAC16 by tables in flash: its C twin and its assembly equal ``run``, which equals the portable one."""

import dataclasses

import numpy as np
import pytest
from harness import Case, assert_kernels_equal_run, random_bytes

from kernels.mac16.emulated import assert_assembly_equals_run
from kernels.mac16.layers import CHIP, addition, case_of, kernels, random_addition
from kernels.variants import ACTIVATIONS

KERNEL = "add_s8_tables_mac16"
SCALES = [(0.05, 0.05, 0.05), (0.05, 0.0001, 0.02), (0.001, 1.0, 3.0), (0.5, 0.3, 0.004), (1.0, 1.0, 2.0)]


def cases_with_tables(rng: np.random.Generator, activations: list[str]) -> list[Case]:
    """Equal and very unequal scales, ties, extreme zero points, saturating outputs."""
    cases: list[Case] = []
    for scales in SCALES:
        for zero_points in [(-128, -128, -128), (127, -128, 127), (0, 127, 3)]:
            for activation in activations:
                lower = addition((1, 512 + len(cases)), scales, zero_points, activation)
                cases.append(case_of(rng, lower(CHIP).frugal(0), lower("generic")))
    return cases


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(rng, cc):
    cases = cases_with_tables(rng, ACTIVATIONS)

    assert kernels(cases) == {KERNEL}
    assert_kernels_equal_run(cases, cc)


@pytest.mark.parametrize("as_esp32", [False, True])
def test_n2_assembly_equals_run(rng, as_esp32):
    assert_assembly_equals_run(cases_with_tables(rng, ["none"]), as_esp32=as_esp32)


def test_equals_portable(rng):
    found = []
    while len(found) < 60:
        lower = random_addition(rng)
        params = lower(CHIP).frugal(0)
        found += [case_of(rng, params, lower("generic"))] if params.kernel == KERNEL else []
    assert_kernels_equal_run(found)


def test_nothing_of_the_arena_is_taken_for_two_kilobytes_of_flash():
    params = addition((1, 600))(CHIP)

    assert params.scratch_bytes == 2048
    assert params.frugal(4096).scratch_bytes == 0
    assert sum(table.nbytes for _, table in params.frugal(0).tables()) == 2048


def test_run_sees_a_wrong_table(rng):
    lower = addition((1, 600))
    params, inputs = lower(CHIP).frugal(0), [random_bytes(rng, 4, 600), random_bytes(rng, 4, 600)]
    wrong = dataclasses.replace(params, table_a=np.roll(params.table_a, 1))
    assert not np.array_equal(wrong.run(*inputs), lower("generic").run(*inputs))
