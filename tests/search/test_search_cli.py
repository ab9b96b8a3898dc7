"""mcuq search on the digits model: the table, the file, the journal, other engines, and bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from json_schema import problems
from requirements import require, require_module

from mcuq import archive, cli, engines, pipeline
from mcuq.fit import footprint
from mcuq.target.board import load_board
from mcuq.target.setup import PLAIN

require("joblib", "threadpoolctl")
DIGITS = Path(__file__).parents[2] / "examples/digits"
FLOAT = DIGITS / "digits_float.tflite"
BOARD = "esp32-c3-devkitm-1"
DROP = "1.5"
SCHEMA = json.loads((Path(__file__).parents[2] / "mcuq/schemas/search.json").read_text("utf-8"))


def arguments(folder: Path, data: Path, *more: str) -> list[str]:
    files = ["search", FLOAT, "--data", data, "--calibration", DIGITS / "calibration.npz", "--out", folder / "m.mcuq"]
    return [*map(str, files), "--board", BOARD, "--max-drop", DROP, "--margin", "0", "--formats", "8,4,cb4", *more]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred of the digits, so that it is quick."""
    arrays = np.load(DIGITS / "holdout.npz")
    path = tmp_path_factory.mktemp("data") / "few.npz"
    np.savez(path, X=arrays["X"][:200], Y=arrays["Y"][:200])
    return path


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A folder in which a search in this process has ended."""
    folder = tmp_path_factory.mktemp("done")
    assert cli.main(arguments(folder, data, "--jobs", "1")) == 0
    return folder


def assert_same(folder: Path, done: Path) -> None:
    """The same model to the byte, and the same measurements in any order."""
    lines = [(path / "m.mcuq.journal").read_text().splitlines() for path in (folder, done)]
    assert lines[0][0] == lines[1][0]
    assert sorted(lines[0]) == sorted(lines[1])
    assert (folder / "m.mcuq").read_bytes() == (done / "m.mcuq").read_bytes()


def test_the_table(run, done, data):
    """A row is smaller than the one above; the taken one keeps the limits and is the file."""
    require("riscv64-unknown-elf-gcc", "picolibc", "qemu-system-riscv32")
    status, out, err = run(*arguments(done, data, "--json"))
    result = json.loads(out)
    rows, model = result["rows"], archive.read(done / "m.mcuq")
    (taken,) = (row for row in rows if row["taken"])

    assert (status, err) == (0, "") and problems(result, SCHEMA) == []
    assert result["samples"] == 200 and result["from_journal"] == result["measured"]
    assert all((2 * row["lost_error"]) ** 2 >= 2 * abs(row["lost"]) - 1e-9 for row in rows)  # of 200 samples
    assert rows[0]["layers"] == dict.fromkeys(rows[0]["layers"], "8") and rows[0]["lost"] == 0
    assert all(above["flash"] > below["flash"] for above, below in pairwise(rows))
    assert all(row["instructions"] > 100_000 for row in rows)
    assert taken["lost"] <= float(DROP) and taken["weights"] < 0.5 * rows[0]["weights"]
    assert not [row for row in rows if row["lost"] <= float(DROP) and row["flash"] < taken["flash"]]
    plan = pipeline.compile_for(model, load_board(BOARD), "", PLAIN)
    assert footprint.weight_bytes(plan) == taken["weights"]


def test_the_accuracy_is_what_evaluate_and_simulate_say(run, done, data):
    found = json.loads(run(*arguments(done, data, "--json"))[1])
    (taken,) = (row for row in found["rows"] if row["taken"])
    judged = json.loads(run("evaluate", done / "m.mcuq", "--data", data, "--json")[1])
    simulated = json.loads(run("simulate", done / "m.mcuq", "--input", data, "--board", BOARD, "--json")[1])

    assert judged["integer_accuracy"] == simulated["accuracy"] == taken["accuracy"]
    assert judged["float_accuracy"] == found["float_accuracy"]


def test_what_is_printed(run, done, data):
    status, out, err = run(*arguments(done, data))

    assert (status, err) == (0, "")
    assert out.count("<- taken") == 1
    assert "lost: points of int8's, and their standard error" in out and "by which the choice was made" in out
    assert "by an earlier run" in out and "mcuq evaluate" in out


def test_a_project_of_it_is_right(run, done, tmp_path):
    assert run("build", done / "m.mcuq", "--board", BOARD, "--name", "digits", "--out", tmp_path)[0] == 0
    assert run("verify", tmp_path)[0] == 0


def test_a_searched_model_can_be_searched_again(run, done, data, tmp_path):
    """It holds its float model; layers that were cut stay so."""
    command = change(arguments(tmp_path, data), "--formats", "8,4")
    command[1] = str(done / "m.mcuq")
    assert run(*command)[0] == 0


def test_two_processes_find_the_same(run, done, data, tmp_path):
    assert run(*arguments(tmp_path, data, "--jobs", "2"))[0] == 0
    assert_same(tmp_path, done)


def test_killed_and_started_again_it_goes_on(run, done, data, tmp_path):
    """SIGKILL after some measurements: none of them is done again, and the end is the same."""
    journal = tmp_path / "m.mcuq.journal"
    command = [sys.executable, "-m", "mcuq", *arguments(tmp_path, data, "--jobs", "1")]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    deadline = time.monotonic() + 300
    while not journal.exists() or journal.read_bytes().count(b"\n") < 6:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = journal.read_bytes()
    kept = before[: before.rindex(b"\n") + 1]
    assert not (tmp_path / "m.mcuq").exists()

    status, out, _ = run(*arguments(tmp_path, data, "--jobs", "1", "--json"))

    assert status == 0
    assert json.loads(out)["from_journal"] == kept.count(b"\n") - 1
    assert journal.read_bytes().startswith(kept)
    assert_same(tmp_path, done)


def test_a_lost_worker_is_one_line(data, tmp_path):
    command = [sys.executable, "-m", "mcuq", *arguments(tmp_path, data, "--jobs", "2")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while not (workers := children(process.pid)):
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(workers[0], signal.SIGKILL)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "a worker was lost" in err and "Traceback" not in err


def children(process: int) -> list[int]:
    """Return the worker processes of joblib that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == process and b"LokyProcess" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def test_another_limit_uses_the_same_journal(run, done, data, tmp_path):
    """And measures only what the other search had not."""
    (tmp_path / "m.mcuq.journal").write_bytes((done / "m.mcuq.journal").read_bytes())
    command = arguments(tmp_path, data, "--json")
    command[command.index("--margin") + 1] = "1"
    result = json.loads(run(*command)[1])
    (taken,) = (row for row in result["rows"] if row["taken"])

    assert taken["lost"] + taken["lost_error"] <= float(DROP)
    assert 0 < result["from_journal"] < result["measured"]


