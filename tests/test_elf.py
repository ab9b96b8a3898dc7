"""A linked firmware against what was predicted of it, on an RV32IMC build, and firmware that is not one."""

import json
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from models import multi_border_graph, small_graph
from requirements import require

from mcuq import archive, checking, cli, emit, loading, pipeline
from mcuq.archive import Archive
from mcuq.engines.byte_stream import ProcessLine
from mcuq.engines.emulator import build_emulated, emulator_command
from mcuq.engines.firmware import Firmware, input_rows
from mcuq.errors import UsageError
from mcuq.fit import check_linked, footprint
from mcuq.fit.elf import Linked, Section, read_elf
from mcuq.graph import Graph
from mcuq.plan import Plan
from mcuq.target.board import load_board
from mcuq.target.setup import Setup

BOARD = "esp32-c3-devkitm-1"
DIGITS = Path(__file__).parents[1] / "examples" / "digits" / "digits.tflite"
MLPERF = ("ad01_int8", "ic_resnet8_int8", "kws_dscnn_int8", "sww_int8", "vww_mbv1_025_int8")
RISCV = "riscv64-unknown-elf-"


@dataclass(frozen=True)
class Built:
    """A project and its firmware for the emulated chip."""

    folder: Path
    plan: Plan
    elf: Path


def build(graph: Graph, folder: Path, setup: Setup | None = None) -> Built:
    require("riscv64-unknown-elf-gcc", "picolibc")
    written = pipeline.write_project(Archive(graph), BOARD, folder, setup=setup)
    return Built(folder, written.plan, build_emulated(folder, [graph.name], "rv32", folder))


@pytest.fixture(params=["digits", *MLPERF])
def model(request, shared) -> Graph:
    path = DIGITS if request.param == "digits" else shared / "models" / "mlperf" / f"{request.param}.tflite"
    return loading.load(path)


@pytest.fixture
def built(rng, tmp_path) -> Built:
    return build(small_graph(rng), tmp_path / "project")


def estimated_code(plan: Plan) -> int:
    return sum(size for what, size in footprint.code(plan, "rv32imc") if what != "texts")


def test_predictions_against_the_linked_firmware(model, tmp_path):
    """Constants and arena to the byte, code within 10 %."""
    built = build(model, tmp_path)
    linked = read_elf(built.elf)
    constants = dict(footprint.constants(built.plan))
    assert linked.constants(built.plan) == sum(constants.values()) - constants.get("alignment", 0)
    assert linked.arena(built.plan) == built.plan.arena_bytes
    code = linked.code(built.plan, "rv32imc")
    assert 0.9 * code <= estimated_code(built.plan) <= 1.1 * code, (code, estimated_code(built.plan))


def test_stack_against_the_high_water_mark(model, tmp_path):
    """Never below what a run takes, and not 25 % above."""
    require("qemu-system-riscv32")
    built = build(model, tmp_path)
    samples = emit.self_test_inputs(built.plan)
    chip = Firmware(lambda: ProcessLine(emulator_command("rv32", built.elf)), starts=True)
    with chip.connect() as device:
        device.hello()
        device.run(0, input_rows(built.plan.graph, samples)[0].tobytes())
        used = device.memory()[1]
    predicted = sum(size for _, size in footprint.stack(built.plan, "rv32imc"))
    assert used <= predicted <= 1.25 * used, (used, predicted)


@pytest.mark.parametrize("graph", [small_graph, multi_border_graph])
def test_small_models_too(graph, rng, tmp_path):
    built = build(graph(rng), tmp_path)
    linked = read_elf(built.elf)
    assert linked.constants(built.plan) == sum(footprint.constant_objects(built.plan).values())
    assert linked.arena(built.plan) == built.plan.arena_bytes
    code = linked.code(built.plan, "rv32imc")
    assert 0.9 * code <= estimated_code(built.plan) <= 1.1 * code


@pytest.mark.parametrize("place", ["heap", "psram"])
def test_an_arena_elsewhere_is_no_static_data_and_runs(place, rng, tmp_path):
    """The emulated chip gives it what its linker script leaves free."""
    require("qemu-system-riscv32")
    graph = small_graph(rng)
    written = pipeline.write_project(Archive(graph), "lolin_s3", tmp_path, setup=Setup(place))
    elf = build_emulated(tmp_path, [graph.name], "rv32", tmp_path)
    linked = read_elf(elf)
    assert linked.arena(written.plan) == 0
    assert "small_run" not in {s.name for s in linked.symbols}
    chip = Firmware(lambda: ProcessLine(emulator_command("rv32", elf)), starts=True)
    with chip.connect() as device:
        assert "mcuq: PASS small 4 of 4 vectors equal" in device.text


