"""What a board took: kept in its project instead of the estimate, sent as a record, joined to the fit, or refused."""

import importlib.util
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from models import small_graph
from requirements import require_tool

import mcuq
from mcuq import archive, pipeline, verification
from mcuq.engines.firmware import revision_in
from mcuq.errors import UsageError
from mcuq.target.measured import read_measured
from mcuq.verbs.recording import keep
from mcuq.verification import Spread, Verification, verify_project

CYCLES, MICROSECONDS = 60_000, 250


@pytest.fixture(scope="module")
def graph():
    return small_graph(np.random.default_rng(7))


@pytest.fixture(scope="module")
def built(graph, tmp_path_factory):
    """A project, written once."""
    folder = tmp_path_factory.mktemp("built") / "project"
    pipeline.write_project(graph, "esp32dev", folder)
    return folder


@pytest.fixture
def project(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "project"))


@pytest.fixture(scope="module")
def result(graph, built):
    """The result of a board that runs the project, as ``verify_project`` returns it."""
    spread = lambda value: Spread(value, value, value)  # noqa: E731
    plan = pipeline.compile_recorded(archive.read(built / "small.mcuq"))
    layers = {step.name: CYCLES // len(plan.steps) for step in plan.steps}
    times = {"microseconds": spread(MICROSECONDS), "cycles": spread(CYCLES), "instructions": None, "layers": layers}
    rest = {"stack_used": 500, "free_heap": 90_000, "faults": 0, "firmware": "0.1.0", "revision": "v3.1"}
    return Verification("small", "/dev/ttyUSB0", "esp32", 3, 0, None, True, **times, **rest)


def times(run, project, *options):
    return json.loads(run("check", project, *options, "--json")[1])["times"]


def test_a_measurement_takes_the_place_of_the_estimate(run, project, result):
    (before,) = times(run, project)
    written = keep(project, [result])
    (after,) = times(run, project)
    _, text, _ = run("check", project, "--sources")

    assert before["basis"] == "estimated"
    assert written == [project / "lib" / "small" / "measured.json"]
    assert (after["basis"], after["milliseconds"], after["clock"]) == ("measured", 0.25, 240_000_000)
    assert "an inference: measured 0.250 ms\n" in text
    assert "time of small: mcuq verify --port on esp32dev, chip revision v3.1\n" in text
    assert times(run, project / "small.mcuq", "--board", "esp32dev") == [after]
    mcuq.write_report(project / "small.mcuq", "esp32dev", project / "report.html", instructions=False)
    assert "An inference: measured 0.250 ms." in (project / "report.html").read_text()


@pytest.mark.parametrize("options", [("--board", "esp32-c3-devkitm-1"), ("--framework", "espidf")])
def test_elsewhere_it_is_an_estimate_again(run, project, result, options):
    keep(project, [result])
    (time,) = times(run, project, *options)
    assert time["basis"] in {"estimated", "unproved"}


def test_of_another_model_it_is_an_estimate_again(run, project, result):
    keep(project, [result])
    pipeline.write_project(small_graph(np.random.default_rng(8)), "esp32dev", project)
    (time,) = times(run, project)
    assert time["basis"] == "estimated"


def test_with_other_kernels_it_is_an_estimate_again(run, project, result):
    keep(project, [result])
    path = project / "lib" / "small" / "measured.json"
    path.write_text(path.read_text().replace("conv2d_s8_mac16", "conv2d_s8_packed"))
    (time,) = times(run, project)
    assert time["basis"] == "estimated"


def test_a_record_says_what_and_where(run, project, result, graph, tmp_path, monkeypatch):
    monkeypatch.setattr(verification, "verify_project", lambda *_, **__: [result])
    record = tmp_path / "record.json"
    status, text, _ = run("verify", project, "--port", "/dev/ttyUSB0", "--record", record)
    found = read_measured(record)

    assert status == 0
    assert f"measured times are kept in {record}\n" in text
    assert (found.board, found.chip, found.revision, found.firmware) == ("esp32dev", "esp32", "v3.1", "0.1.0")
    assert (found.mcuq, found.model, found.digest) == (mcuq.__version__, "small", archive.digest(graph))
    assert (found.samples, found.mismatches, found.cycles, found.clock) == (3, 0, CYCLES, 240_000_000)
    assert [layer.cycles for layer in found.layers] == list(result.layers.values())
    assert record.read_bytes() == (project / "lib" / "small" / "measured.json").read_bytes()
    assert read_measured(record).dump() == record.read_bytes()


def test_what_differs_is_not_kept(project, result, tmp_path):
    wrong = replace(result, different=1)

    assert keep(project, [wrong]) == []
    with pytest.raises(UsageError, match="1 of 3 results differ"):
        keep(project, [wrong], tmp_path / "record.json")
    assert not (tmp_path / "record.json").exists()


def test_a_computer_has_no_time_to_tell(run, project, tmp_path):
    require_tool("cc")
    (host,) = verify_project(project)
    status, _, error = run("verify", project, "--record", tmp_path / "record.json")

    assert keep(project, [host]) == []
    with pytest.raises(UsageError, match="counts no cycles"):
        keep(project, [host], tmp_path / "record.json")
    assert (status, error.count("\n")) == (2, 1)
    assert "--port" in error


def test_a_bootloader_says_the_revision():
    assert revision_in("I (29) boot: chip revision: v3.1\nI (30) boot") == "v3.1"
    assert revision_in("I (25) boot: chip revision: 0\n") == "0"
    assert revision_in("mcuq: PASS small\n") == ""


def test_a_record_joins_the_fit(project, result, tmp_path, monkeypatch):
    path = Path(__file__).parents[1] / "benchmarks" / "fit_time.py"
    spec = importlib.util.spec_from_file_location("fit_time_of_records", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    boards = tmp_path / "boards"
    (boards / "measured").mkdir(parents=True)
    shutil.copy(module.BOARDS / "published.json", boards)
    before = list(module.points())
    keep(project, [result], boards / "measured" / "small.json")
    monkeypatch.setattr(module, "BOARDS", boards)
    (*others, ours) = module.points()

    assert others == before
    assert (ours.chip, ours.engine, ours.cycles, ours.flash) == ("esp32", "mcuq", CYCLES, 0)  # all stays in the cache
    figures = module.table([*others, ours])["chips"]["esp32"]
    assert figures["measurements"] == {"others": 7, "mcuq": 1}
    assert figures["models"] == 7


HOSTILE = {
    "format": [0, 2, "1", None, True],
    "board": ["a b", "x\n[evil]", "", 3, "x" * 400],
    "chip": ["esp8266", "../esp32"],
    "revision": ["\x1b[2J", ["v3"]],
    "model": ["../../etc", "a-b", "a\nb"],
    "digest": ["0" * 63, "g" * 64, 0],
    "samples": [0, -1, 1.5, 1 << 60, True],
    "mismatches": [1, -1, False],
    "clock": [0, -240_000_000],
    "cycles": [0, "60000", float("inf")],
    "flash_mode": ["fast", "qio\n"],
    "layers": [[], {}, "all", [1], [{}], [{"name": "a"}]],
    "extra": [1],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in HOSTILE.items() for value in values])
def test_a_hostile_record_is_refused_in_a_line(project, result, key, value):
    (path,) = keep(project, [result])
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(UsageError) as refused:
        read_measured(path)
    said = str(refused.value)
    assert said.startswith(f"{path}: ") and said.isprintable() and len(said) < 1000


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"format": ' + "9" * 5000 + "}", "[" * 100_000, "\xff\xfe"])
def test_what_is_no_record_is_refused_in_a_line(run, project, text):
    (project / "lib" / "small" / "measured.json").write_bytes(text.encode("latin-1"))
    status, _, error = run("check", project)
    assert (status, error.count("\n")) == (2, 1)
    assert "measured.json" in error


def test_records_here_are_readable():
    for path in (Path(__file__).parents[1] / "boards" / "measured").glob("*.json"):
        assert read_measured(path).mismatches == 0