def test_a_dask_cluster_finds_the_same(run, done, data, tmp_path):
    distributed = require_module("distributed", 'pip install "mcuq[dask]"')
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        status, _, err = run(*arguments(tmp_path, data, "--dask", cluster.scheduler_address))
    assert (status, err) == (0, "")
    assert_same(tmp_path, done)


def test_a_dead_cluster_is_one_line(run, data, tmp_path, monkeypatch):
    require_module("distributed", 'pip install "mcuq[dask]"')
    monkeypatch.setattr("mcuq.search.workers.CONNECT_SECONDS", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense://here", "127.0.0.1:notaport"):
        status, out, err = run(*arguments(tmp_path, data, "--dask", address))
        assert (status, out, err.count("\n")) == (2, "", 1), err
        assert f"--dask {address}: no Dask scheduler answers there" in err


def test_a_cluster_without_workers_is_one_line(run, data, tmp_path):
    distributed = require_module("distributed", 'pip install "mcuq[dask]"')
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        status, _, err = run(*arguments(tmp_path, data, "--dask", cluster.scheduler_address))
    assert (status, err.count("\n")) == (2, 1)
    assert "has no workers" in err


@pytest.mark.parametrize(
    ("module", "extra"), [("joblib", "search"), ("threadpoolctl", "search"), ("distributed", "dask")]
)
def test_a_missing_extra_is_named(run, data, tmp_path, monkeypatch, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    status, _, err = run(*arguments(tmp_path, data, *(["--dask", "tcp://127.0.0.1:9"] if extra == "dask" else [])))
    assert (status, err.count("\n")) == (2, 1)
    assert f'pip install "mcuq[{extra}]"' in err


def test_without_the_emulator_the_column_is_empty(run, done, data, tmp_path, monkeypatch):
    lines = (done / "m.mcuq.journal").read_bytes().splitlines(keepends=True)
    (tmp_path / "m.mcuq.journal").write_bytes(b"".join(line for line in lines if b'"instructions"' not in line))
    monkeypatch.setattr(engines.emulator.shutil, "which", lambda name: None)
    status, out, err = run(*arguments(tmp_path, data))

    assert (status, err) == (0, "")
    assert "instructions are not counted: riscv64-unknown-elf-gcc not found" in out and "apt-get install" in out


def test_a_board_that_nothing_fits_is_a_clear_no(run, done, data, tmp_path):
    status, out, err = run(*arguments(tmp_path, data, "--app-flash", "100_000_000"))
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f"no choice of bits fits {BOARD}" in err and "missing" in err
    assert not (tmp_path / "m.mcuq").exists()


def change(command: list[str], option: str, value: str) -> list[str]:
    at = command.index(option)
    return [*command[: at + 1], value, *command[at + 2 :]]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--max-drop", "lots", "no number of points, 0 to 100"),
        ("--max-drop", "-1", "no number of points, 0 to 100"),
        ("--max-drop", "nan", "no number of points, 0 to 100"),
        ("--max-drop", "101", "no number of points, 0 to 100"),
        ("--margin", "some", "no number of standard errors, 0 to 10"),
        ("--board", "esp33", "unknown board 'esp33'"),
        ("--data", "nowhere.npz", "no such file"),
        ("--data", "unlabelled.npy", "has no labels (key Y)"),
        ("--formats", "8,5", "'5' is no format of weights"),
        ("--formats", "8", "nothing to search"),
        ("--out", "m.tflite", "is written to a .mcuq file"),
    ],
)
def test_bad_arguments_are_one_line(run, data, tmp_path, monkeypatch, option, value, message):
    monkeypatch.chdir(tmp_path)
    np.save("unlabelled.npy", np.load(data)["X"])
    before = sorted(tmp_path.iterdir())
    status, out, err = run(*change(arguments(tmp_path, data), option, value))
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert message in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("more", [("--jobs", "0"), ("--jobs", "x"), ("--jobs", "2", "--dask", "tcp://here:1")])
def test_bad_engines_are_one_line(run, data, tmp_path, more):
    status, _, err = run(*arguments(tmp_path, data, *more))
    assert (status, err.count("\n")) == (2, 1)
    assert "--jobs" in err


