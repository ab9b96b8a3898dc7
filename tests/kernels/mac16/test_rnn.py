"""Simple recurrent layer on MAC16: what the kernel takes, that assembly and C equal the portable one, its cost."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from chips import chips_with, families
from harness import Case, assert_kernels_equal_run
from requirements import require
from rnn_layers import Layer

from kernels.mac16.emulated import assert_assembly_equals_run
from mcuq.kernels import chosen
from mcuq.kernels import layer as kernel_layer
from mcuq.ops.base import Params

RNN, PORTABLE = "rnn_s8_mac16", "rnn_s8"
SIZES = [
    {"units": 8},
    {"steps": 2, "inputs": 33, "units": 17},
    {"steps": 3, "inputs": 9, "units": 31, "per_tensor": True},
    {"inputs": 1, "units": 12},
    {"inputs": 16, "units": 16},
    {"inputs": 40, "units": 9},
]


def served(params: Params, chip: str = "esp32") -> Params:
    return chosen(kernel_layer.Layer(params, (), at_border=False), families(chip))


def quiet(layer: Layer) -> Params:
    """A layer whose products are right shifts: MAC16 serves no others."""
    params = layer.params()
    shift, recurrent_shift = (np.minimum(s, np.int8(-1)) for s in (params.shift, params.recurrent_shift))
    return dataclasses.replace(params, shift=shift, recurrent_shift=recurrent_shift)


def cases_of(sizes, seed=0, count=4) -> tuple[Case, Case]:
    """The same inputs for the portable kernel and for the chip's."""
    layer = Layer(np.random.default_rng(seed), **sizes)
    params, inputs = quiet(layer), layer.samples(count)
    return Case(params, inputs), Case(served(params), inputs)


@pytest.mark.parametrize(
    ("sizes", "kernel"),
    [({"inputs": 64, "units": 64}, RNN), ({"inputs": 9, "units": 7}, RNN), ({"inputs": 1, "units": 1}, RNN)],
    ids=str,
)
def test_choice_of_kernel(sizes, kernel):
    params = quiet(Layer(np.random.default_rng(0), steps=1, **sizes))

    assert {served(params, chip).kernel for chip in chips_with("mac16")} == {kernel}
    assert served(params, "generic").kernel == PORTABLE


def test_what_the_cores_do_not_serve_stays_portable():
    """Products that become larger in Q3.12 than half their sums, sums beyond 24 bits."""
    params = quiet(Layer(np.random.default_rng(0), units=9))

    assert served(params).kernel == RNN
    assert served(dataclasses.replace(params, shift=np.zeros_like(params.shift))).kernel == PORTABLE
    assert served(dataclasses.replace(params, recurrent_bias=params.recurrent_bias + (1 << 23))).kernel == PORTABLE


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
    for _ in range(15):
        steps, inputs, units = (int(n) for n in rng.integers(1, (4, 40, 24)))
        sizes = {"steps": steps, "inputs": inputs, "units": units}
        portable, case = cases_of(sizes, int(rng.integers(1 << 30)))
        np.testing.assert_array_equal(case.outputs[0], portable.outputs[0])


@pytest.mark.parametrize("member", ["weights", "recurrent", "recurrent_bias"])
def test_run_sees_a_packing_error(member):
    portable, case = cases_of({"inputs": 16, "units": 8})
    broken = dataclasses.replace(case.params, **{member: np.roll(getattr(case.params, member), 1)})

    assert not np.array_equal(broken.run(*case.inputs), portable.outputs[0])


def test_instructions_per_multiplication():
    """A step of 64 units and 64 inputs, all of it."""
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
    import bench_layer

    _, case = cases_of({"steps": 1, "inputs": 64, "units": 64})
    counted = bench_layer.instructions(case.params, *(x[:1] for x in case.inputs), engine="xtensa")

    assert case.params.kernel == RNN
    assert counted <= 3.0 * 64 * (64 + 64)