def test_sections_are_counted_where_they_lie(built):
    """The emulated chip's sections, against the compiler's own tool."""
    sizes = subprocess.run([f"{RISCV}size", "-A", built.elf], capture_output=True, text=True, check=True).stdout
    size = {line.split()[0]: int(line.split()[1]) for line in sizes.splitlines() if line.startswith(".")}
    linked = read_elf(built.elf)
    assert linked.static_ram == size[".bss"] + size.get(".data", 0)
    assert linked.image == size[".text"] + size[".rodata"] + size.get(".data", 0)
    assert (linked.mapped_code, linked.mapped_constants, linked.iram) == (size[".text"], size[".rodata"], 0)


# as `size -A` lists an ESP-IDF 5 hello_world: name, bytes, in the image
IDF = [
    (".rtc.text", 16, True), (".iram0.vectors", 1027, True), (".iram0.text", 50_000, True),
    (".dram0.dummy", 34_000, False), (".dram0.data", 8_000, True), (".noinit", 4, False), (".dram0.bss", 2_000, False),
    (".flash.appdesc", 256, True), (".flash.rodata", 30_000, True), (".flash.text", 60_000, True),
    (".flash.init_array", 4, True), (".flash.tdata", 8, True), (".iram0.bss", 12, False), (".dram1.bss", 700, False),
    (".dram0.heap_start", 16, False), (".flash.rodata_noload", 99, False), (".ext_ram.bss", 500, False),
]  # fmt: skip


def test_sections_of_the_frameworks():
    linked = Linked(Path("x"), "RISC-V", tuple(Section(*section) for section in IDF), ())
    assert linked.static_ram == 8_000 + 4 + 2_000
    assert linked.static_ram_high == 700
    assert linked.iram == 1_027 + 50_000 + 12
    assert linked.iram_spill(16_384) == 34_000  # the linker's own word
    assert linked.mapped_constants == 256 + 30_000 + 4 + 8
    assert linked.mapped_code == 60_000
    assert linked.image == 16 + 1_027 + 50_000 + 8_000 + 256 + 30_000 + 60_000 + 4 + 8
    bare = replace(linked, sections=tuple(s for s in linked.sections if s.name != ".dram0.dummy"))
    assert bare.iram_spill(16_384) == 51_039 - 16_384


def test_facts_replace_estimates(built):
    """What the firmware takes against the board's limits; the stack remains an estimate."""
    report = checking.check_built(built.folder, built.elf)
    linked = read_elf(built.elf)
    assert (report.board, report.framework, report.fits) == (BOARD, "arduino", True)
    basis = {row.region: row.is_linked for row in report.rows}
    assert [region for region, is_fact in basis.items() if not is_fact] == ["stack of loopTask"]
    static = report.row("static RAM")
    assert dict(static.breakdown)["arena"] == built.plan.arena_bytes
    assert (static.needed, static.available) == (linked.static_ram, 321_296)
    app = report.row("app partition")
    assert dict(app.breakdown)["models' constants"] == linked.constants(built.plan)
    assert app.needed == linked.image
    assert str(built.elf) in static.sources


@pytest.mark.parametrize(("share_arena", "counted"), [(False, sum), (True, max)])
def test_a_firmware_with_two_models(tmp_path, share_arena, counted):
    require("riscv64-unknown-elf-gcc", "picolibc")
    arenas = []
    for seed, name in enumerate(("first", "second")):
        graph = small_graph(np.random.default_rng(seed), name)
        setup = Setup(share_arena=share_arena)
        arenas.append(pipeline.write_project(Archive(graph), BOARD, tmp_path, setup=setup).plan.arena_bytes)
    elf = build_emulated(tmp_path, ["first", "second"], "rv32", tmp_path)
    report = checking.check_built(tmp_path, elf)
    assert report.model == "first and second"
    assert dict(report.row("static RAM").breakdown)["arena"] == counted(arenas) > 0


def test_a_firmware_that_is_too_large_does_not_fit(built):
    linked = read_elf(built.elf)
    larger = replace(linked, sections=(*linked.sections, Section(".dram0.bss", 400_000, False)))
    report = check_linked([built.plan], larger, load_board(BOARD))
    assert report.first_short == "static RAM"
    assert not report.fits


