"""The project that comes out: warning-free under every compiler here, exact, stable, and safe to regenerate."""

import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from harness import SANITIZERS, STRICT
from models import multi_border_graph, small_graph
from requirements import require, require_tool

from mcuq import archive, emit, pipeline
from mcuq.archive import Archive
from mcuq.engines.host import build_host
from mcuq.engines.sources import library_folders, library_sources
from mcuq.errors import DoesNotFitError, McuqError, UsageError
from mcuq.simulator import simulate
from mcuq.target.board import load_board
from mcuq.target.setup import Setup
from mcuq.tensor import QTensor
from mcuq.verification import verify_project


def project(graph, folder, board="esp32dev", **options):
    return pipeline.write_project(Archive(graph), board, folder, **options)


def contents(folder) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(params=[small_graph, multi_border_graph], ids=["small", "multi"])
def graph(request, rng):
    return request.param(rng)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
def test_n3_strict_and_sanitized(graph, tmp_path, cc, monkeypatch):
    """No warnings with -Wconversion -Wshadow, no sanitizer finding, guards intact, equal to the simulator."""
    require(f"{cc} sanitizers")
    monkeypatch.setenv("CC", cc)
    written = project(graph, tmp_path)
    rng = np.random.default_rng(5)
    inputs = {
        n: rng.integers(*t.limits, (20, *t.shape), endpoint=True).astype(t.dtype)
        for n, t in ((n, graph.values[n]) for n in graph.inputs)
    }
    with build_host(tmp_path, [graph.name], (*STRICT, *SANITIZERS)) as program:
        assert "PASS" in program.self_test()
        got = program.run(written.plan, inputs).outputs
    expected = simulate(written.plan, inputs)
    for name in graph.outputs:
        np.testing.assert_array_equal(got[name], expected[name])


@pytest.mark.parametrize("place", ["heap", "psram"])
def test_an_arena_that_somebody_else_allocates(graph, tmp_path, place):
    """The library has no static arena and no function that would need one; the application allocates it."""
    require_tool("gcc")
    written = project(graph, tmp_path, "lolin_s3", setup=Setup(place))
    header = (tmp_path / f"lib/{graph.name}/src/{graph.name}.h").read_text()
    assert f"{graph.name}_run(" not in header
    assert f"_ARENA_PLACE MCUQ_ARENA_{place.upper()}\n" in header
    call = "small_run_in(arena, input, output)" if graph.name == "small" else "multi_run_in_io(arena, &io)"
    assert f" {call}, see {graph.name}.h" in (tmp_path / "src" / "main.cpp").read_text()
    assert ("-DBOARD_HAS_PSRAM" in (tmp_path / "platformio.ini").read_text()) == (place == "psram")
    rng = np.random.default_rng(6)
    inputs = {n: rng.integers(0, 100, (3, *graph.values[n].shape)).astype(graph.values[n].dtype) for n in graph.inputs}
    with build_host(tmp_path, [graph.name], (*STRICT, *SANITIZERS)) as program:
        assert "PASS" in program.self_test()
        got = program.run(written.plan, inputs).outputs
    for name, wanted in simulate(written.plan, inputs).items():
        np.testing.assert_array_equal(got[name], wanted)


@pytest.mark.parametrize("place", ["static", "heap"])
def test_another_size_of_the_arena_does_not_compile(rng, tmp_path, place):
    arena = project(small_graph(rng), tmp_path, setup=Setup(place)).plan.arena_bytes
    header = tmp_path / "lib/small/src/small.h"
    header.write_text(header.read_text().replace(f"ARENA_BYTES {arena}", f"ARENA_BYTES {arena - 16}"))
    with pytest.raises(McuqError, match="negative"), build_host(tmp_path, ["small"]):
        pass


def test_two_models_share_one_arena_that_is_not_static(tmp_path):
    for seed, name in enumerate(("first", "second")):
        project(small_graph(np.random.default_rng(seed), name), tmp_path, setup=Setup("heap"))
    assert [result.passed for result in verify_project(tmp_path)] == [True, True]


