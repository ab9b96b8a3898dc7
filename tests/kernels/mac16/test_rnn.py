"""Simple recurrent layer on MAC16: what the kernel takes, that assembly and C equal the portable one, its cost."""

import dataclasses

import numpy as np
import pytest
from chips import chips_with
from harness import Case, assert_kernels_equal_run
from requirements import require
from rnn_layers import Layer

from kernels.mac16.emulated import assert_assembly_equals_run
from kernels.recurrent_layers import (
    assert_packing_error_is_seen,
    assert_same_outputs,
    drawn,
    instructions,
    pair,
    quiet,
    served,
)

RNN, PORTABLE = "rnn_s8_mac16", "rnn_s8"
CHIP = "esp32"
SIZES = [
    {"units": 8},
    {"steps": 2, "inputs": 33, "units": 17},
    {"steps": 3, "inputs": 9, "units": 31, "per_tensor": True},
    {"inputs": 1, "units": 12},
    {"inputs": 16, "units": 16},
    {"inputs": 40, "units": 9},
]


def cases_of(sizes, seed=0) -> tuple[Case, Case]:
    return pair(Layer(np.random.default_rng(seed), **sizes), CHIP, quiet)


@pytest.mark.parametrize(
    ("sizes", "kernel"),
    [({"inputs": 64, "units": 64}, RNN), ({"inputs": 9, "units": 7}, RNN), ({"inputs": 1, "units": 1}, RNN)],
    ids=str,
)
def test_choice_of_kernel(sizes, kernel):
    params = quiet(Layer(np.random.default_rng(0), steps=1, **sizes).params())

    assert {served(params, chip).kernel for chip in chips_with("mac16")} == {kernel}
    assert served(params, "generic").kernel == PORTABLE


def test_what_the_cores_do_not_serve_stays_portable():
    """Products that become larger in Q3.12 than half their sums, sums beyond 24 bits."""
    params = quiet(Layer(np.random.default_rng(0), units=9).params())

    assert served(params, CHIP).kernel == RNN
    for beyond in ({"shift": np.zeros_like(params.shift)}, {"recurrent_bias": params.recurrent_bias + (1 << 23)}):
        assert served(dataclasses.replace(params, **beyond), CHIP).kernel == PORTABLE


def all_cases() -> list[Case]:
    cases = [cases_of(sizes, seed)[1] for seed, sizes in enumerate(SIZES)]
    assert {case.params.kernel for case in cases} == {RNN}
    assert {case.params.sharing for case in cases} == {1, 31}
    return cases


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(cc):
    assert_kernels_equal_run(all_cases(), cc)


@pytest.mark.parametrize("as_esp32", [False, True])
def test_n2_assembly_equals_run(as_esp32):
    assert_assembly_equals_run(all_cases(), as_esp32=as_esp32)


@pytest.mark.parametrize("seed", range(2))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    for sizes, own in drawn(rng, (1, 1, 1)):
        assert_same_outputs(*cases_of(sizes, own))


@pytest.mark.parametrize("member", ["weights", "recurrent", "recurrent_bias"])
def test_run_sees_a_packing_error(member):
    assert_packing_error_is_seen(*cases_of({"inputs": 16, "units": 8}), member)


def test_instructions_per_multiplication():
    """A step of 64 units and 64 inputs, all of it."""
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    _, case = cases_of({"steps": 1, "inputs": 64, "units": 64})

    assert case.params.kernel == RNN
    assert instructions(case, "xtensa") <= 3.0 * 64 * (64 + 64)
