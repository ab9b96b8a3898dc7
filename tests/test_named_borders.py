"""Several inputs and outputs by name: in the header, in C on every engine, in `simulate` and in `verify`."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness import SANITIZERS, STRICT
from models import multi_border_graph, remembering_graph, small_graph
from requirements import require, require_tool

from mcuq import archive, pipeline
from mcuq.archive import Archive
from mcuq.engines.emulator import compile_emulated, emulator_command
from mcuq.engines.host import compiler
from mcuq.engines.sources import library_folders, library_sources
from mcuq.errors import MalformedModelError
from mcuq.resources import resource
from mcuq.simulator import simulate
from mcuq.target.setup import Setup

SAMPLES = 5
BOARDS = {"host": "esp32dev", "rv32": "esp32-c3-devkitm-1", "xtensa": "esp32dev"}
TOOLS = {
    "host": (),
    "rv32": ("picolibc", "qemu-system-riscv32"),
    "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa"),
}


@pytest.fixture
def graph(rng):
    return multi_border_graph(rng)


def samples(graph, rng) -> dict[str, np.ndarray]:
    tensors = {name: graph.values[name] for name in graph.inputs}
    return {n: rng.integers(*t.limits, (SAMPLES, *t.shape), endpoint=True).astype(t.dtype) for n, t in tensors.items()}


PROGRAM = """
#include "mcuq_port.h"
#include "multi.h"
#ifdef __unix__
#include <stdio.h>
void mcuq_port_write(const void *data, int32_t bytes) { fwrite(data, 1, (size_t)bytes, stdout); }
#endif
#ifdef MCUQ_TRACE
void mcuq_after_step(int32_t index, const void *output, int32_t bytes) { (void)index, (void)output, (void)bytes; }
#endif

static const uint8_t pixels[][MULTI_INPUT_PIXELS_SIZE] = {@pixels@};
static const int8_t other[][MULTI_INPUT_OTHER_SIZE] = {@other@};
static MCUQ_ALIGNED(16) int8_t arena[MULTI_ARENA_BYTES];

int main(void) {
    int8_t total[MULTI_OUTPUT_TOTAL_SIZE], flat[MULTI_OUTPUT_FLAT_SIZE];
    multi_io_t io;
    io.output_flat = flat; /* in any order */
    io.output_total = total;
    for (int32_t i = 0; i < @samples@; i++) {
        io.input_other = other[i];
        io.input_pixels = pixels[i];
        @call@;
        mcuq_port_write(total, MULTI_OUTPUT_TOTAL_SIZE);
        mcuq_port_write(flat, MULTI_OUTPUT_FLAT_SIZE);
    }
    return arena[0] != arena[0];
}
"""
CALLS = {"static": "i % 2 ? multi_run_io(&io) : multi_run_in_io(arena, &io)", "heap": "multi_run_in_io(arena, &io)"}


def run_program(project: Path, engine: str, text: str) -> bytes:
    """What a program of a project's libraries writes, without the application."""
    folders = library_folders(project, ["multi"])
    application = {path.name for path in (resource("firmware") / "app").iterdir()} | {"multi_model.c"}
    sources = [path for path in library_sources(folders, (".c", ".S")) if path.name not in application]
    main, program = project / "program.c", project / "program"
    main.write_text(text)
    includes = [f"-I{folder}" for folder in folders]
    if engine == "host":
        sources = [path for path in sources if path.suffix == ".c"]
        subprocess.run([compiler(), *STRICT, *SANITIZERS, *includes, main, *sources, "-o", program], check=True)
        command = [program]
    else:
        compile_emulated(engine, [main, *sources], ["-O2", *includes], program)
        command = emulator_command(engine, program)
    return subprocess.run(command, input=b"", capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    ("engine", "setup"),
    [
        *((engine, Setup()) for engine in BOARDS),
        ("host", Setup(io_in_arena=False)),
        ("host", Setup(arena="heap")),
    ],
)
def test_n3_and_n4_a_program_that_names_inputs_and_outputs(graph, rng, tmp_path, engine, setup):
    require(*TOOLS[engine])
    written = pipeline.write_project(graph, BOARDS[engine], tmp_path, setup=setup)
    x = samples(graph, rng)
    text = PROGRAM.replace("@samples@", str(SAMPLES)).replace("@call@", CALLS[setup.arena])
    for name, array in x.items():
        rows = ("{" + ", ".join(map(str, row)) + "}" for row in array.reshape(SAMPLES, -1).tolist())
        text = text.replace(f"@{name}@", ", ".join(rows))
    said = run_program(tmp_path, engine, text)

    y = simulate(written.plan, x)
    expected = np.concatenate([y[name].reshape(SAMPLES, -1) for name in ("total", "flat")], axis=1)
    np.testing.assert_array_equal(np.frombuffer(said, np.int8).reshape(SAMPLES, -1), expected)


