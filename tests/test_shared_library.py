"""lib/mcuq holds what the models of its project need: no file less, no file more."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from harness import STRICT
from models import small_graph
from requirements import require_tool

import mcuq
from mcuq import archive, cli, pipeline
from mcuq.archive import Archive
from mcuq.emit.library import included, kernel_folders, needed_files
from mcuq.errors import McuqError
from mcuq.resources import resource
from mcuq.verification import verify_project

DIGITS = Path(__file__).parents[1] / "examples/digits/digits.tflite"
SOURCES = "lib/mcuq/src"

SHARED_ARENA = {"mcuq_shared_arena.c", "mcuq_shared_arena.h"}


def write(graph, folder, board="esp32dev"):
    return pipeline.write_project(Archive(graph), board, folder)


def first():
    return small_graph(np.random.default_rng(0), "first")


def second():
    return replace(mcuq.load(DIGITS), name="second")


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / SOURCES).iterdir()}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def compiled_by_cmake(folder: Path) -> set[str]:
    return set(re.findall(r'"src/(.*?)"', (folder / "lib/mcuq/CMakeLists.txt").read_text()))


def test_the_digits_on_esp32dev(tmp_path):
    """55 files of the 334 that there are, and all that a strict compiler asks for."""
    require_tool("gcc", "apt-get install gcc")
    assert cli.main(["build", str(DIGITS), "--board", "esp32dev", "--out", str(tmp_path)]) == 0
    folders = [tmp_path / SOURCES, tmp_path / "lib/digits/src"]
    everything = [path for folder in (*kernel_folders(), resource("firmware") / "app") for path in folder.iterdir()]

    assert len(names(tmp_path)) == 55 < len(everything) / 3
    assert {"mcuq_mac16_dot.c", "mcuq_mac16_dot_asm.S", "mcuq_conv2d_s8_mac16.c"} <= names(tmp_path)
    assert compiled_by_cmake(tmp_path) == {n for n in names(tmp_path) if n.endswith((".c", ".cpp", ".S"))}
    sources = [p for f in folders for p in f.glob("*.c") if not p.name.startswith("mcuq_port_")]
    command = ["gcc", *STRICT, "-fsyntax-only", *(f"-I{folder}" for folder in folders), *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_a_file_includes_comes_with_it_and_what_a_header_declares():
    """For every kernel there is: no include without its file, no header without its C, no assembly without its twin."""
    for header in [path.name for folder in kernel_folders() for path in folder.glob("mcuq_*_s8*.h")]:
        files = {path.name: path for path in needed_files(kernel_folders(), [header])}
        assert header in files
        assert header.replace(".h", ".c") in files
        for name, path in files.items():
            wanted = {other for other in included(path.read_bytes()) if other.startswith("mcuq")}
            assert wanted <= files.keys(), name
            assert not name.endswith("_asm.S") or name.replace("_asm.S", ".c") in files
            twin = path.with_name(name.replace(".h", "_asm.S"))
            assert not name.endswith(".h") or not twin.exists() or twin.name in files


def test_a_second_model_adds_what_it_needs_and_a_rebuilt_one_takes_its_own_away(tmp_path):
    write(first(), tmp_path / "first")
    write(second(), tmp_path / "second")
    write(second(), tmp_path / "s2", "esp32-s2-saola-1")
    both = tmp_path / "both"
    write(first(), both)
    assert names(both) == names(tmp_path / "first")

    write(second(), both)
    assert names(both) == names(tmp_path / "first") | names(tmp_path / "second") | SHARED_ARENA
    assert not names(tmp_path / "first") <= names(tmp_path / "second")
    assert not names(tmp_path / "second") <= names(tmp_path / "first")
    assert compiled_by_cmake(both) == {n for n in names(both) if n.endswith((".c", ".cpp", ".S"))}
    assert [result.passed for result in verify_project(both)] == [True, True]

    write(second(), both, "esp32-s2-saola-1")
    assert names(both) == names(tmp_path / "first") | names(tmp_path / "s2") | SHARED_ARENA
    assert "mcuq_depthwise_conv2d_s8_mac16.c" in names(tmp_path / "second") - names(both)
    assert [result.passed for result in verify_project(both)] == [True, True]


def test_the_order_of_building_leaves_no_trace(tmp_path):
    for folder, graphs in (("a", (first(), second())), ("b", (second(), first()))):
        for graph in graphs:
            write(graph, tmp_path / folder)
    assert contents(tmp_path / "a/lib") == contents(tmp_path / "b/lib")


def test_a_model_that_is_taken_away_needs_nothing(tmp_path):
    write(second(), tmp_path / "only")
    write(first(), tmp_path / "both")
    write(second(), tmp_path / "both")
    (tmp_path / "both/first.mcuq").unlink()
    write(second(), tmp_path / "both")

    assert names(tmp_path / "both") == names(tmp_path / "only")


def test_a_project_of_an_earlier_version_shrinks(tmp_path):
    """It had all kernels there are."""
    write(first(), tmp_path)
    before = contents(tmp_path)
    for path in [path for folder in kernel_folders() for path in folder.iterdir()]:
        (tmp_path / SOURCES / path.name).write_bytes(path.read_bytes())
    (tmp_path / SOURCES / "mcuq_conv2d_s8_old.c").write_text("int old;\n")
    assert contents(tmp_path) != before
    write(first(), tmp_path)

    assert contents(tmp_path) == before


def test_a_model_that_is_only_kept_there_needs_nothing(tmp_path):
    """Such as the file that the project's model was built from."""
    write(first(), tmp_path)
    before = contents(tmp_path)
    kept = tmp_path / "kept.mcuq"
    kept.write_bytes(archive.dump(Archive(replace(second(), name="kept"))))
    write(first(), tmp_path)

    assert contents(tmp_path) == before | {"kept.mcuq": kept.read_bytes()}


@pytest.mark.parametrize("content", [b"", b"not a zip", "cut", "folder"], ids=["empty", "foreign", "cut", "folder"])
def test_a_damaged_model_there_is_one_line_and_nothing_written(tmp_path, content, capsys):
    write(second(), tmp_path)
    path = tmp_path / "second.mcuq"
    whole = path.read_bytes()
    path.unlink()
    if content == "folder":
        path.mkdir()
    else:
        path.write_bytes(whole[:-100] if content == "cut" else content)
    before = contents(tmp_path)
    with pytest.raises(McuqError) as caught:
        write(first(), tmp_path)
    assert "second.mcuq" in str(caught.value)
    assert contents(tmp_path) == before
    assert cli.main(["build", str(DIGITS), "--board", "esp32dev", "--out", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mcuq: error: ") and "second.mcuq" in line
    assert contents(tmp_path) == before


def test_a_damaged_file_is_mended_by_building_its_model(tmp_path):
    write(first(), tmp_path)
    before = contents(tmp_path)
    (tmp_path / "first.mcuq").write_bytes(b"cut")
    write(first(), tmp_path)

    assert contents(tmp_path) == before
