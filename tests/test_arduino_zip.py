"""`mcuq build --arduino-zip`: a library that keeps the written specification, and a sketch that runs over the fakes."""

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from models import small_graph
from sketches import compiled, linked

from mcuq import archive, cli, pipeline
from mcuq.archive import Archive
from mcuq.engines.byte_stream import ProcessLine
from mcuq.engines.firmware import Firmware
from mcuq.simulator import simulate

BOARD = "esp32-c3-devkitm-1"
CATEGORIES = {  # docs.arduino.cc, Library specification 1.5 and 2.2, library.properties
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing", "Data Storage"),
    *("Data Processing", "Other"),
}
KEYS = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}


@pytest.fixture
def model(tmp_path) -> Path:
    path = tmp_path / "small.mcuq"
    path.write_bytes(archive.dump(Archive(small_graph(np.random.default_rng(0)))))
    return path


@pytest.fixture
def library(model, tmp_path) -> Path:
    """The unpacked library, from a build without a project."""
    zipped = tmp_path / "small_library.zip"
    assert cli.main(["build", str(model), "--board", BOARD, "--arduino-zip", str(zipped)]) == 0
    with zipfile.ZipFile(zipped) as file:
        file.extractall(tmp_path / "libraries")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["libraries", "small.mcuq", "small_library.zip"]
    (folder,) = (tmp_path / "libraries").iterdir()
    return folder


def test_the_library_keeps_the_specification(library):
    lines = (library / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert properties.keys() >= KEYS and len(lines) == len(properties)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", properties["name"])
    assert not properties["name"].lower().startswith("arduino")
    assert library.name == re.sub(r"[^A-Za-z0-9_.-]", "_", properties["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    assert properties["category"] in CATEGORIES and properties["architectures"] == "esp32"
    assert all((library / "src" / name).is_file() for name in properties["includes"].split(","))
    assert properties["dot_a_linkage"] == "true"
    assert {path.name for path in library.iterdir()} == {"library.properties", "src", "examples"}
    (sketch,) = (library / "examples").rglob("*.ino")
    assert sketch.stem == sketch.parent.name


def built(library: Path, folder: Path) -> Firmware:
    """The sketch of the library with everything in it."""
    (sketch,) = (library / "examples").rglob("*.ino")
    program = linked(compiled(sketch, library / "src", folder), folder / "firmware")
    return Firmware(lambda: ProcessLine([str(program)]), starts=True)


def test_the_sketch_runs_and_answers(library, tmp_path, rng):
    chip, content = built(library, tmp_path), Archive(small_graph(np.random.default_rng(0)))
    plan = pipeline.compile_for(content, *pipeline.placed(content, BOARD))
    inputs = {"image": rng.integers(-128, 128, (20, 1, 6, 5, 3), dtype=np.int8)}
    np.testing.assert_array_equal(chip.run(plan, inputs).outputs["scores"], simulate(plan, inputs)["scores"])
    with chip.connect() as device:
        assert "mcuq: PASS small 4 of 4 vectors equal" in device.text


def test_one_zip_for_all_models_of_a_project(model, tmp_path, capsys):
    project, zipped = tmp_path / "project", tmp_path / "both.zip"
    build = ["build", str(model), "--board", BOARD, "--out", str(project)]
    assert cli.main(build) == 0
    assert cli.main([*build, "--name", "other", "--arduino-zip", str(zipped)]) == 0
    assert f"{zipped.name}: an Arduino library" in "".join(capsys.readouterr().out.splitlines())
    with zipfile.ZipFile(zipped) as file:
        names = file.namelist()
        sketch = file.read("other_mcuq/examples/other/other.ino").decode()
    assert {"other_mcuq/src/other.h", "other_mcuq/src/small.h", "other_mcuq/src/mcuq_shared_arena.c"} <= {*names}
    assert "&other_model,\n    &small_model,\n" in sketch
    first = zipped.read_bytes()
    assert cli.main([*build, "--name", "other", "--arduino-zip", str(zipped)]) == 0
    assert zipped.read_bytes() == first


def test_arduino_3_is_what_the_ide_has(model, tmp_path, capsys):
    build = ["build", str(model), "--board", BOARD, "--arduino-zip", str(tmp_path / "x.zip"), "--json"]
    assert cli.main(build) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["fit"]["sdk"], said["directory"], said["changed"]) == ("3.3.11", None, [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--out DIR for a project, --arduino-zip FILE for an Arduino library, or both"),
        (["--arduino-zip", "x.tar"], "x.tar: an Arduino library is written to a .zip file"),
    ],
)
def test_what_cannot_be(model, tmp_path, monkeypatch, capsys, options, said):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["build", str(model), "--board", BOARD, *options]) == 2
    assert capsys.readouterr().err == f"mcuq: error: {said}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["small.mcuq"]
