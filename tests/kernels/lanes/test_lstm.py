"""LSTM on RV32IMC: which layers the kernel takes, that it equals the portable one, and its instructions."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from chips import chips_with, families
from harness import Case, assert_emulated_equals_run, assert_kernels_equal_run
from lstm_layers import LAYERS, Layer, case_of
from requirements import require

from mcuq.kernels import chosen
from mcuq.kernels import layer as kernel_layer
from mcuq.ops.base import Params

LSTM, PORTABLE = "lstm_s8_lanes", "lstm_s8"
SIZES = [*LAYERS, {"inputs": 64, "units": 8, "trained": True}, {"inputs": 9, "units": 31, "trained": True}]


def served(params: Params, chip: str = "esp32c3") -> Params:
    return chosen(kernel_layer.Layer(params, (), at_border=False), families(chip))


def cases_of(sizes, seed=0, count=4) -> tuple[Case, Case]:
    """The same inputs for the portable kernel and for the chip's."""
    portable = case_of(Layer(np.random.default_rng(seed), **sizes), count)
    return portable, Case(served(portable.params), portable.inputs)


@pytest.mark.parametrize(
    ("sizes", "kernel"),
    [
        ({"inputs": 64, "units": 64}, LSTM),
        ({"inputs": 1, "units": 2}, LSTM),
        ({"inputs": 1, "units": 1}, PORTABLE),  # four channels, fewer than it takes at a time
        ({"inputs": 8, "units": 500}, LSTM),
        ({"inputs": 2049, "units": 2}, LSTM),  # products one by one need no scratch
    ],
    ids=str,
)
def test_choice_of_kernel(sizes, kernel):
    params = case_of(Layer(np.random.default_rng(0), steps=1, **sizes), 4).params

    assert {served(params, chip).kernel for chip in chips_with("lanes")} == {kernel}
    assert served(params, "generic").kernel == PORTABLE


def small_weights() -> Case:
    case = case_of(Layer(np.random.default_rng(5), inputs=37, units=9, trained=True), 4)
    small = dataclasses.replace(
        case.params,
        weights=case.params.weights // 5,
        recurrent=case.params.recurrent // 5,
        shift=case.params.shift + 3,
    )
    return Case(served(small), case.inputs)


def test_chunks_are_long_where_weights_are_small():
    sizes = [{}, {"trained": True}]
    chunks = [cases_of({"inputs": 64, "units": 64, "steps": 1} | more)[1].params.chunk for more in sizes]

    assert [*chunks, small_weights().params.chunk] == [1, 4, 8]


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(cc):
    cases = [cases_of(sizes, seed)[1] for seed, sizes in enumerate(SIZES)] + [small_weights()]
    assert {case.params.kernel for case in cases} == {LSTM, PORTABLE}
    assert {case.params.chunk for case in cases if case.params.kernel == LSTM} == {1, 3, 4, 8}
    assert {case.params.general for case in cases if case.params.kernel == LSTM} == {0, 1}
    assert_kernels_equal_run(cases, cc)


def test_n4_kernel_equals_run_on_an_emulated_chip():
    require("picolibc", "qemu-system-riscv32")
    assert_emulated_equals_run([cases_of(sizes, seed)[1] for seed, sizes in enumerate(SIZES)], "rv32")


@pytest.mark.parametrize("seed", range(4))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    for _ in range(20):
        steps, inputs, units = (int(n) for n in rng.integers(1, (4, 40, 20)))
        sizes = {"steps": steps, "inputs": inputs, "units": units, "trained": bool(rng.random() < 0.5)}
        portable, case = cases_of(sizes, int(rng.integers(1 << 30)))
        for wanted, got in zip(portable.outputs, case.outputs, strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_run_sees_a_packing_error():
    portable, case = cases_of({"inputs": 16, "units": 8})
    broken = dataclasses.replace(case.params, recurrent=np.roll(case.params.recurrent, 1))

    assert not np.array_equal(broken.run(*case.inputs), portable.expected[:, -portable.outputs[0].shape[1] :])


@pytest.mark.parametrize("trained", [True, False])
def test_instructions_per_multiplication(trained):
    """A step of 64 units and 64 inputs, cell and gates included; large weights are multiplied one by one."""
    require("picolibc", "qemu-system-riscv32")
    sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
    import bench_layer

    _, case = cases_of({"steps": 1, "inputs": 64, "units": 64, "trained": trained})
    counted = bench_layer.instructions(case.params, *(x[:1] for x in case.inputs), engine="rv32")

    assert case.params.kernel == LSTM
    assert counted <= (3.6 if trained else 4.0) * 4 * 64 * (64 + 64)
