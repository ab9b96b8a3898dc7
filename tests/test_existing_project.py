"""The two libraries in somebody's own PlatformIO or ESP-IDF project, and what keeps them up to date there."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from models import small_graph
from platformio_offline import PlatformIO, offline_platformio
from requirements import require, require_module, require_tool

import mcuq
from mcuq import archive, pipeline
from mcuq.archive import Archive
from mcuq.files import renames

BOARD = "esp32-c3-devkitm-1"
MINE = """\
#include "mcuq_app.h"
#include "small.h"

int main(void) {
    return mcuq_self_test(&small_model);
}
"""
INI = """\
[env:mine]
platform = symlink://${PROJECT_DIR}/lib/mcuq/emulator/platform
extra_scripts = pre:lib/mcuq/mcuq_generate.py
custom_mcuq_model = models/small.mcuq
custom_mcuq_board = esp32-c3-devkitm-1
"""


@pytest.fixture(scope="module")
def pio(tmp_path_factory) -> PlatformIO:
    return offline_platformio(tmp_path_factory.mktemp("core"))


def graph(seed: int = 0):
    return small_graph(np.random.default_rng(seed))


def save(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(archive.dump(Archive(graph(seed))))


@pytest.fixture
def mine(tmp_path) -> Path:
    """A hand-made project into which a model was brought once."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src/mine.c").write_text(MINE)
    (tmp_path / "platformio.ini").write_text(INI)
    save(tmp_path / "models/small.mcuq")
    pipeline.write_project(Archive(graph()), BOARD, tmp_path)
    return tmp_path


def outside_lib(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and "lib" not in p.parts}


@pytest.mark.parametrize("marker", ["platformio.ini", "CMakeLists.txt"])
def test_only_libraries_are_written_into_a_project(tmp_path, marker):
    """No src/main.cpp beside the user's own, no README, no tests."""
    (tmp_path / marker).write_text("")
    written = pipeline.write_project(Archive(graph()), BOARD, tmp_path)

    assert outside_lib(tmp_path) == {marker, "small.mcuq"}
    assert all(path.startswith("lib/") or path == "small.mcuq" for path in written.changed)
    assert (tmp_path / marker).read_text() == ""


def test_what_an_earlier_version_left_in_lib_mcuq_goes(mine):
    """Also beside the sources: the emulated chip's files are compiled by what lies there."""
    stale = [
        mine / "lib/mcuq" / name for name in ("src/mcuq_old_s8.c", "emulator/mcuq_old.c", "emulator/rv32/mcuq_old.c")
    ]
    for path in stale:
        path.write_text("int old;\n")
    pipeline.write_project(Archive(graph()), BOARD, mine)

    assert not any(path.exists() for path in stale)


@pytest.mark.parametrize("library", ["mcuq", "small"])
def test_library_json_is_a_valid_package(mine, pio, library, tmp_path):
    """PlatformIO's own check, which validates every field; what it packs is complete."""
    require_module("platformio")
    package = tmp_path / f"{library}.tar.gz"
    pio.succeeds("pkg", "pack", mine / "lib" / library, "-o", package, cwd=mine)
    manifest = json.loads((mine / "lib" / library / "library.json").read_text())
    with tarfile.open(package) as archive:
        listing = archive.getnames()

    assert manifest["version"] == mcuq.__version__
    assert (manifest["frameworks"], manifest["platforms"]) == ("*", "*")
    assert manifest["dependencies"] == ({} if library == "mcuq" else {"mcuq": mcuq.__version__})
    assert all(f"src/{header}" in listing for header in manifest["headers"])
    assert {"library.json", "CMakeLists.txt"} <= set(listing)


def test_the_manifest_of_a_component_names_the_chips_that_have_its_kernels(mine):
    """As idf-component-manager reads it: loaded by its own ManifestManager, it was valid (3.1.2, by hand)."""
    texts = [(mine / "lib" / name / "idf_component.yml").read_text() for name in ("mcuq", "small")]
    chips = ["esp32c3", "esp32c5", "esp32c6", "esp32c61", "esp32h2", "esp32p4", "esp32s2"]
    for text, license_line in zip(texts, ("license: Apache-2.0", ""), strict=True):
        assert f'version: "{mcuq.__version__}"\n' in text and (license_line in text.splitlines()) == bool(license_line)
        listed = text[text.index("targets:\n") : text.index("dependencies:")]
        assert listed == "targets:\n" + "".join(f"  - {chip}\n" for chip in chips)


