"""Archives and projects of mcuq 0.1.0 (of_0_1_0/README.md): the same bytes, or the command that builds them again."""

import re
import shlex
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

import mcuq
from mcuq import archive
from mcuq.engines.host import build_host
from mcuq.errors import McuqError
from mcuq.pipeline import compile_recorded
from mcuq.simulator import simulate
from mcuq.target.project_format import HEADER, written_format
from mcuq.target.record import read_record, record_path
from mcuq.verification import verify_project

FILES = Path(__file__).with_name("of_0_1_0")
ARCHIVES = sorted(path.relative_to(FILES).as_posix() for path in FILES.glob("*/*.mcuq"))
PROJECTS = sorted(path.parent.name for path in FILES.glob("*/project.tar.xz"))
BOARD = "esp32-c3-devkitm-1"


def recorded(path: Path, graph) -> tuple[dict, dict]:
    """Inputs and outputs of a model, as the commit that wrote it computed them."""
    with np.load(path.with_suffix(".npz")) as arrays:
        return tuple({name: arrays[name] for name in names} for names in (graph.inputs, graph.outputs))


def assert_equal(got, expected) -> None:
    assert got.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(got[name], array, name)


@pytest.fixture(params=PROJECTS)
def commit(request) -> Path:
    """The folder of what a commit wrote."""
    return FILES / request.param


@pytest.fixture
def project(commit, tmp_path) -> Path:
    shutil.unpack_archive(commit / "project.tar.xz", tmp_path)
    return tmp_path / "project"


def test_the_files_are_there():
    names = {"int8", "multi", "bits4", "codebook", "states"}
    assert {Path(name).stem for name in ARCHIVES} == names and len(PROJECTS) == 2


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("board", [None, "esp32dev", BOARD, "esp32-s3-devkitc-1"])
def test_an_archive_opens_and_computes_the_same_bytes(name, board):
    model = archive.read(FILES / name)
    x, y = recorded(FILES / name, model.graph)

    assert_equal(simulate(mcuq.compile(model.graph, board), x), y)


@pytest.mark.parametrize(
    "name", ["d4ce7f2/int8", "b64035e/bits4", "b64035e/codebook", "b64035e/multi", "62d3d8b/states"]
)
def test_n3_a_project_of_an_archive_computes_the_same_bytes(name, tmp_path):
    path = (FILES / name).with_suffix(".mcuq")
    written = mcuq.write_project(archive.read(path), BOARD, tmp_path)
    x, y = recorded(path, written.plan.graph)
    with build_host(tmp_path, [written.plan.graph.name]) as firmware:
        assert_equal(firmware.run(written.plan, x).outputs, y)


@pytest.mark.parametrize("name", ["bits4", "codebook"])
def test_the_float_model_beside_the_integers_is_read(name):
    model = archive.read(FILES / "b64035e" / f"{name}.mcuq")
    assert model.source is not None and model.source.name == name
    assert archive.read(FILES / "b64035e/int8.mcuq").source is None


def test_a_project_knows_where_it_runs(project):
    model = archive.read(project / "multi.mcuq")
    assert (model.board, model.framework) == (BOARD, "espidf")


def test_a_project_is_built_again_by_the_command_that_is_said(run, commit, project):
    """Both models, with the bytes that the old simulator gave and the decisions that their old archives knew."""
    status, _, said = run("verify", project)
    assert status == 2 and len(said.splitlines()) == 1 and "has format 1, of an older mcuq" in said
    command = re.search(r"build it again: mcuq (.*)$", said.strip())
    assert command and run(*shlex.split(command[1]))[0] == 0

    assert [result.passed for result in verify_project(project)] == [True, True]
    names = ["int8", "multi"]
    with build_host(project, names) as firmware:
        for index, name in enumerate(names):
            record = read_record(record_path(project, name))
            assert record and (record.board, record.framework) == (BOARD, "espidf")
            model = archive.read(project / f"{name}.mcuq")
            x, y = recorded(commit / f"{name}.mcuq", model.graph)
            assert_equal(firmware.run(compile_recorded(model), x, index).outputs, y)


def test_nothing_of_an_older_library_stays(run, commit, project):
    for name in ("int8", "multi"):
        assert run("build", project / f"{name}.mcuq", "--board", BOARD, "--out", project)[0] == 0
    fresh = project.with_name("fresh")
    for name in ("int8", "multi"):
        mcuq.write_project(archive.read(project / f"{name}.mcuq"), BOARD, fresh)

    found, wanted = ({p.name for p in (root / "lib/mcuq/src").iterdir()} for root in (project, fresh))
    assert found == wanted


NEWER = written_format() + 1


@pytest.fixture
def newer(tmp_path) -> Path:
    """A project that a later mcuq seems to have written."""
    model = archive.read(FILES / "b64035e/int8.mcuq")
    mcuq.write_project(model, BOARD, tmp_path)
    header = tmp_path / HEADER
    header.write_text(re.sub(r"(?m)^#define MCUQ_FORMAT .*$", f"#define MCUQ_FORMAT {NEWER}", header.read_text()))
    return tmp_path


@pytest.mark.parametrize("engine", ["host", "rv32", "xtensa", "s3"])
def test_a_newer_project_is_not_verified(run, newer, engine):
    status, _, said = run("verify", newer, "--engine", engine)
    assert (status, len(said.splitlines())) == (2, 1)
    assert f"{newer}: has format {NEWER}, this mcuq knows formats up to {NEWER - 1}; install a newer mcuq" in said


def test_nothing_is_written_into_a_newer_project(run, newer):
    before = {path: path.read_bytes() for path in newer.rglob("*") if path.is_file()}
    status, _, said = run("build", FILES / "b64035e/multi.mcuq", "--board", BOARD, "--out", newer)

    assert status == 2 and f"has format {NEWER}" in said and "install a newer mcuq" in said
    assert {path: path.read_bytes() for path in newer.rglob("*") if path.is_file()} == before


def test_a_library_of_another_format_is_refused_by_the_compiler(newer):
    with pytest.raises(McuqError, match="generate the project again"), build_host(newer, ["int8"]):
        pass


@pytest.mark.parametrize("verb", ["verify", "build", "check"])
def test_a_newer_record_is_named(run, tmp_path, verb):
    mcuq.write_project(archive.read(FILES / "b64035e/int8.mcuq"), BOARD, tmp_path)
    path = record_path(tmp_path, "int8")
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    model = (tmp_path / "int8.mcuq", "--board", BOARD)
    status, _, said = run(
        *{"verify": ["verify", tmp_path], "build": ["build", *model, "--out", tmp_path]}.get(verb, [verb, *model])
    )

    assert (status, len(said.splitlines())) == (2, 1)
    assert f"{path}: has format 2, this mcuq reads up to 1; install a newer mcuq" in said


def test_a_newer_archive_is_named(run, tmp_path):
    path = tmp_path / "m.mcuq"
    with zipfile.ZipFile(FILES / "62d3d8b/states.mcuq") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b'"format": 2', b'"format": 3') if name == archive.HEADER else content)
    status, _, said = run("inspect", path)

    assert (status, len(said.splitlines())) == (2, 1)
    assert f"{path}: has format 3, mcuq {mcuq.__version__} reads up to 2; install a newer mcuq" in said
