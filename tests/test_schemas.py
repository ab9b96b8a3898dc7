"""JSON is an interface: what every verb prints says its schema, and keeps to it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from float_nets import Builder, samples
from json_schema import problems
from requirements import require

import mcuq
from mcuq import cli
from mcuq.float_run import run as run_float
from mcuq.loading import quantize_float
from mcuq.page.figures import CLOSING, OPENING
from mcuq.report import VERSIONS

ROOT = Path(__file__).parents[1]
SCHEMAS = {path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "mcuq/schemas").glob("*.json")}
NET = Builder((1, 6, 6, 2)).conv(4, 3, "relu").dense(3).graph()
BOARD = "esp32-c3-devkitm-1"
DIGITS = ROOT / "examples/digits"

# What is run, by the document that it prints; a status of 1 is a clear no, which has its document too.
VERBS = {
    "boards": ["boards"],
    "ops": ["ops"],
    "doctor": ["doctor"],
    "check": ["check m.mcuq --board {board}", "check m.mcuq --board {board} --speed --arena heap", "check {big}"],
    "check-boards": ["check m.mcuq --board {board} --board esp32dev"],
    "inspect": ["inspect m.mcuq", "inspect {float}"],
    "memory": ["inspect m.mcuq --memory"],
    "quantize": ["quantize {float} --calibration {calibration} --out q.mcuq"],
    "evaluate": [
        "evaluate m.mcuq --data d.npz",
        "evaluate m.mcuq --data x.npz",
        "evaluate m.mcuq --data v.npz --task values",
        "evaluate {digits} --data {holdout}",
    ],
    "simulate": ["simulate m.mcuq --input d.npz --output y.npy", "simulate m.mcuq --input x.npz"],
    "build": ["build m.mcuq --board {board} --out p", "build {big} --out no"],
    "compare": ["compare m.mcuq n.mcuq --board {board} --data d.npz"],
    "gate": ["gate"],
    "report": ["report m.mcuq --board {board} --data d.npz --no-instructions"],
    "verify": ["verify p", "verify p --data d.npz"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemas")
    x = samples(NET, 40)
    y = run_float(NET, {"x": x})[NET.outputs[0]].reshape(40, 3)
    np.savez(folder / "d.npz", X=x, Y=y.argmax(axis=1))
    np.savez(folder / "v.npz", X=x, Y=y)
    np.savez(folder / "x.npz", X=x)
    for name, bits in (("m", 8), ("n", 4)):
        mcuq.save(quantize_float(NET, x, {"bits": bits}).graph, folder / f"{name}.mcuq", reference=NET)
    large = Builder((1, 128, 128, 3)).conv(16, 3, "relu").graph()
    mcuq.save(quantize_float(large, samples(large, 2), {}).graph, folder / "big.mcuq")
    limits = f'model = "m.mcuq"\ndata = "d.npz"\nboards = ["{BOARD}"]\nmin_accuracy = 0.1\nmax_arena = 1\n'
    (folder / "mcuq.toml").write_text(limits)
    return folder


def printed(run, folder, monkeypatch, line):
    monkeypatch.chdir(folder)
    names = {"board": BOARD, "big": "big.mcuq --board esp32dev", "digits": DIGITS / "digits.tflite"}
    names |= {"float": DIGITS / "digits_float.tflite", "calibration": DIGITS / "calibration.npz"}
    status, out, _ = run(*line.format(holdout=DIGITS / "holdout.npz", **names).split(), "--json")
    assert status in {0, 1}
    return json.loads(out)


@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in VERBS.items() for line in lines])
def test_what_a_verb_prints_keeps_to_its_schema(run, folder, monkeypatch, kind, line):
    if kind == "verify":
        require("gcc")
        printed(run, folder, monkeypatch, f"build m.mcuq --board {BOARD} --out p")
    document = printed(run, folder, monkeypatch, line)

    assert document["schema"] == f"mcuq/{kind}/{VERSIONS[kind]}"
    assert problems(document, SCHEMAS[kind]) == []


def test_a_build_that_does_not_fit_says_what_is_missing(run, folder, monkeypatch):
    document = printed(run, folder, monkeypatch, "build {big} --out never")

    assert document["fit"]["fits"] is False and document["changed"] == []
    assert any(region["free"] < 0 for region in document["fit"]["regions"])
    assert not (folder / "never").exists()


def test_every_document_has_a_schema_and_every_verb_a_test():
    """A search is tested where it is run: tests/search/test_search_cli.py."""
    assert set(SCHEMAS) - {"figures"} == set(VERSIONS) == {*VERBS, "search"}
    verbs = {line.split()[0] for lines in VERBS.values() for line in lines} | {"search"}
    parser = cli._parser()
    (named,) = [action.choices for action in parser._actions if action.choices]
    assert {name for name, verb in named.items() if "--json" in verb.format_help()} == verbs


def test_the_files_are_those_that_are_written():
    command = [sys.executable, ROOT / "tools/schemas.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "differ: none\n"), done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"macs": "many"}, "macs is 'many'"),
        ({"schema": "mcuq/inspect/0"}, "schema is"),
        ({"more": 1}, "more, which no schema knows"),
        ({"layers": [{}]}, "layers[0] has no name"),
    ],
)
def test_what_is_wrong_is_found(run, folder, monkeypatch, change, said):
    document = printed(run, folder, monkeypatch, "inspect m.mcuq")

    assert any(said in problem for problem in problems(document | change, SCHEMAS["inspect"]))


def test_a_page_holds_figures_that_keep_to_their_schema(run, folder, monkeypatch):
    """With labels, so that nothing is left out, and times that are estimated or but a range."""
    for board in (BOARD, "esp32dev"):
        printed(run, folder, monkeypatch, f"report m.mcuq --board {board} --data d.npz --no-instructions --out r.html")
        text = (folder / "r.html").read_text("utf-8").partition(OPENING)[2].partition(CLOSING)[0]

        assert problems(json.loads(text), SCHEMAS["figures"]) == []
        assert '"what":"accuracy"' in text and '"what":"inference, ' in text


def test_papers_name_every_document():
    text = (ROOT / "docs/json.md").read_text("utf-8")
    assert all(f"`{kind}`" in text for kind in SCHEMAS)
    times = SCHEMAS["check"]["properties"]["times"]["items"]["properties"]
    assert all(f"`{name}`" in text for name in (*times, *times["layers"]["items"]["properties"]))