IDF = """\
macro(idf_component_register)
    cmake_parse_arguments(_ "" "" "SRCS;INCLUDE_DIRS;REQUIRES;PRIV_REQUIRES" ${ARGN})
    if(__UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "unknown: ${__UNPARSED_ARGUMENTS}")
    endif()
    message(NOTICE "${__SRCS}|${__INCLUDE_DIRS}|${__REQUIRES}|${__PRIV_REQUIRES}")
    return()
endmacro()
"""


def component(folder: Path, idf: Path) -> list[list[str]]:
    """What a component registers, as ESP-IDF's first pass hears it: CMake in script mode."""
    script = folder / "idf.cmake"
    script.write_text(f'{IDF}include("{folder / "CMakeLists.txt"}")\n')
    command = [require_tool("cmake"), "-P", str(script)]
    environment = os.environ | {"IDF_PATH": str(idf)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [field.split(";") if field else [] for field in done.stderr.strip().split("|")]


@pytest.mark.parametrize(
    ("components", "console"),
    [
        ([], ["driver"]),  # 4.4 to 5.2
        (["esp_driver_uart"], ["esp_driver_uart", "esp_driver_usb_serial_jtag"]),
        (
            ["esp_driver_uart", "esp_usb_cdc_rom_console"],  # 6
            ["esp_driver_uart", "esp_driver_usb_serial_jtag", "esp_usb_cdc_rom_console"],
        ),
    ],
)
def test_esp_idf_component(mine, tmp_path, components, console):
    """Every source is registered; the model requires mcuq, and mcuq what its port uses in this ESP-IDF."""
    for name in components:
        (tmp_path / "idf/components" / name).mkdir(parents=True)
    for library, requires, private in (("mcuq", [], ["esp_timer", "vfs", *console]), ("small", ["mcuq"], [])):
        folder = mine / "lib" / library
        sources, includes, public, own = component(folder, tmp_path / "idf")
        on_disk = {f"src/{p.name}" for p in (folder / "src").iterdir() if p.suffix in (".c", ".cpp", ".S")}
        assert set(sources) == on_disk
        assert includes == ["src"]
        assert (public, own) == (requires, private)


def build(pio: PlatformIO, folder: Path, **environment: str):
    return pio.run("run", "-e", "mine", cwd=folder, **environment)


def test_generate_only_when_the_model_changed(mine, pio):
    """The nanopb way: custom_mcuq_model in the user's platformio.ini."""
    require("picolibc", "qemu-system-riscv32")
    header = mine / "lib/small/src/small.h"
    users = outside_lib(mine)
    first = build(pio, mine)
    assert first.returncode == 0, first.stdout
    assert "mcuq: generating the library of models/small.mcuq" in first.stdout
    before = header.read_text()
    assert "generating" not in build(pio, mine).stdout

    save(mine / "models/small.mcuq", seed=1)
    changed = build(pio, mine)
    assert "generating" in changed.stdout
    assert header.read_text() != before
    assert "Compiling" in changed.stdout

    shutil.rmtree(mine / "lib/small")
    assert "generating" in build(pio, mine).stdout
    assert header.is_file()
    (mine / "small.mcuq").unlink()  # what lib/mcuq holds depends on it
    assert "generating" in build(pio, mine).stdout
    assert (mine / "small.mcuq").is_file()
    assert {p for p in outside_lib(mine) if not p.startswith(".pio/")} == users
    output = pio.succeeds("run", "-e", "mine", "-t", "exec", cwd=mine)
    assert "mcuq: PASS small 4 of 4 vectors equal" in output


def test_generate_finishes_what_was_interrupted(mine, pio, monkeypatch):
    """A `mcuq build` of another model was killed after its first rename; nothing but the journal tells."""
    require("picolibc")
    assert build(pio, mine).returncode == 0
    library = {path: path.read_bytes() for path in (mine / "lib").rglob("*") if path.is_file()}
    other = small_graph(np.random.default_rng(7))
    with monkeypatch.context() as patch:
        patch.setattr(renames, "carry_out", lambda root, journal: renames._rename(root, journal.renames[0]))
        pipeline.write_project(other, BOARD, mine, name="small")
    assert renames.waiting(mine)
    assert b"#error" in (mine / "lib/mcuq/src/mcuq.h").read_bytes()
    done = build(pio, mine)

    assert done.returncode == 0, done.stdout
    assert "mcuq: generating the library of models/small.mcuq" in done.stdout
    assert not (mine / renames.STAGE).exists()
    assert {path: path.read_bytes() for path in (mine / "lib").rglob("*") if path.is_file()} == library


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("custom_mcuq_model", "models/none.tflite", "models/none.tflite: no such file"),
        ("custom_mcuq_model", "platformio.ini", "mcuq reads "),
        ("custom_mcuq_model", "", "env:mine has no custom_mcuq_model"),
        ("custom_mcuq_board", "", "env:mine has no board: set custom_mcuq_board"),
        ("custom_mcuq_board", "esp33", "unknown board 'esp33'; closest: esp32"),
        ("custom_mcuq_command", "./none", "No such file or directory"),
        ("custom_mcuq_command", "false", "mcuq failed"),
    ],
)
def test_generate_fails_in_one_line(mine, pio, option, value, message):
    """Mcuq's error, not a traceback, ends the build."""
    ini = re.sub(rf"^{option} = .*\n", "", INI, flags=re.MULTILINE)
    (mine / "platformio.ini").write_text(f"{ini}{option} = {value}\n" if value else ini)
    done = build(pio, mine)
    errors = [line for line in done.stdout.splitlines() if "rror: " in line]

    assert done.returncode != 0
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in done.stdout


