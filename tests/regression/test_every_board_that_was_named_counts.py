"""`--board a --board b` silently dropped a; `check --compare` had no exit status of one's choice; a `platformio.ini`
for another board, framework or partition table was not looked at."""

import json

import pytest
from models import small_graph

from mcuq import archive

BIG = ("--app-ram", "200000")  # fits an ESP32-S3, not an ESP32


@pytest.fixture
def model(rng, tmp_path):
    path = tmp_path / "small.mcuq"
    path.write_bytes(archive.dump(archive.Archive(small_graph(rng))))
    return path


def test_check_takes_several_boards(run, model):
    both = ("check", model, "--board", "esp32dev", "--board", "esp32-s3-devkitc-1")
    status, out, _ = run(*both)
    rows = json.loads(run(*both, "--json")[1])["boards"]

    assert status == 0
    assert all(name in out for name in ("esp32dev", "esp32-s3-devkitc-1"))
    assert [row["board"] for row in rows] == ["esp32dev", "esp32-s3-devkitc-1"]
    assert [row["fits"] for row in json.loads(run(*both, *BIG, "--json")[1])["boards"]] == [False, True]


@pytest.mark.parametrize(("require", "status"), [((), 1), (("--require", "all"), 1), (("--require", "any"), 0)])
def test_exit_status_of_several_boards(run, model, require, status):
    assert run("check", model, "--board", "esp32dev", "--board", "esp32-s3-devkitc-1", *BIG, *require)[0] == status


@pytest.mark.parametrize(("require", "status"), [((), 0), (("--require", "all"), 1), (("--require", "any"), 0)])
def test_exit_status_of_compare(run, model, require, status):
    assert run("check", model, "--compare", *BIG, *require)[0] == status


@pytest.mark.parametrize(
    "command",
    [
        ("build", "--board", "esp32dev", "--board", "lolin_d32", "--out", "p"),
        ("build", "--board", "esp32dev", "--out", "p", "--out", "q"),
        ("simulate", "--input", "a.npy", "--input", "b.npy"),
        ("check", "--board", "esp32dev", "--arena", "heap", "--arena", "static"),
    ],
)
def test_what_is_given_twice_is_refused(run, model, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    status, out, error = run(command[0], model, *command[1:])

    assert (status, out, error.count("\n")) == (2, "", 1)
    assert "is given twice" in error
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("more", [("--board", "lolin_d32", "--elf", "f.elf"), ("--require", "all")])
def test_what_does_not_go_together_is_refused(run, model, more):
    status, out, error = run("check", model, "--board", "esp32dev", *more)

    assert (status, out, error.count("\n")) == (2, "", 1)


INI = """[platformio]
default_envs = mine
[common]
framework = {framework}
[env]
monitor_speed = 9600
[env:mine]
extends = common
platform = espressif32
board = {board}
board_build.partitions = {partition} ; a comment
[env:other]
platform = native
"""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"board": "lolin_d32"}, "is for lolin_d32 (env:mine); the model was checked for esp32dev"),
        ({"framework": "espidf"}, "env:mine has framework = espidf; the model was checked with arduino"),
        ({"partition": "min_spiffs.csv"}, "the partition table min_spiffs.csv; the model was checked with default.csv"),
    ],
    ids=["agrees", "board", "framework", "partition"],
)
def test_what_the_project_says_otherwise_is_said(run, model, tmp_path, changed, said):
    values = {"board": "esp32dev", "framework": "arduino", "partition": "default.csv"} | changed
    (tmp_path / "p").mkdir()
    (tmp_path / "p/platformio.ini").write_text(INI.format(**values), encoding="utf-8")
    status, out, _ = run("build", model, "--board", "esp32dev", "--out", tmp_path / "p")
    checked = json.loads(run("check", tmp_path / "p/small.mcuq", "--board", "esp32dev", "--json")[1])

    assert status == 0
    assert len(checked["remarks"]) == bool(said)
    assert said in out
    assert said in "".join(checked["remarks"])
    assert out.count("platformio.ini:") == bool(said)


def test_a_partition_that_a_rebuild_does_not_write_is_said(run, model, tmp_path):
    project = tmp_path / "p"
    first = run("build", model, "--board", "esp32dev", "--out", project)[1]
    again = run("build", model, "--board", "esp32dev", "--out", project, "--partition", "huge_app.csv")[1]

    assert "platformio.ini:" not in first
    assert "has the partition table default.csv; the model was checked with huge_app.csv" in again
