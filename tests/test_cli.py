"""The command line as a user meets it: exit status, one-line errors, JSON, nothing half-written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from models import small_graph

from mcuq import archive
from mcuq.archive import Archive
from mcuq.report import catalogue

ROOT = Path(__file__).parents[1]


@pytest.fixture
def model(rng, tmp_path):
    path = tmp_path / "small.mcuq"
    path.write_bytes(archive.dump(Archive(small_graph(rng))))
    return path


def test_build_check_simulate_verify(run, model, tmp_path, rng):
    """The main job through the command line, start to end."""
    project = tmp_path / "project"
    status, out, err = run("build", model, "--board", "esp32dev", "--out", project)
    assert (status, err) == (0, "")
    assert "fits" in out
    assert f"mcuq verify {project}" in out
    np.savez(tmp_path / "x.npz", X=rng.integers(-128, 128, (9, 6, 5, 3)).astype(np.int8))
    for engine in ("numpy", "host"):
        status, out, _ = run(
            "simulate",
            model,
            "--input",
            tmp_path / "x.npz",
            "--output",
            tmp_path / f"{engine}.npy",
            "--engine",
            engine,
            "--board",
            "esp32dev",
        )
        assert status == 0
        assert "9 samples simulated" in out
    np.testing.assert_array_equal(np.load(tmp_path / "numpy.npy"), np.load(tmp_path / "host.npy"))
    status, out, _ = run("verify", project)
    assert (status, "4 of 4 samples equal" in out) == (0, True)
    status, out, _ = run("verify", project, "--data", tmp_path / "x.npz", "--json")
    assert (status, json.loads(out)["models"][0]["samples"]) == (0, 9)


def test_verify_says_no_with_status_1(run, model, tmp_path):
    project = tmp_path / "project"
    run("build", model, "--board", "esp32dev", "--out", project)
    kernel = project / "lib/mcuq/src/mcuq_lookup_s8.c"
    kernel.write_text(kernel.read_text().replace("in[i]]", "in[i] ^ 1u]"))
    status, out, _ = run("verify", project)

    assert status == 1
    assert "first difference: sample 0, layer logistic_3 (mcuq_lookup_s8), element" in out


@pytest.mark.parametrize("verb", ["check", "inspect", "build"])
def test_json_is_json(run, model, tmp_path, verb):
    options = {"check": ["--board", "esp32dev"], "build": ["--board", "esp32dev", "--out", tmp_path / "p"]}
    status, out, _ = run(verb, model, *options.get(verb, []), "--json")

    assert status == 0
    assert json.loads(out)


def test_compare_covers_every_board(run, model):
    from mcuq.target.board import board_ids

    status, out, _ = run("check", model, "--compare", "--json")

    assert status == 0
    assert [r["board"] for r in json.loads(out)["boards"]] == list(board_ids())


def test_compare_says_where_there_is_no_such_radio(run, model):
    status, out, _ = run("check", model, "--compare", "--ble")

    assert status == 0
    assert "esp32-p4 has no" in out
    assert "small; bytes free:" in out


def test_sources_are_shown(run, model):
    out = run("check", model, "--board", "esp32dev", "--sources", "--wifi")[1]

    assert "static RAM: arduino-esp32 2.0.17 tools/sdk/esp32/ld/memory.ld" in out
    assert "memory at run time: wireless_tag, CSDN" in out
    assert "memory.ld" not in run("check", model, "--board", "esp32dev")[1]


def test_check_says_no_and_what_helps(run, model):
    options = ["--board", "esp32dev", "--app-ram", "103_000", "--app-flash", "500000"]
    status, out, _ = run("check", model, *options)
    assert status == 1
    assert "does not fit" in out
    assert "it fits with --arena heap" in out
    status, out, _ = run("check", model, *options, "--arena", "heap", "--json")
    assert (status, json.loads(out)["arena"]) == (0, "heap")
    status, out, _ = run("check", model, *options, "--arena", "heap", "--wifi")
    assert status == 1


def test_build_takes_what_check_took_and_remembers_it(run, model, tmp_path):
    """The second build, and a check of the archive, are those of the first one's options."""
    options = ["--arena", "heap", "--wifi", "--partition", "huge_app.csv", "--app-ram", "5000", "--app-flash", "6000"]
    project = tmp_path / "project"
    status, out, _ = run("build", model, "--board", "esp32dev", "--out", project, *options, "--json")
    fit = json.loads(out)["fit"]
    assert (status, fit["arena"], fit["partition"]) == (0, "heap", "huge_app.csv")
    assert json.loads(run("check", model, "--board", "esp32dev", *options, "--json")[1])["regions"] == fit["regions"]
    content = project / "small.mcuq"
    assert json.loads(run("check", content, "--board", "esp32dev", "--json")[1])["regions"] == fit["regions"]
    status, out, _ = run("build", content, "--board", "esp32dev", "--out", project, "--json")
    assert (status, json.loads(out)["changed"]) == (0, [])
    status, out, _ = run("build", content, "--board", "esp32dev", "--out", project, "--arena", "static", "--no-wifi")
    assert status == 0
    assert "small_run(" in (project / "lib/small/src/small.h").read_text()
    assert run("verify", project)[0] == 0


def test_tables(run):
    for verb, word in (("boards", "esp32-c3-devkitm-1"), ("ops", "depthwise_conv2d")):
        status, out, _ = run(verb)
        assert (status, word in out) == (0, True)
        assert json.loads(run(verb, "--json")[1])


