"""Every verb, whatever takes its output: the status is that of its work, and what it wrote is whole."""

import io
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from processes import start_with
from requirements import require

from mcuq import archive, cli

DIGITS = Path(__file__).parents[2] / "examples/digits"
FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="descriptors and fork are Unix's")
MODEL, FLOAT, HOLDOUT = DIGITS / "digits.tflite", DIGITS / "digits_float.tflite", DIGITS / "few.npz"
VERBS = {
    "build": ["build", MODEL, "--board", "esp32dev", "--out", "made"],
    "quantize": ["quantize", FLOAT, "--calibration", "few.npz", "--out", "made.mcuq"],
    "evaluate": ["evaluate", FLOAT, "--calibration", "few.npz", "--data", "few.npz"],
    "search": [
        *("search", FLOAT, "--data", "few.npz", "--calibration", "few.npz", "--board", "esp32dev"),
        *("--max-drop", "9", "--formats", "8,4", "--jobs", "1", "--out", "made.mcuq"),
    ],
    "check": ["check", MODEL, "--board", "esp32dev"],
    "check every board": ["check", MODEL, "--board", "esp32dev", "--board", "esp32-c3-devkitm-1"],
    "inspect": ["inspect", MODEL, "--memory"],
    "simulate": ["simulate", MODEL, "--input", "few.npz", "--output", "made.npy"],
    "verify": ["verify", "p"],
    "boards": ["boards"],
    "ops": ["ops"],
    "doctor": ["doctor"],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a project and some samples."""
    require("gcc", "joblib", "threadpoolctl")
    folder = tmp_path_factory.mktemp("place")
    arrays = np.load(DIGITS / "holdout.npz")
    np.savez(folder / "few.npz", X=arrays["X"][:40], Y=arrays["Y"][:40])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert cli.main(["build", str(MODEL), "--board", "esp32dev", "--out", "p"]) == 0
        assert cli.main([*map(str, VERBS["search"])]) == 0  # what it has measured makes the next ones quick
    return folder


def whole(folder: Path) -> bool:
    """Whether what a verb has written can be read."""
    if (folder / "made").exists():
        return archive.read(folder / "made/digits.mcuq").graph.name == "digits"
    if (folder / "made.mcuq").exists():
        return archive.read(folder / "made.mcuq").source is not None
    return not (folder / "made.npy").exists() or len(np.load(folder / "made.npy")) == 40


@pytest.fixture
def here(place, tmp_path, monkeypatch):
    for name in ("p", "few.npz"):
        (tmp_path / name).symlink_to(place / name)
    shutil.copy(place / "made.mcuq.journal", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("encoding", ["ascii", "latin1", "cp1252"])
@pytest.mark.parametrize("verb", VERBS)
def test_any_encoding(here, monkeypatch, verb, encoding):
    out, err = io.BytesIO(), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding))
    status = cli.main([*map(str, VERBS[verb])])
    sys.stdout.flush()
    sys.stderr.flush()
    assert (status, err.getvalue()) == (0, b"")
    text = out.getvalue().decode(encoding)
    assert len(text) > 40 and "?" not in text.replace("??", "")
    assert whole(here)


@pytest.mark.parametrize("verb", VERBS)
def test_a_reader_that_has_gone(here, verb):
    reading, writing = os.pipe()
    os.close(reading)
    process = start_with(VERBS[verb], writing)
    os.close(writing)
    assert (process.communicate()[1], process.returncode) == (b"", 0)
    assert whole(here)


@pytest.mark.skipif(not FULL.exists(), reason="there is no full disk here")
@pytest.mark.parametrize("json", [[], ["--json"]])
@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk(here, verb, json):
    with FULL.open("wb") as full:
        process = start_with([*VERBS[verb], *json], full.fileno())
    (line,) = process.communicate()[1].decode().splitlines()
    assert process.returncode == 2
    assert line.startswith("mcuq: error: standard output: cannot write (No space left on device)")
    assert whole(here)
