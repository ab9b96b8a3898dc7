"""GRU on RV32IMC: what the kernel takes, that it equals the portable one, its cost."""

import numpy as np
import pytest
from chips import chips_with
from gru_layers import Layer
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require

from kernels.recurrent_layers import (
    assert_packing_error_is_seen,
    assert_same_outputs,
    drawn,
    instructions,
    pair,
    served,
    with_smaller_weights,
)

GRU, PORTABLE = "gru_s8_lanes", "gru_s8"
CHIP = "esp32c3"
SIZES = [
    {"units": 8},
    {"units": 8, "after": False},
    {"steps": 2, "inputs": 33, "units": 17, "after": False},
    {"steps": 3, "inputs": 9, "units": 31, "per_tensor": True},
    {"inputs": 1, "units": 12, "power": -9, "after": False},
    {"units": 9, "power": -13},
]


def cases_of(sizes, seed=0, smaller=0) -> tuple[Case, Case]:
    layer = Layer(np.random.default_rng(seed), **sizes)
    return pair(layer, CHIP, lambda params: with_smaller_weights(params, smaller))


@pytest.mark.parametrize(
    ("sizes", "kernel"),
    [({"inputs": 64, "units": 64}, GRU), ({"inputs": 1, "units": 8}, GRU), ({"inputs": 9, "units": 7}, PORTABLE)],
    ids=str,
)
def test_choice_of_kernel(sizes, kernel):
    params = Layer(np.random.default_rng(0), steps=1, **sizes).params()

    assert {served(params, chip).kernel for chip in chips_with("lanes")} == {kernel}
    assert served(params, "generic").kernel == PORTABLE


def all_cases() -> list[Case]:
    numbered = list(enumerate(SIZES))
    cases = [cases_of(sizes, seed, smaller=smaller)[1] for smaller in (0, 1, 2) for seed, sizes in numbered]
    assert {case.params.kernel for case in cases} == {GRU}
    assert {case.params.chunk for case in cases} >= {1, 4, 8}
    assert {case.params.general for case in cases} == {0, 1}
    return cases


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(cc):
    assert_kernels_equal_run(all_cases(), cc)


def test_n4_kernel_equals_run_on_an_emulated_chip():
    require("picolibc", "qemu-system-riscv32")
    assert_emulated_equals_run(all_cases(), "rv32")


@pytest.mark.parametrize("seed", range(2))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    for sizes, own in drawn(rng, (1, 1, 8)):
        assert_same_outputs(*cases_of(sizes | {"after": bool(rng.random() < 0.5)}, own, smaller=int(rng.integers(4))))


@pytest.mark.parametrize("member", ["weights", "recurrent", "fresh"])
def test_run_sees_a_packing_error(member):
    assert_packing_error_is_seen(*cases_of({"inputs": 16, "units": 8}), member)


@pytest.mark.parametrize("after", [True, False])
def test_instructions_per_multiplication(after):
    """A step of 64 units and 64 inputs, all of it; weights half as large as they may be."""
    require("picolibc", "qemu-system-riscv32")
    _, case = cases_of({"steps": 1, "inputs": 64, "units": 64, "after": after}, smaller=1)

    assert (case.params.kernel, case.params.chunk) == (GRU, 4)
    assert instructions(case, "rv32") <= 4.0 * 3 * 64 * (64 + 64)