def refused(elf: Path, built: Built, board: str = "") -> str:
    with pytest.raises(UsageError) as error:
        checking.check_built(built.folder, elf, board)
    assert "\n" not in str(error.value)
    assert str(elf) in str(error.value)
    return str(error.value)


def test_firmware_for_another_kind_of_chip(built):
    assert refused(built.elf, built, "esp32dev").endswith("is for RISC-V, ESP32 is Xtensa")


def test_stripped_firmware(built, tmp_path):
    stripped = tmp_path / "stripped.elf"
    subprocess.run([f"{RISCV}strip", built.elf, "-o", stripped], check=True)
    assert "has no symbols (stripped)" in refused(stripped, built)


def test_an_object_file(built, tmp_path):
    (tmp_path / "x.c").write_text("int x;")
    subprocess.run([f"{RISCV}gcc", "-march=rv32imc", "-mabi=ilp32", "-c", "x.c", "-o", "x.o"], cwd=tmp_path, check=True)
    assert "is no linked firmware" in refused(tmp_path / "x.o", built)


def test_a_program_of_this_computer(built):
    assert "no linked firmware of an ESP32-family chip (X86_64" in refused(Path("/bin/true").resolve(), built)


@pytest.mark.parametrize("size", [0, 3, 20, 52, 400, 5_000])
def test_damaged_firmware(built, tmp_path, size):
    damaged = tmp_path / "damaged.elf"
    damaged.write_bytes(built.elf.read_bytes()[:size])
    refused(damaged, built)


def test_random_damage_is_never_a_traceback(built, tmp_path, rng):
    content = bytearray(built.elf.read_bytes())
    damaged = tmp_path / "damaged.elf"
    for _ in range(60):
        broken = bytearray(content)
        for place in rng.integers(0, 300, 4):
            broken[place] = int(rng.integers(0, 256))
        tail = len(broken) - int(rng.integers(1, 2_000))
        broken[tail] ^= 255
        damaged.write_bytes(broken)
        with suppress(UsageError):  # nothing else
            checking.check_built(built.folder, damaged)


def test_the_firmware_of_another_model(built, rng, tmp_path):
    other = build(small_graph(rng, "other"), tmp_path / "other")
    message = refused(other.elf, built)
    assert "holds no symbols of small.c: the firmware does not call small_run" in message


def test_the_firmware_of_an_older_model_of_that_name(built, rng, tmp_path):
    graph = small_graph(rng)
    first = graph.nodes[0]
    wider = replace(graph, nodes=(replace(first, name="first"), *graph.nodes[1:]))
    newer = pipeline.write_project(Archive(wider), BOARD, tmp_path / "newer")
    with pytest.raises(UsageError, match="build the firmware again from this project"):
        check_linked([newer.plan], read_elf(built.elf), load_board(BOARD))


def test_the_command_line(built, capsys):
    assert cli.main(["check", str(built.folder), "--elf", str(built.elf)]) == 0
    out = capsys.readouterr().out
    assert "read from the linked firmware: static RAM, memory at run time, app partition" in out
    assert "estimated: stack of loopTask" in out
    assert cli.main(["check", str(built.folder / "small.mcuq"), "--elf", str(built.elf), "--json"]) == 0
    regions = json.loads(capsys.readouterr().out)["regions"]
    assert {r["region"]: r["basis"] for r in regions}["static RAM"] == "linked"
    assert cli.main(["check", str(built.folder), "--elf", str(built.elf), "--board", "esp32dev"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_archive_records_the_setup(rng, tmp_path):
    setup = Setup("heap", "huge_app.csv", wifi=True, app_ram=1000, app_flash=2000)
    pipeline.write_project(Archive(small_graph(rng)), "esp32dev", tmp_path / "a", setup=setup)
    content = archive.read(tmp_path / "a" / "small.mcuq")
    assert content.setup == setup
    assert content.setup_for("esp32dev", "espidf") == replace(setup, partition="")
    again = pipeline.write_project(content, "esp32dev", tmp_path / "a")
    assert (again.changed, again.report.arena, again.report.partition) == ([], "heap", "huge_app.csv")
    assert "board_build.partitions = huge_app.csv\n" in (tmp_path / "a" / "platformio.ini").read_text()
