"""The gate: every limit can break, is measured as the other verbs measure it, and is said to people and machines."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from float_nets import Builder, samples
from requirements import require, require_module

import mcuq
from mcuq.errors import UsageError
from mcuq.float_run import run as run_float
from mcuq.loading import quantize_float

ROOT = Path(__file__).parents[1]
NET = Builder((1, 6)).dense(8, "relu").dense(4).graph()
BOARD = "esp32-c3-devkitm-1"


@pytest.fixture
def repository(tmp_path):
    """A folder with a quantized model and labelled samples, that takes limits and returns its own path."""
    x = samples(NET, 200)
    labels = run_float(NET, {"x": x})[NET.outputs[0]].reshape(200, 4).argmax(axis=1)
    np.savez(tmp_path / "d.npz", X=x, Y=labels)
    mcuq.save(quantize_float(NET, x, {"bits": 2}).graph, tmp_path / "m.mcuq", reference=NET)

    def limited(*lines: str, file: str = "mcuq.toml") -> Path:
        head = ["[tool.mcuq]"] if file == "pyproject.toml" else []
        common = ['model = "m.mcuq"', f'boards = ["{BOARD}"]', 'data = "d.npz"']
        (tmp_path / file).write_text("\n".join([*head, *common, *lines]) + "\n")
        return tmp_path

    return limited


def measured(run, folder: Path) -> dict[str, float]:
    """What the other verbs say."""
    fit = json.loads(run("check", folder / "m.mcuq", "--board", BOARD, "--json")[1])
    judged = json.loads(run("evaluate", folder / "m.mcuq", "--data", folder / "d.npz", "--json")[1])
    (app,) = (region for region in fit["regions"] if region["region"] == "app partition")
    return {
        "max_arena": fit["arena_bytes"],
        "max_flash": app["needed"] - app["breakdown"]["empty arduino application"],
        "min_accuracy": 100 * judged["integer_accuracy"],
        "max_drop": 100 * (judged["float_accuracy"] - judged["integer_accuracy"]),
    }


@pytest.mark.parametrize("key", ["max_arena", "max_flash", "min_accuracy", "max_drop"])
def test_every_limit_holds_at_what_is_found_and_breaks_behind_it(run, repository, key):
    found = measured(run, repository())
    at, beyond = {
        "min_accuracy": (found[key] / 100, found[key] / 100 + 0.001),
        "max_drop": (found[key] + 1e-9, found[key] - 0.1),
    }.get(key, (found[key], found[key] - 1))
    kept = mcuq.gate(repository(f"{key} = {at!r}"))
    broken = mcuq.gate(repository(f"{key} = {beyond!r}"))

    assert found[key] > 0.1
    assert kept.passed and key in [verdict.limit for verdict in kept.verdicts]
    assert [verdict.limit for verdict in broken.broken] == [key]


def test_a_model_that_does_not_fit_is_a_broken_limit(repository):
    folder = repository()
    limits = folder / "mcuq.toml"
    limits.write_text(limits.read_text().replace("m.mcuq", "large.mcuq"))
    graph = Builder((1, 6)).dense(4000, "relu").dense(500).graph()
    mcuq.save(quantize_float(graph, samples(graph, 20)).graph, folder / "large.mcuq")
    (verdict,) = mcuq.gate(folder).broken

    assert (verdict.limit, verdict.board) == ("fits", BOARD)
    assert "app partition needs" in verdict.text


def test_time_is_limited_with_its_error_on_top(run, repository):
    file = repository() / "m8.mcuq"
    mcuq.save(quantize_float(NET, samples(NET, 50)).graph, file)
    (time,) = json.loads(run("check", file, "--board", BOARD, "--json")[1])["times"]

    def gate(most: float) -> mcuq.Gate:
        limits = repository(f"max_ms = {most}") / "mcuq.toml"
        limits.write_text(limits.read_text().replace("m.mcuq", "m8.mcuq"))
        return mcuq.gate(limits)

    (broken,) = gate(0.999 * time["high"]).broken
    assert gate(1.001 * time["high"]).passed
    assert (broken.limit, broken.unit) == ("max_ms", "ms")
    assert broken.found == pytest.approx(time["high"], rel=1e-3)
    assert broken.text.startswith(time["text"]) and "unproved" in time["text"]


@pytest.mark.parametrize("value", ["-1", '"fast"', "nan", "true"])
def test_a_limit_of_time_is_a_number(repository, value):
    with pytest.raises(UsageError, match="max_ms is"):
        mcuq.gate(repository(f"max_ms = {value}"))


def test_instructions_are_those_of_the_emulated_chip(repository):
    require("picolibc", "qemu-system-riscv32")
    (verdict,) = mcuq.gate(repository("max_instructions = 100")).broken

    assert verdict.name == f"max_instructions on {BOARD}"
    assert 500 < verdict.found < 5000
    assert mcuq.gate(repository(f"max_instructions = {verdict.found:.0f}")).passed


def test_what_machines_read(run, repository):
    folder = repository("max_arena = 1", "min_accuracy = 0.1")
    files = {name: folder / f"gate.{name}" for name in ("xml", "md")}
    status, out, _ = run("gate", folder, "--json", "--junit", files["xml"], "--markdown", files["md"])
    suite = ElementTree.parse(files["xml"]).getroot()
    (failed,) = [case.get("name") for case in suite if case.find("failure") is not None]

    assert status == 1
    assert {v["name"]: v["holds"] for v in json.loads(out)["limits"]} == {
        f"fits on {BOARD}": True,
        f"max_arena on {BOARD}": False,
        "min_accuracy": True,
    }
    assert (suite.get("tests"), suite.get("failures"), failed) == ("3", "1", f"max_arena on {BOARD}")
    assert f"| max_arena | {BOARD} | **broken** |" in files["md"].read_text()


def test_limits_may_lie_in_pyproject(run, repository):
    assert run("gate", repository("max_arena = 1", file="pyproject.toml"))[0] == 1


REFUSED = {
    "a misspelt key": (["max_arean = 1"], "unknown key max_arean"),
    "a share above 1": (["min_accuracy = 95"], "min_accuracy is 95, not a number from 0 to 1"),
    "no number": (["max_arena = true"], "max_arena is True, not a positive number"),
    "text": (['max_drop = "much"'], "max_drop is much, not a number from 0 to 100"),
    "not TOML": (["max_arena ="], "a TOML file"),
}


@pytest.mark.parametrize(("lines", "match"), REFUSED.values(), ids=REFUSED)
def test_limits_that_mean_nothing(run, repository, lines, match):
    status, _, said = run("gate", repository(*lines))

    assert (status, said.count("\n")) == (2, 1)
    assert match in said and "mcuq.toml" in said


def test_no_limits_at_all(run, tmp_path):
    status, _, said = run("gate", tmp_path)

    assert status == 2
    assert "has neither mcuq.toml nor pyproject.toml with [tool.mcuq]" in said


def test_limits_that_cannot_be_measured(repository):
    folder = repository("min_accuracy = 0.5")
    limits = folder / "mcuq.toml"
    whole = limits.read_text()
    limits.write_text(whole.replace('data = "d.npz"\n', ""))
    with pytest.raises(UsageError, match="need data"):
        mcuq.gate(folder)
    np.savez(folder / "d.npz", X=samples(NET, 10))
    limits.write_text(whole)
    with pytest.raises(UsageError, match="it holds no labels"):
        mcuq.gate(folder)
    np.savez(folder / "d.npz", X=samples(NET, 10), Y=np.zeros(10, int))
    mcuq.save(mcuq.load(folder / "m.mcuq"), folder / "m.mcuq")
    limits.write_text(whole.replace("min_accuracy = 0.5", "max_drop = 1"))
    with pytest.raises(UsageError, match="max_drop compares with the float model"):
        mcuq.gate(folder)


def test_evaluate_asks_for_accuracy_alone(run, repository):
    folder = repository()
    arguments = ("evaluate", folder / "m.mcuq", "--data", folder / "d.npz", "--min-accuracy")

    assert [run(*arguments, share)[0] for share in ("0.5", "0.999", "95")] == [0, 1, 2]


@pytest.mark.parametrize(("limit", "status"), [(40_000, 0), (1, 1)])
def test_the_fixture_of_pytest(repository, limit, status):
    folder = repository(f"max_arena = {limit}")
    (folder / "test_it.py").write_text("def test_model(mcuq_gate):\n    assert mcuq_gate.passed, mcuq_gate\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "mcuq.cli.pytest_plugin", "--rootdir", ".", "test_it.py"]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == status, done.stdout + done.stderr
    assert status == 0 or re.search(r"max_arena on .*: [\d,]+ of 1 bytes", done.stdout)


@pytest.mark.parametrize(("limit", "status"), [(40_000, 0), (1, 1)])
def test_the_action(repository, tmp_path, limit, status):
    """Its last step, run as its file says; the ones before install packages, from here and from Debian."""
    yaml = require_module("yaml", "pip install pyyaml")
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "mcuq").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mcuq "$@"\n')
    (programs / "mcuq").chmod(0o755)
    summary, folder = tmp_path / "summary.md", repository(f"max_arena = {limit}")
    values = {"${{ inputs.place }}": str(folder)}
    environment = {name: values[value] for name, value in steps[-1]["env"].items()}
    environment |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(summary)}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *sys.path])
    command = ["bash", "-eo", "pipefail", "-c", steps[-1]["run"]]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == status, done.stderr
    assert f"| max_arena | {BOARD} |" in summary.read_text()
    assert "$GITHUB_ACTION_PATH" in steps[-2]["run"]
