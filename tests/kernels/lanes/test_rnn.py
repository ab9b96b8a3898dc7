"""Simple recurrent layer on RV32IMC: what the kernel takes, that it equals the portable one, its cost."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from chips import chips_with, families
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from requirements import require
from rnn_layers import Layer

from mcuq.kernels import chosen
from mcuq.kernels import layer as kernel_layer
from mcuq.ops.base import Params

RNN, PORTABLE = "rnn_s8_lanes", "rnn_s8"
SIZES = [
    {"units": 8},
    {"steps": 2, "inputs": 33, "units": 17},
    {"steps": 3, "inputs": 9, "units": 31, "per_tensor": True},
    {"inputs": 1, "units": 12},
    {"inputs": 16, "units": 16},
    {"inputs": 40, "units": 9},
]


def served(params: Params, chip: str = "esp32c3") -> Params:
    return chosen(kernel_layer.Layer(params, (), at_border=False), families(chip))


def cases_of(sizes, seed=0, count=4, smaller=0) -> tuple[Case, Case]:
    """The same inputs for the portable kernel and for the chip's; weights some powers of two smaller."""
    layer = Layer(np.random.default_rng(seed), **sizes)
    params, inputs = layer.params(), layer.samples(count)
    changes = {
        "weights": params.weights // (1 << smaller),
        "recurrent": params.recurrent // (1 << smaller),
        "shift": params.shift + np.int8(smaller),
        "recurrent_shift": params.recurrent_shift + np.int8(smaller),
    }
    params = dataclasses.replace(params, **changes) if smaller else params
    return Case(params, inputs), Case(served(params), inputs)


@pytest.mark.parametrize(
    ("sizes", "kernel"),
    [({"inputs": 64, "units": 64}, RNN), ({"inputs": 1, "units": 8}, RNN), ({"inputs": 9, "units": 7}, PORTABLE)],
    ids=str,
)
def test_choice_of_kernel(sizes, kernel):
    params = Layer(np.random.default_rng(0), steps=1, **sizes).params()

    assert {served(params, chip).kernel for chip in chips_with("lanes")} == {kernel}
    assert served(params, "generic").kernel == PORTABLE


def all_cases() -> list[Case]:
    numbered = list(enumerate(SIZES))
    cases = [cases_of(sizes, seed, smaller=smaller)[1] for smaller in (0, 1, 2) for seed, sizes in numbered]
    assert {case.params.kernel for case in cases} == {RNN}
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
    for _ in range(15):
        steps, inputs, units = (int(n) for n in rng.integers((1, 1, 8), (4, 40, 24)))
        sizes = {"steps": steps, "inputs": inputs, "units": units}
        portable, case = cases_of(sizes, int(rng.integers(1 << 30)), smaller=int(rng.integers(4)))
        np.testing.assert_array_equal(case.outputs[0], portable.outputs[0])


@pytest.mark.parametrize("member", ["weights", "recurrent"])
def test_run_sees_a_packing_error(member):
    portable, case = cases_of({"inputs": 16, "units": 8})
    broken = dataclasses.replace(case.params, **{member: np.roll(getattr(case.params, member), 1)})

    assert not np.array_equal(broken.run(*case.inputs), portable.outputs[0])


def test_instructions_per_multiplication():
    """A step of 64 units and 64 inputs, all of it; weights half as large as they may be."""
    require("picolibc", "qemu-system-riscv32")
    sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
    import bench_layer

    _, case = cases_of({"steps": 1, "inputs": 64, "units": 64}, smaller=1)
    counted = bench_layer.instructions(case.params, *(x[:1] for x in case.inputs), engine="rv32")

    assert (case.params.kernel, case.params.chunk) == (RNN, 4)
    assert counted <= 4.0 * 64 * (64 + 64)
