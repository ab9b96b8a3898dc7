"""Public models that remember, step by step against TensorFlow Lite Micro (contracts N3, N4 and N5)."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from harness import SANITIZERS, STRICT
from requirements import require
from tflite_builder import tflm

from mcuq import loading, pipeline
from mcuq.engines.emulator import compile_emulated, emulator_command
from mcuq.engines.host import build_host, compiler
from mcuq.engines.sources import library_folders, library_sources
from mcuq.resources import resource
from mcuq.simulator import after
from mcuq.verification import simulate_on

BOARDS = {"host": "esp32dev", "rv32": "esp32-c3-devkitm-1", "xtensa": "esp32dev"}
TOOLS = {
    "host": (),
    "rv32": ("picolibc", "qemu-system-riscv32"),
    "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa"),
}


@pytest.fixture(params=["golden", "heard"])
def okay_nabu(shared, request):
    """The published "okay nabu" wake word, and TensorFlow Lite Micro's outputs of 40 steps.

    The golden ones are all 0. In the others the word is heard: inputs that a random search found, outputs up to 251.
    """
    graph = loading.load(shared / "models/microwakeword/okay_nabu.tflite")
    heard = Path(__file__).parent / "okay_nabu_heard.npz"
    arrays = np.load(heard if request.param == "heard" else shared / "golden/microwakeword__okay_nabu.npz")
    assert (len(np.unique(arrays["output0"])) > 10) == (request.param == "heard")
    return graph, arrays["input"], arrays["output0"]


def test_n5_simulator_equals_tflm(okay_nabu):
    graph, x, expected = okay_nabu

    assert len(graph.states) == 6
    np.testing.assert_array_equal(pipeline.simulate(pipeline.compile(graph), x).reshape(expected.shape), expected)


def test_a_reset_in_the_middle_reproduces_the_start(okay_nabu):
    graph, x, expected = okay_nabu
    twice = [pipeline.simulate(pipeline.compile(graph), part) for part in (x[:25], x[:15])]

    again = np.concatenate([expected[:25], expected[:15]])
    np.testing.assert_array_equal(np.concatenate(twice).reshape(again.shape), again)


@pytest.mark.parametrize("engine", BOARDS)
def test_n3_and_n4_every_engine_equals_tflm(okay_nabu, engine):
    require(*TOOLS[engine])
    graph, x, expected = okay_nabu
    plan = pipeline.compile(graph, BOARDS[engine])
    outputs = simulate_on(engine, plan, {graph.inputs[0]: x}).outputs

    np.testing.assert_array_equal(outputs[graph.outputs[0]], expected)


def test_n3_strict_and_sanitized(okay_nabu, tmp_path):
    graph, x, expected = okay_nabu
    written = pipeline.write_project(graph, "esp32-s3-devkitc-1", tmp_path)
    with build_host(tmp_path, [graph.name], (*STRICT, *SANITIZERS)) as program:
        assert "PASS okay_nabu 16 of 16" in program.self_test()
        got = program.run(written.plan, {graph.inputs[0]: x}).outputs

    np.testing.assert_array_equal(got[graph.outputs[0]], expected)


INTERLEAVED = """
#include "mcuq_port.h"
#include "okay_nabu.h"

static const int8_t inputs[40][OKAY_NABU_INPUT_SIZE] = {%s};
static okay_nabu_state_t first, second;
static MCUQ_ALIGNED(16) int8_t arena[OKAY_NABU_ARENA_BYTES];

#ifdef MCUQ_TRACE /* all that runs on an emulated chip is compiled with it */
void mcuq_after_step(int32_t index, const void *output, int32_t bytes) {
    (void)index, (void)output, (void)bytes;
}
#endif

static void step(okay_nabu_state_t *state, int32_t index) {
    uint8_t output[OKAY_NABU_OUTPUT_SIZE];
    okay_nabu_run_in(arena, state, inputs[index], output);
    mcuq_port_write(output, OKAY_NABU_OUTPUT_SIZE);
}

int main(void) {
    okay_nabu_reset(&first);
    for (int32_t i = 0; i < 20; i++) {
        step(&first, i);
    }
    okay_nabu_reset(&second); /* in the middle of the other's sequence */
    for (int32_t i = 20; i < 40; i++) {
        step(&first, i);
        step(&second, i - 20);
    }
    mcuq_port_write(&first, OKAY_NABU_STATE_BYTES);
    mcuq_port_write(&second, OKAY_NABU_STATE_BYTES);
    return 0;
}
"""
ORDER = [*range(20), *(i for k in range(20) for i in (20 + k, k))]
ON_HOST = """
#include <stdio.h>
#include "mcuq_port.h"
void mcuq_port_write(const void *data, int32_t bytes) { fwrite(data, 1, (size_t)bytes, stdout); }
"""


@pytest.mark.parametrize("engine", BOARDS)
def test_interleaved_instances_do_not_disturb_each_other(okay_nabu, tmp_path, engine):
    """One begins in the middle of the other's sequence, and both share an arena.

    What they remember at the end tells more than the golden outputs, which are all 0.
    """
    require(*TOOLS[engine])
    graph, x, expected = okay_nabu
    plan = pipeline.write_project(graph, BOARDS[engine], tmp_path).plan
    folders = library_folders(tmp_path, [graph.name])
    application = {path.name for path in (resource("firmware") / "app").iterdir()} | {"okay_nabu_model.c"}
    sources = [path for path in library_sources(folders, (".c", ".S")) if path.name not in application]
    main, program = tmp_path / "interleaved.c", tmp_path / "interleaved"
    rows = ", ".join("{" + ", ".join(map(str, row)) + "}" for row in x.reshape(40, -1))
    main.write_text(INTERLEAVED.replace("%s", rows))
    includes = [f"-I{folder}" for folder in folders]
    if engine == "host":
        port = tmp_path / "port.c"
        port.write_text(ON_HOST)
        sources = [path for path in sources if path.suffix == ".c"]
        flags = [*STRICT, *SANITIZERS, *includes]
        subprocess.run([compiler(), *flags, main, port, *sources, "-o", program], check=True)
        command = [program]
    else:
        compile_emulated(engine, [main, *sources], ["-O2", *includes], program)
        command = emulator_command(engine, program)
    ran = subprocess.run(command, input=b"", capture_output=True, check=True)

    said = np.frombuffer(ran.stdout, np.uint8)
    np.testing.assert_array_equal(said[: len(ORDER)], expected.ravel()[ORDER])
    for steps, state in zip((40, 20), said[len(ORDER) :].reshape(2, plan.state_bytes), strict=True):
        kept = after(plan, {graph.inputs[0]: x[:steps]})
        for name, integers in kept.items():
            place = slice(plan.buffers[name].offset, plan.buffers[name].end)
            np.testing.assert_array_equal(state[place], np.ascontiguousarray(integers).view(np.uint8).ravel(), name)


def test_n5_a_model_of_the_wild_equals_tflm(shared, rng):
    """Another public wake word, whose golden outputs TFLM computes here: 40 steps of noise and of silence."""
    path = shared / "models/wild/pymicro_wakeword_computer_2921.tflite"
    graph = loading.load(path)
    shape = graph.values[graph.inputs[0]].shape
    x = rng.integers(-128, 128, (40, *shape)).astype(np.int8)
    x[15:30] = -128

    expected = tflm(path.read_bytes(), x)
    np.testing.assert_array_equal(pipeline.simulate(pipeline.compile(graph), x).reshape(expected.shape), expected)
