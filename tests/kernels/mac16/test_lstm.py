"""LSTM on the ESP32's MAC16: which layers the kernel takes, that assembly and C equal the portable one; its cost."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from chips import chips_with, families
from harness import Case, assert_kernels_equal_run
from lstm_layers import Layer, case_of
from requirements import require

from kernels.mac16.emulated import assert_assembly_equals_run
from mcuq.kernels import chosen
from mcuq.kernels import layer as kernel_layer
from mcuq.ops.base import Params

LSTM, PORTABLE = "lstm_s8_mac16", "lstm_s8"
SIZES = [
    (1, 1, 1),
    (3, 5, 4),
    (2, 8, 3),
    (2, 7, 9),
    (1, 33, 17),
    (4, 2, 6),
    (1, 64, 8),
    (2, 12, 31),
]  # steps, inputs, units


def served(params: Params, chip: str = "esp32") -> Params:
    return chosen(kernel_layer.Layer(params, (), at_border=False), families(chip))


def cases_of(sizes, seed=0, count=4, per_channel=False, **options) -> tuple[Case, Case]:
    """The same inputs for the portable kernel and for the chip's; scales that MAC16 serves.

    Those per channel are about a half, so that sums saturate.
    """
    rng = np.random.default_rng(seed)
    layer = Layer(rng, *sizes, **options)
    layer.gain, layer.x_scale = 0.4, 0.02
    portable = case_of(layer, count)
    if per_channel:
        changed = portable.params.multiplier - rng.integers(0, 1 << 20, portable.params.multiplier.shape)
        shift = np.full_like(portable.params.shift, -1)
        params = dataclasses.replace(portable.params, multiplier=changed.astype(np.int32), shift=shift)
        portable = Case(params, portable.inputs)
    return portable, Case(served(portable.params), portable.inputs)


def all_cases(count=4) -> list[Case]:
    cases = [cases_of(sizes, seed, count)[1] for seed, sizes in enumerate(SIZES)]
    cases += [cases_of(sizes, seed, count, per_channel=True)[1] for seed, sizes in enumerate(SIZES[1:4])]
    cases.append(cases_of(SIZES[1], 9, count, power=-13, clip=0.5)[1])
    assert {case.params.kernel for case in cases} == {LSTM}
    assert {case.params.sharing for case in cases} >= {1, 4, 31}
    return cases


@pytest.mark.parametrize(
    ("sizes", "kernel"),
    [((1, 64, 64), LSTM), ((5, 1, 1), LSTM), ((1, 2048, 1), LSTM), ((1, 2049, 1), PORTABLE)],  # more than the scratch
    ids=str,
)
def test_choice_of_kernel(sizes, kernel):
    params = cases_of(sizes)[0].params
    if sizes[1] > 1000:  # 64 would do for sums beyond 24 bits
        params = dataclasses.replace(params, weights=params.weights // 16)

    assert {served(params, chip).kernel for chip in chips_with("mac16")} == {kernel}
    assert served(params, "generic").kernel == PORTABLE


def test_what_the_cores_do_not_serve_stays_portable():
    """Products that become larger in Q3.12 than half their sums, sums beyond 24 bits."""
    params = cases_of((1, 8, 4))[0].params
    shift = params.shift.copy()
    shift[3] = 0

    assert served(params).kernel == LSTM
    assert served(dataclasses.replace(params, shift=shift)).kernel == PORTABLE
    assert served(dataclasses.replace(params, bias=params.bias + (1 << 23))).kernel == PORTABLE


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n2_kernel_equals_run(cc):
    assert_kernels_equal_run(all_cases(), cc)


@pytest.mark.parametrize("as_esp32", [False, True])
def test_n2_assembly_equals_run(as_esp32):
    assert_assembly_equals_run(all_cases(), as_esp32=as_esp32)


MISTAKES = [
    ("mcuq_mac16_gates_asm.S", "    l16si   a12, a6, 0\n", "    movi    a12, 0\n"),
    ("mcuq_mac16_gates_asm.S", "addi    a12, a11, -128", "mov     a12, a11"),
    ("mcuq_mac16_gates_asm.S", "addi    a9, a9, 8", "addi    a9, a9, 0"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m[1].split()[0])
def test_a_planted_mistake_is_caught(mistake):
    with pytest.raises(AssertionError, match=r"bytes differ|guard byte|exit 70"):
        assert_assembly_equals_run(all_cases(6), mistake)


@pytest.mark.parametrize("seed", range(4))
def test_equals_portable(seed):
    rng = np.random.default_rng(seed)
    for _ in range(20):
        sizes = [int(n) for n in rng.integers(1, (4, 40, 20))]
        portable, case = cases_of(sizes, int(rng.integers(1 << 30)), per_channel=bool(rng.random() < 0.3))
        for wanted, got in zip(portable.outputs, case.outputs, strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_run_sees_a_packing_error():
    portable, case = cases_of((3, 16, 8))
    for change in ({"recurrent": np.roll(case.params.recurrent, 1)}, {"bias": case.params.bias + (1 << 16)}):
        wrong = dataclasses.replace(case.params, **change)
        assert not np.array_equal(wrong.run(*case.inputs), portable.outputs[0])


@pytest.mark.parametrize("per_channel", [False, True])
def test_instructions_per_multiplication(per_channel):
    """A step of 64 units and 64 inputs, cell and gates included, of weights with a scale per gate or channel."""
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
    import bench_layer

    _, case = cases_of((1, 64, 64), trained=True, per_channel=per_channel)
    counted = bench_layer.instructions(case.params, *(x[:1] for x in case.inputs), engine="xtensa")

    assert (case.params.kernel, case.params.sharing) == (LSTM, 1 if per_channel else 64)
    assert counted <= 2.5 * 4 * 64 * (64 + 64)