def test_generate_says_how_many_bytes_are_missing(mine, pio):
    """A model that does not fit fails the build and leaves the library as it was."""
    before = (mine / "lib/small/src/small.h").read_text()
    ini = mine / "platformio.ini"
    ini.write_text(ini.read_text().replace(f"custom_mcuq_board = {BOARD}", "custom_mcuq_board = tiny.toml"))
    text = (Path(__file__).parents[1] / "boards" / f"{BOARD}.toml").read_text()
    size = '{ bytes = 258048, source = "invented" }'
    flash = size.replace("258048", "524288")
    table = f'arduino = {{ table = "tiny.csv", app = {size}, flash = {flash} }}'
    (mine / "tiny.toml").write_text(re.sub(r"(?m)^arduino = .*$", table, text))
    done = build(pio, mine)

    assert done.returncode != 0
    assert "does not fit tiny" in done.stdout
    assert (mine / "lib/small/src/small.h").read_text() == before


def test_generate_with_mcuq_in_another_python(mine, pio, tmp_path):
    """A command that is told, relative to the project; it need not be in PlatformIO's Python."""
    require("picolibc")
    (mine / "tools").mkdir()
    command = mine / "tools/mcuq"
    command.write_text(f'#!/bin/sh\necho ran >>{tmp_path}/log\nexec {sys.executable} -m mcuq "$@"\n')
    command.chmod(0o755)
    with (mine / "platformio.ini").open("a") as ini:
        ini.write("custom_mcuq_command = tools/mcuq\ncustom_mcuq_name = another\n")
    (mine / "src/mine.c").write_text(MINE.replace("small", "another"))
    done = build(pio, mine)

    assert done.returncode == 0, done.stdout
    assert (mine / "lib/another/src/another.c").is_file()
    assert (tmp_path / "log").is_file()


def test_workflow(tmp_path):
    """The CI file of a generated project: valid YAML, and what it runs needs a C compiler alone, and finds a byte."""
    yaml = require_module("yaml", "pip install pyyaml")
    require("gcc sanitizers")
    pipeline.write_project(Archive(graph()), BOARD, tmp_path)
    workflow = yaml.safe_load((tmp_path / ".github/workflows/mcuq.yml").read_text())
    steps = workflow["jobs"]["model"]["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    table = next(path for path in tmp_path.glob("lib/*/src/*_tables.h"))
    folders = {str(Path(shutil.which(name) or "").parent) for name in ("make", "cc", "sh", "rm")}
    bare = {"PATH": os.pathsep.join(sorted(folders))}

    assert set(workflow[True]) == {"push", "pull_request"}  # YAML 1.1 reads `on` as true; GitHub does not
    assert len(commands) == 2
    for wrong in (False, True):
        if wrong:  # one weight, by hand
            text = table.read_text()
            weights = re.search(r"_weights\[\d+\].* = \{\n(?: +/\*.*\n)* +(-?\d+)", text)
            table.write_text(f"{text[: weights.start(1)]}{int(weights[1]) ^ 64}{text[weights.end(1) :]}")
        for command in commands:
            done = subprocess.run(
                ["sh", "-c", command], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False
            )
            assert (done.returncode != 0) == wrong, done.stdout + done.stderr
            assert (" FAIL " if wrong else " PASS ") in done.stdout
