"""`build` wrote over a library of the user's in `lib/<name>`, and made models whose header hides one of C's."""

import json
import re

import pytest
from float_nets import samples, separable_net
from models import small_graph

from mcuq import archive
from mcuq.emit.names import ANY, OF_MODELS, meaning
from mcuq.loading import quantize_float

BOARD = ("--board", "esp32dev")


@pytest.fixture
def model(rng, tmp_path):
    path = tmp_path / "small.mcuq"
    path.write_bytes(archive.dump(archive.Archive(small_graph(rng))))
    return path


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("library", ["small", "mcuq"])
@pytest.mark.parametrize("manifest", [None, '{"name": "small", "description": "mine"}', "[]", "{"])
def test_a_library_of_the_users_is_refused(run, model, tmp_path, library, manifest):
    project = tmp_path / "p"
    folder = project / "lib" / library / "src"
    folder.mkdir(parents=True)
    (folder / "small.c").write_text("int mine;\n", encoding="utf-8")
    if manifest:
        (folder.parent / "library.json").write_text(manifest, encoding="utf-8")
    before = files(project)
    status, out, error = run("build", model, *BOARD, "--out", project)

    assert (status, out, error.count("\n")) == (2, "", 1)
    assert "is a library of that name that mcuq did not write" in error
    assert files(project) == before
    if library == "small":
        assert "--name" in error
        assert run("build", model, *BOARD, "--out", project, "--name", "other")[0] == 0
        assert before.items() <= files(project).items()


def test_mcuqs_own_is_written_again(run, model, tmp_path):
    (tmp_path / "p/lib/small/src").mkdir(parents=True)  # empty: nothing to lose

    assert run("build", model, *BOARD, "--out", tmp_path / "p")[0] == 0
    assert json.loads(run("build", model, *BOARD, "--out", tmp_path / "p", "--json")[1])["changed"] == []


def test_a_file_in_the_archives_place_is_refused(run, model, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p/small.mcuq").write_text("notes", encoding="utf-8")
    status, _, error = run("build", model, *BOARD, "--out", tmp_path / "p")

    assert (status, error.count("\n")) == (2, 1)
    assert "is there and is no .mcuq file" in error
    assert [path.name for path in files(tmp_path / "p")] == ["small.mcuq"]


def test_a_float_model_is_not_lost(run, tmp_path):
    """`mcuq quantize` into the project's folder keeps the float model; the project's own file would not."""
    graph = separable_net()
    (tmp_path / "net.mcuq").write_bytes(archive.dump(quantize_float(graph, samples(graph, 32))))
    before = files(tmp_path)
    status, _, error = run("build", tmp_path / "net.mcuq", *BOARD, "--out", tmp_path)

    assert (status, error.count("\n")) == (2, 1)
    assert "holds a float model" in error
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "name", ["time", "string", "vector", "stdint", "int", "class", "con", "nul", "com1", "wifi", "esp_timer", "mcuq"]
)
def test_a_name_that_means_something_else_is_refused_with_one_that_works(run, model, tmp_path, name):
    given = run("build", model, *BOARD, "--out", tmp_path / "p", "--name", name)
    suggested = re.search(r"--name (\w+)$", given[2].strip())

    assert given[0] == 2
    assert given[2].count("\n") == 1
    assert f"{name!r} cannot name a model: it is a" in given[2]
    assert not (tmp_path / "p").exists()
    assert suggested
    assert run("build", model, *BOARD, "--out", tmp_path / "p", "--name", suggested[1])[0] == 0
    assert (tmp_path / "p/lib" / suggested[1]).is_dir()


def test_the_name_of_the_file_is_refused_too(run, shared, tmp_path):
    status, _, error = run("build", shared / "cases/readers/time.tflite", *BOARD, "--out", tmp_path / "p")

    assert (status, error.count("\n")) == (2, 1)
    assert "'time' cannot name a model: it is a header of C or C++; give it another name: --name time_model" in error
    assert run("check", shared / "cases/readers/time.tflite", *BOARD)[0] == 0


def test_every_reserved_name_is_known_as_such():
    assert all(meaning(name) for names, _ in (*ANY, *OF_MODELS) for name in names)
    assert not any(meaning(name) for name in ("small", "kws", "wake_word", "time_model", "mymcuq"))
