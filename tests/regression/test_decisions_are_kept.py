"""A project keeps what was decided when it was built until an option changes it: lib/<name>/build.json."""

import json
from pathlib import Path

import pytest

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


def build(run, project: Path, *options, model: Path = DIGITS / "digits.tflite") -> str:
    status, out, err = run("build", model, "--board", "esp32dev", "--out", project, *options)
    assert status == 0, err
    return out


def record(project: Path, name: str) -> dict:
    return json.loads((project / "lib" / name / "build.json").read_text())


def test_a_rebuild_without_options_keeps_setup_framework_and_name(run, tmp_path):
    options = (
        "--wifi",
        "--arena",
        "heap",
        "--partition",
        "partitions_singleapp_large.csv",
        "--speed",
        "--framework",
        "espidf",
    )
    build(run, tmp_path, *options, "--name", "seven")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    out = build(run, tmp_path)
    assert "seven fits" in out and "nothing changed" in out
    assert "esp32dev, espidf, --arena heap, --partition partitions_singleapp_large.csv, --wifi, --speed" in out
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_an_option_changes_one_decision(run, tmp_path):
    build(run, tmp_path, "--wifi", "--arena", "heap")
    build(run, tmp_path, "--no-wifi")
    setup = record(tmp_path, "digits")["setup"]
    assert setup["wifi"] is False and setup["arena"] == "heap"


def test_check_and_verify_judge_what_was_decided(run, tmp_path):
    build(run, tmp_path, "--wifi", "--partition", "huge_app.csv")
    status, out, _ = run("check", tmp_path / "digits.mcuq", "--board", "esp32dev")
    assert status == 0 and "huge_app.csv" in out and "Wi-Fi" in out


def test_a_float_model_is_quantized_as_before(run, tmp_path):
    float_model, samples = DIGITS / "digits_float.tflite", DIGITS / "calibration.npz"
    build(run, tmp_path, "--calibration", samples, "--bits", "4", "--clip", model=float_model)
    before = (tmp_path / "digits_float.mcuq").read_bytes()
    build(run, tmp_path, "--calibration", samples, model=float_model)
    assert (tmp_path / "digits_float.mcuq").read_bytes() == before
    build(run, tmp_path, "--calibration", samples, "--bits", "8", "--no-clip", model=float_model)
    assert record(tmp_path, "digits_float")["quantization"] == {"bits": 8, "clip": False}


def test_a_file_built_under_two_names_asks_which(run, tmp_path):
    build(run, tmp_path, "--name", "one")
    build(run, tmp_path, "--name", "two")
    status, _, err = run("build", DIGITS / "digits.tflite", "--board", "esp32dev", "--out", tmp_path)
    assert status == 2 and "as one and as two" in err and "--name" in err


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 0}', b'{"format": "2"}', b"\xff", b"[" * 100000])
def test_a_damaged_record_is_one_line(run, tmp_path, content):
    build(run, tmp_path)
    (tmp_path / "lib" / "digits" / "build.json").write_bytes(content)
    status, _, err = run("build", DIGITS / "digits.tflite", "--board", "esp32dev", "--out", tmp_path)
    assert status == 2 and "build.json: damaged" in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("number", [2, 10**40])
def test_a_record_of_a_newer_mcuq_is_named(run, tmp_path, number):
    build(run, tmp_path)
    (tmp_path / "lib" / "digits" / "build.json").write_text(f'{{"format": {number}}}')
    status, _, err = run("build", DIGITS / "digits.tflite", "--board", "esp32dev", "--out", tmp_path)
    assert status == 2 and "build.json: has format" in err and "install a newer mcuq" in err
    assert len(err.splitlines()) == 1