@pytest.mark.parametrize("verb", ["build", "check", "inspect", "simulate", "verify", "boards", "ops", ""])
def test_help_has_an_example(run, verb):
    status, out, _ = run(*([verb] if verb else []), "--help")

    assert status == 0
    assert "example: mcuq" in out


BAD = {
    "unknown verb": ["fly"],
    "missing model": ["inspect", "nothing.tflite"],
    "folder as model": ["inspect", "."],
    "unknown suffix": ["inspect", "{notes}"],
    "unknown board": ["check", "{model}", "--board", "esp32-dve"],
    "unknown framework": ["check", "{model}", "--board", "esp32dev", "--framework", "zephyr"],
    "framework the board lacks": ["check", "{model}", "--board", "esp32-c61-devkitc1", "--framework", "arduino"],
    "neither board nor compare": ["check", "{model}"],
    "board and compare": ["check", "{model}", "--board", "esp32dev", "--compare"],
    "a radio the chip lacks": ["check", "{model}", "--board", "esp32-p4", "--wifi"],
    "unknown partition table": ["check", "{model}", "--board", "esp32dev", "--partition", "huge.csv"],
    "a table larger than the flash": ["check", "{model}", "--board", "esp32dev", "--partition", "default_16MB.csv"],
    "negative bytes": ["check", "{model}", "--board", "esp32dev", "--app-ram", "-1"],
    "no number of bytes": ["build", "{model}", "--board", "esp32dev", "--out", "p", "--app-flash", "many"],
    "unknown place of the arena": ["check", "{model}", "--board", "esp32dev", "--arena", "stack"],
    "missing firmware": ["check", "{model}", "--board", "esp32dev", "--elf", "none.elf"],
    "firmware that is no ELF file": ["check", "{model}", "--board", "esp32dev", "--elf", "{notes}"],
    "empty firmware": ["check", "{model}", "--board", "esp32dev", "--elf", "{empty}"],
    "a project folder without models": ["check", ".", "--elf", "{notes}"],
    "a firmware without a board": ["check", "{model}", "--elf", "{notes}"],
    "missing data": ["simulate", "{model}", "--input", "no.npy", "--output", "y.npy"],
    "unwritable output": ["simulate", "{model}", "--input", "{x}", "--output", "/proc/none/y.npy"],
    "output with another suffix": ["simulate", "{model}", "--input", "{x}", "--output", "y.txt"],
    "unwritable project": ["build", "{model}", "--board", "esp32dev", "--out", "/proc/none/p"],
    "project is a file": ["build", "{model}", "--board", "esp32dev", "--out", "{notes}"],
    "bad name": ["build", "{model}", "--board", "esp32dev", "--out", "p", "--name", "no good"],
    "verify a folder that is no project": ["verify", "."],
    "verify a missing folder": ["verify", "nowhere"],
    "garbage model": ["inspect", "{garbage}"],
    "empty model": ["inspect", "{empty}"],
    "bad engine": ["simulate", "{model}", "--input", "{x}", "--engine", "gpu"],
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_2(run, model, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    files = {"model": model, "notes": tmp_path / "notes.txt", "x": tmp_path / "x.npy"}
    files |= {"garbage": tmp_path / "garbage.tflite", "empty": tmp_path / "empty.tflite"}
    files["notes"].write_text("hello")
    files["garbage"].write_bytes(bytes(range(256)) * 8)
    files["empty"].write_bytes(b"")
    np.save(files["x"], np.zeros((1, 6, 5, 3), np.int8))
    before = sorted(tmp_path.rglob("*"))
    status, out, err = run(*(a.format(**files) for a in BAD[case]))

    assert status == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert "Traceback" not in err
    assert sorted(tmp_path.rglob("*")) == before


def test_unknown_board_names_the_closest(run, model):
    assert "esp32dev" in run("check", model, "--board", "esp32-dve")[2]


def test_what_does_not_fit_is_status_1(run, rng, tmp_path):
    from dataclasses import replace

    graph = small_graph(rng)
    values = {n: replace(t, shape=(1, 1000, 1000, t.shape[3])) for n, t in graph.values.items()}
    path = tmp_path / "big.mcuq"
    path.write_bytes(archive.dump(Archive(replace(graph, values=values))))
    status, _, err = run("build", path, "--board", "esp32dev", "--out", tmp_path / "p")

    assert status == 1
    assert "does not fit esp32dev" in err
    assert not (tmp_path / "p").exists()
    assert run("check", path, "--board", "esp32dev")[0] == 1


def test_nothing_heavy_is_imported():
    """A TFLite or .mcuq job needs none of torch, tensorflow, onnx; --help not even numpy."""
    code = "import sys; from mcuq import cli; {}; print(' '.join(m for m in {} if m in sys.modules))"
    heavy = ["torch", "tensorflow", "onnx", "scipy", "sklearn", "matplotlib"]
    done = subprocess.run(
        [sys.executable, "-c", code.format("import mcuq.pipeline, mcuq.report, mcuq.verification", heavy)],
        capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.split() == []
    done = subprocess.run(
        [sys.executable, "-c", code.format("cli._parser().format_help()", [*heavy, "numpy", "rich", "jinja2"])],
        capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.split() == []


def test_formula_and_constraints_come_from_docstrings():
    from mcuq.ops.conv2d import Conv2d

    assert catalogue.formula(Conv2d).startswith("``y[o] = ")
    assert [c[:2] for c in catalogue.constraints(Conv2d)] == ["C1", "C2", "C3", "C4", "C5"]