def test_header_is_cpp_and_compiles_alone(graph, tmp_path):
    """Arduino sketches include it from C++."""
    require_tool("g++")
    project(graph, tmp_path)
    source = tmp_path / "sketch.cpp"
    source.write_text(f'#include "{graph.name}.h"\n#include "mcuq_app.h"\nint main() {{ return 0; }}\n')
    includes = [f"-I{tmp_path}/lib/mcuq/src", f"-I{tmp_path}/lib/{graph.name}/src"]
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only"]
    done = subprocess.run(["g++", *flags, *includes, str(source)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_same_model_same_files(graph, tmp_path):
    project(graph, tmp_path / "a")
    project(graph, tmp_path / "b")

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_regenerating_changes_nothing_and_keeps_what_is_the_users(graph, tmp_path):
    project(graph, tmp_path)
    main = tmp_path / "src" / "main.cpp"
    main.write_text("// mine\n")
    stale = tmp_path / "lib" / graph.name / "src" / f"{graph.name}_old.c"
    stale.write_text("int old;\n")
    again = project(graph, tmp_path)

    assert again.changed == []
    assert {"src/main.cpp", "platformio.ini", "README.md"} <= set(again.kept)
    assert main.read_text() == "// mine\n"
    assert not stale.exists()


def test_the_archive_regenerates_the_project(graph, tmp_path):
    project(graph, tmp_path / "a")
    content = archive.read(tmp_path / "a" / f"{graph.name}.mcuq")
    pipeline.write_project(content, content.board, tmp_path / "b", content.framework)

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_two_models_in_one_project(rng, tmp_path):
    """Both link into one program, and both verify."""
    project(small_graph(rng, "first"), tmp_path)
    project(small_graph(np.random.default_rng(1), "second"), tmp_path)
    results = verify_project(tmp_path)

    assert [(r.model, r.passed) for r in results] == [("first", True), ("second", True)]
    source = tmp_path / "both.c"
    source.write_text(
        '#include "first.h"\n#include "second.h"\n#include "mcuq_port.h"\n'
        "int32_t mcuq_port_read(void *data, int32_t bytes) { (void)data; (void)bytes; return -1; }\n"
        "void mcuq_port_write(const void *data, int32_t bytes) { (void)data; (void)bytes; }\n"
        "uint32_t mcuq_port_microseconds(void) { return 0; }\n"
        "uint32_t mcuq_port_cycles(void) { return 0; }\n"
        "const int32_t mcuq_port_counts = MCUQ_COUNTS_NOTHING;\n"
        "mcuq_port_memory_info mcuq_port_memory(void) { return (mcuq_port_memory_info){0, 0}; }\n"
        "void *mcuq_port_arena(int32_t bytes, int32_t external) { (void)bytes; (void)external; return 0; }\n"
        "int main(void) { return first_model.run == second_model.run; }\n"
    )
    folders = [tmp_path / "lib" / name / "src" for name in ("mcuq", "first", "second")]
    command = [
        "gcc",
        *STRICT,
        *(f"-I{f}" for f in folders),
        str(source),
        *(str(c) for f in folders for c in f.glob("*.c")),
    ]
    done = subprocess.run([*command, "-o", str(tmp_path / "both")], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_only_kernels_in_use_and_their_cores_are_compiled(rng, tmp_path):
    """The host and the emulators compile what a board's project holds: what the model needs, assembly for its chip."""
    for board, kernels in (("esp32dev", True), ("esp32-s2-saola-1", False)):
        written = project(small_graph(rng), tmp_path / board, board)
        sources = library_sources(library_folders(tmp_path / board, ["small"]), (".c", ".S"))
        compiled = {path.name for path in sources}
        used = {f"mcuq_{step.params.kernel}.c" for step in written.plan.steps}

        assert {name for name in compiled if "_s8" in name} == used
        assert {"small.c", "small_model.c", "mcuq_app.c"} <= compiled
        assert ({"mcuq_mac16_dot.c", "mcuq_mac16_dot_asm.S", "mcuq_mac16_widen.c"} <= compiled) == kernels
        assert "mcuq_mac16_sum_asm.S" not in compiled


def test_another_kernel_library_is_refused_by_the_compiler(rng, tmp_path):
    project(small_graph(rng), tmp_path)
    header = tmp_path / "lib/mcuq/src/mcuq.h"
    header.write_text(re.sub(r"#define MCUQ_VERSION +\d+", "#define MCUQ_VERSION 99", header.read_text()))
    with pytest.raises(McuqError, match="generate the project again"), build_host(tmp_path, ["small"]):
        pass


def test_version_macro_is_the_package_version():
    from mcuq import __version__
    from mcuq.resources import resource

    major, minor, patch = (int(p) for p in __version__.split("."))
    header = (resource("firmware") / "kernels" / "shared" / "mcuq.h").read_text()
    macros = dict(re.findall(r"#define (MCUQ_VERSION\w*) +(.*)", header))
    assert macros["MCUQ_VERSION"] == str(major * 10000 + minor * 100 + patch)
    assert macros["MCUQ_VERSION_TEXT"] == f'"{__version__}"'


def test_a_planted_wrong_byte_is_reported_with_its_layer(rng, tmp_path):
    """One kernel adds 1 where it should not: the report names the first layer that uses it."""
    graph = small_graph(rng)
    project(graph, tmp_path)
    kernel = tmp_path / "lib/mcuq/src/mcuq_add_s8.c"
    good = kernel.read_text()
    kernel.write_text(good.replace("scaled + p->output_zero_point", "scaled + p->output_zero_point + 1"))
    assert kernel.read_text() != good
    (result,) = verify_project(tmp_path)

    assert not result.passed
    assert not result.self_test
    assert result.first.step == "add_2"
    assert result.first.kernel == "add_s8"
    assert result.first.got == result.first.expected + 1
    assert "layer add_2" in str(result.first)


def test_a_wrong_embedded_vector_is_reported(rng, tmp_path):
    graph = small_graph(rng)
    project(graph, tmp_path)
    vectors = tmp_path / "lib/small/src/small_model.c"
    text = vectors.read_text()
    start = text.index("{", text.index("output_0[")) + 1
    number = re.search(r"-?\d+", text[start:])
    wrong = "1" if number[0] != "1" else "2"
    vectors.write_text(text[: start + number.start()] + wrong + text[start + number.end() :])
    (result,) = verify_project(tmp_path)

    assert result.different == 0
    assert not result.passed


def test_quantize_helpers_equal_the_simulators(rng, tmp_path):
    """The header's float helpers give the integers that ``QTensor.quantize`` gives, saturation and NaN included."""
    graph = small_graph(rng)
    project(graph, tmp_path)
    tensor = graph.values["image"]
    real = np.concatenate([rng.normal(0, 4, 500), np.arange(-300, 300) * 0.5 * tensor.scale]).astype(np.float32)
    real = np.concatenate([real, np.array([1e30, -1e30, np.inf, -np.inf], np.float32)])
    source = tmp_path / "main.c"
    source.write_text(
        '#include <stdio.h>\n#include "small.h"\nint main(void) {\n    float x;\n'
        "    while (fread(&x, sizeof x, 1, stdin) == 1) {\n"
        "        const int8_t q = small_quantize_input(x);\n        const float r = small_dequantize_output(q);\n"
        "        fwrite(&q, 1, 1, stdout);\n        fwrite(&r, sizeof r, 1, stdout);\n    }\n    return 0;\n}\n"
    )
    folders = [f"-I{tmp_path}/lib/mcuq/src", f"-I{tmp_path}/lib/small/src"]
    program = str(tmp_path / "helpers")
    subprocess.run(["gcc", *STRICT, *SANITIZERS, *folders, str(source), "-o", program], check=True)
    done = subprocess.run([program], input=real.tobytes(), capture_output=True, check=True)
    got = np.frombuffer(done.stdout, np.dtype([("q", "i1"), ("r", "<f4")]))

    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(got["q"], tensor.quantize(real))
    np.testing.assert_array_equal(got["r"], graph.values["scores"].dequantize(got["q"]))


@pytest.mark.parametrize(
    ("board", "framework", "main"),
    [
        ("esp32dev", "arduino", "src/main.cpp"),
        ("esp32dev", "espidf", "src/main.c"),
        ("esp32-c3-devkitm-1", "arduino", "src/main.cpp"),
        ("esp32-s3-devkitc-1", "espidf", "src/main.c"),
    ],
)
def test_platformio_ini_says_what_the_board_file_says(rng, tmp_path, board, framework, main):
    project(small_graph(rng), tmp_path, board, framework=framework)
    text = (tmp_path / "platformio.ini").read_text()
    known = load_board(board)

    assert (tmp_path / main).is_file()
    for line in (
        f"platform = {known.platform(framework).spec}",
        f"board = {board}",
        f"framework = {framework}",
        "build_unflags = -Os",
        f"board_build.flash_mode = {known.flash_mode}",
        f"board_build.f_flash = {known.flash_frequency}L",
    ):
        assert line in text.splitlines()
    assert "\nbuild_flags = -O2 " in text
    assert len((tmp_path / main).read_text().splitlines()) <= 20


def test_what_does_not_fit_is_not_written(rng, tmp_path):
    """A megapixel of activations on an ESP32: the message says how many bytes are missing, nothing is written."""
    graph = small_graph(rng)
    values = {n: QTensor((1, 1000, 1000, t.shape[3]), t.scale, t.zero_point) for n, t in graph.values.items()}
    with pytest.raises(DoesNotFitError, match="small does not fit esp32dev"):
        project(replace(graph, values=values), tmp_path / "p")

    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("name", ["mcuq", "mcuq_add", "2fast", "Loud", "for", "a-b"])
def test_names_that_cannot_be(rng, tmp_path, name):
    graph = small_graph(rng)
    with pytest.raises(UsageError, match="cannot name a model"):
        project(graph, tmp_path, name=name)


def test_generated_c_is_what_a_reader_expects(rng, tmp_path):
    """No timestamps, no paths; the run function is one call and one hook per step."""
    graph = small_graph(rng)
    written = project(graph, tmp_path)
    code = (tmp_path / "lib/small/src/small.c").read_text()

    assert code.count("MCUQ_AFTER_STEP(") == len(written.plan.steps) == 4
    assert "(1, 6, 5, 3) -> (1, 6, 5, 4)" in code
    assert not re.search(r"20\d\d-\d\d|/tmp|/home", "".join(p.read_text() for p in tmp_path.rglob("*.[ch]")))


@pytest.mark.parametrize(
    ("board", "unit"), [("esp32dev", "MAC16's"), ("esp32-s3-devkitc-1", "coprocessor 3"), ("esp32-c3-devkitm-1", "")]
)
def test_the_header_says_whose_registers_no_interrupt_saves(rng, tmp_path, board, unit):
    pipeline.write_project(Archive(small_graph(rng)), board, tmp_path)
    header = (tmp_path / "lib/small/src/small.h").read_text()

    assert ("not in interrupt handlers" in header) == bool(unit)
    assert unit in header


def test_self_test_vectors_are_reproducible(rng):
    plan = pipeline.compile(small_graph(rng), "esp32dev")
    a, b = emit.self_test_inputs(plan), emit.self_test_inputs(plan)

    np.testing.assert_array_equal(a["image"], b["image"])
    assert np.all(a["image"][1] == -128)
    assert np.all(a["image"][2] == 127)


@pytest.mark.parametrize("make", [small_graph, multi_border_graph])
@pytest.mark.parametrize("arena", ["static", "heap"])
def test_inputs_and_outputs_in_the_arena(rng, tmp_path, make, arena):
    """Counted there, placed like any buffer, exact, and regenerated from the archive."""
    graph = make(rng)
    setup = Setup(arena=arena, io_in_arena=True)
    written = project(graph, tmp_path, setup=setup)
    borders = [written.plan.locate(name)[0].region for name in (*graph.inputs, *graph.outputs)]
    inputs = {
        n: rng.integers(*t.limits, (20, *t.shape), endpoint=True).astype(t.dtype)
        for n, t in ((n, graph.values[n]) for n in graph.inputs)
    }
    with build_host(tmp_path, [graph.name], (*STRICT, *SANITIZERS)) as firmware:
        assert "PASS" in firmware.self_test()
        got = firmware.run(written.plan, inputs).outputs

    assert set(borders) == {"arena"}
    for name, expected in simulate(written.plan, inputs).items():
        np.testing.assert_array_equal(got[name], expected)
    (result,) = verify_project(tmp_path)
    assert result.passed
    content = archive.read(tmp_path / f"{graph.name}.mcuq")
    pipeline.write_project(content, content.board, tmp_path / "again", content.framework)
    assert contents(tmp_path / "again" / "lib") == contents(tmp_path / "lib")