@pytest.mark.parametrize("make", [multi_border_graph, small_graph, remembering_graph])
@pytest.mark.parametrize(
    "setup", [Setup(), Setup(io_in_arena=False), Setup(arena="heap"), Setup(arena="psram", io_in_arena=False)]
)
@pytest.mark.parametrize("language", ["c99", "c++11"])
def test_what_the_header_shows_compiles(make, rng, tmp_path, setup, language):
    """The lines of its first comment, in a function; with what ESP-IDF has."""
    name = pipeline.write_project(make(rng), "lolin_s3", tmp_path, setup=setup).plan.graph.name
    cc = require_tool("g++" if language == "c++11" else "gcc")
    header = (tmp_path / f"lib/{name}/src/{name}.h").read_text()
    shown = re.findall(r"(?m)^ \*     (.*;.*)$", header[: header.index("#ifndef")])
    idf = "#include <stddef.h>\nenum { MALLOC_CAP_8BIT = 1, MALLOC_CAP_INTERNAL = 2, MALLOC_CAP_SPIRAM = 4 };\n"
    idf += '#ifdef __cplusplus\nextern "C"\n#endif\nvoid *heap_caps_aligned_alloc(int, int, int);\n'
    used = "".join(f"(void){score};" for score in re.findall(r"float (\w+)", "\n".join(shown)))
    source = tmp_path / ("shown.cpp" if language == "c++11" else "shown.c")
    body = "\n".join(shown)
    source.write_text(f'{idf}#include "{name}.h"\nvoid app(void);\nvoid app(void) {{\n{body}\n{used}\n}}\n')
    flags = [f"-std={language}", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only"]
    includes = [f"-I{folder}" for folder in library_folders(tmp_path, [name])]
    done = subprocess.run([cc, *flags, *includes, str(source)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert sum(f"{name}_run" in line and ";" in line for line in shown) >= 1


def test_an_application_finds_them_by_their_numbers(graph, tmp_path):
    """Like mcuq_model_input(&multi_model, MULTI_INPUT_OTHER_INDEX)."""
    pipeline.write_project(graph, "esp32dev", tmp_path)
    header = (tmp_path / "lib/multi/src/multi.h").read_text()
    numbers = dict(re.findall(r"#define MULTI_(\w+)_INDEX (\d)", header))
    assert numbers == {"INPUT_PIXELS": "0", "INPUT_OTHER": "1", "OUTPUT_TOTAL": "0", "OUTPUT_FLAT": "1"}


def test_a_model_with_one_of_each_has_no_names(rng, tmp_path):
    pipeline.write_project(small_graph(rng), "esp32dev", tmp_path)
    header = (tmp_path / "lib/small/src/small.h").read_text()
    assert "_io_t" not in header and "_INDEX" not in header and "small_run(input, output);" in header


@pytest.mark.parametrize("part", ["run_io", "run_in_io", "io_t"])
def test_a_layer_may_not_take_their_names(rng, part, tmp_path):
    graph = small_graph(rng)
    node = replace(graph.nodes[0], name=f"small_{part}")
    with pytest.raises(MalformedModelError, match=f"two things would be called 'small_{part}' in C"):
        pipeline.write_project(replace(graph, nodes=(node, *graph.nodes[1:])), "esp32dev", tmp_path)


def test_simulate_reads_and_writes_them_by_name(graph, rng, run, tmp_path):
    graph = replace(graph, from_float=False)
    path, given, got = (tmp_path / name for name in ("multi.mcuq", "x.npz", "y.npz"))
    path.write_bytes(archive.dump(Archive(graph)))
    x = samples(graph, rng)
    np.savez(given, other=x["other"], pixels=x["pixels"])
    status, out, err = run("simulate", path, "--input", given, "--output", got)
    assert (status, err) == (0, "") and f"outputs written to {got}: total, flat" in out

    expected = simulate(pipeline.compile(graph), x)
    with np.load(got) as arrays:
        assert set(arrays) == {"total", "flat"}
        for name in arrays:
            np.testing.assert_array_equal(arrays[name].ravel(), expected[name].ravel())
    _, out, _ = run("simulate", path, "--input", given, "--output", got, "--json")
    assert json.loads(out)["outputs"] == ["total", "flat"]


def test_an_input_that_is_missing_is_named(graph, rng, run, tmp_path):
    path, given = tmp_path / "multi.mcuq", tmp_path / "x.npz"
    path.write_bytes(archive.dump(Archive(graph)))
    np.savez(given, pixels=samples(graph, rng)["pixels"])
    status, _, err = run("simulate", path, "--input", given)
    assert status == 2 and "has no array 'other', an input of the model" in err and len(err.splitlines()) == 1


def test_verify_says_which_output_differs(graph, run, tmp_path):
    """A layer behind the one output is wrong: the other is equal."""
    pipeline.write_project(graph, "esp32dev", tmp_path)
    source = tmp_path / "lib/multi/src/multi.c"
    text = source.read_text()
    (address,) = re.findall(r"MCUQ_AFTER_STEP\(2, (.*), 12\);", text)
    source.write_text(text.replace("MCUQ_AFTER_STEP(2,", f"({address})[3] ^= 1;\n    MCUQ_AFTER_STEP(2,"))
    status, out, _ = run("verify", tmp_path)
    assert status == 1 and "output total: 4 of 4 equal; output flat: 0 of 4 equal" in out
    assert "layer logistic_2" in out

    _, out, _ = run("verify", tmp_path, "--json")
    assert json.loads(out)["models"][0]["outputs"] == {"total": 0, "flat": 4}