def test_one_sample_cannot_do_both(run, data, tmp_path):
    arrays = np.load(data)
    np.savez(tmp_path / "one.npz", X=arrays["X"][:1], Y=arrays["Y"][:1])
    command = [
        x
        for x in arguments(tmp_path, tmp_path / "one.npz")
        if x not in {"--calibration", str(DIGITS / "calibration.npz")}
    ]
    status, _, err = run(*command)
    assert (status, err.count("\n")) == (2, 1)
    assert "one sample cannot both calibrate and score" in err


def test_models_that_cannot_be_searched_are_one_line(run, data, tmp_path):
    command = arguments(tmp_path, data)
    command[1] = str(DIGITS / "digits.tflite")
    status, _, err = run(*command)
    assert (status, err.count("\n")) == (2, 1)
    assert "does not hold its float model" in err


@pytest.mark.parametrize("other", ["data", "calibration", "options", "board"])
def test_the_journal_of_another_search_is_one_line(run, done, data, tmp_path, other):
    (tmp_path / "m.mcuq.journal").write_bytes((done / "m.mcuq.journal").read_bytes())
    command = arguments(tmp_path, data, *(["--method", "minmax"] if other == "options" else []))
    if other in {"data", "calibration"}:
        command = change(command, f"--{other}", str(DIGITS / "holdout.npz"))
    if other == "board":
        command = change(command, "--board", "esp32dev")
    status, out, err = run(*command)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "is the journal of another" in err


def test_help_says_from_what_the_loss_counts(run):
    status, out, _ = run("search", "--help")
    assert status == 0
    assert "counted from the same model with 8 bits throughout" in " ".join(out.split())
