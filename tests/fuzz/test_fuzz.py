"""A fixed sample of what ``make fuzz`` does for as long as it is asked to, and whether it would find anything."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hostile import rewritten
from oracle import assert_equals_tflm, samples
from requirements import require

from fuzz import worker
from fuzz.__main__ import BYTES, tried
from fuzz.mutations import any_json, zipped
from fuzz.readers import READERS
from fuzz.serial import run_serial
from mcuq import cli
from mcuq.errors import McuqError

MUTANTS = {"tflite": 400, "mcuq": 400, "npy": 120, "npz": 120, "toml": 120, "elf": 100, "journal": 120, "record": 80}
TENSORFLOW = ("keras", "h5", "saved_model")
MUTANTS |= {"c": 40, "page": 120, "onnx": 150, "pt2": 60, "keras": 50, "h5": 40, "saved_model": 30}


def needed(name: str) -> None:
    """Skip where a reader's framework is missing."""
    parts = {"tflite": ["ai_edge_litert"], "c": ["ai_edge_litert"], "onnx": ["onnx", "onnxruntime"]}
    parts |= {"pt2": ["torch", "onnx", "onnxscript"]} | {key: ["tensorflow"] for key in TENSORFLOW}
    require(*parts.get(name, []))
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is measured on Linux alone")


@pytest.mark.parametrize("name", READERS)
def test_mutants(name):
    needed(name)
    tally = tried(name, 0, MUTANTS[name], 600)
    assert tally.findings == []
    assert tally.mutants == MUTANTS[name]
    assert tally.accepted and tally.refused
    assert tally.largest < BYTES


@pytest.mark.parametrize("name", READERS)
def test_seeds_are_accepted(name, tmp_path, monkeypatch):
    needed(name)
    if READERS[name].framework:
        pytest.skip("the tests of its reader read such models")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.mcuq").write_bytes(worker.mcuq()[0])
    for index, seed in enumerate(READERS[name].seeds()):
        scratch = tmp_path / str(index)
        scratch.mkdir()
        path = READERS[name].place(seed, scratch, READERS[name].suffix)
        generators = map(np.random.default_rng, range(60))  # one of the commands suits every seed
        assert any(worker.run(READERS[name].command(path, rng))[0] in (0, 1) for rng in generators)


def test_mutants_are_the_same_every_time():
    for name in ("mcuq", "npz", "toml", "elf", "journal"):
        first, again = (worker.mutant(name, 5, 17) for _ in range(2))
        assert first == again != worker.mutant(name, 6, 17)


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (lambda: 1 / 0, "traceback"),
        (lambda: sys.stderr.write("one\ntwo\n") and 2, "broken"),
        (lambda: sys.stdout.write("x") and 2, "broken"),
        (lambda: (sys.stderr.write("x\x1b[2J\n"), 2)[1], "broken"),
        (lambda: (Path("scratch", "left").write_text("x"), sys.stderr.write("x\n"), 2)[2], "broken"),
        (lambda: np.float32(3e38) * np.float32(10) and 0, "broken"),
        (lambda: 3, "broken"),
        (lambda: [None for _ in iter(int, 1)], "hang"),
        (lambda: (sys.stderr.write("x\n"), 2)[1], "refused"),
    ],
)
def test_faults_are_found(fault, result, tmp_path, monkeypatch):
    def main(command):
        try:
            return fault()
        except McuqError:
            return 2

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "main", main)
    monkeypatch.setattr(worker, "SECONDS", 0.5)
    assert worker.tried("toml", 0, 0, tmp_path)["result"] == result


def test_the_small_tflite_models_are_sound(rng):
    require("ai_edge_litert", "tflite_micro")
    from fuzz.tflite_seeds import image_model, moving_model, vector_model

    assert_equals_tflm(image_model(), samples(rng, 3, (1, 9, 8, 2), np.uint8))
    assert_equals_tflm(vector_model(), samples(rng, 3, (1, 2, 6)), samples(rng, 3, (1, 5)))
    assert_equals_tflm(moving_model(), samples(rng, 3, (1, 8, 6, 4)))


def test_serial_frames():
    require("clang", "clang sanitizers")
    run_serial(runs=100_000)


def test_serial_faults_are_found():
    """A firmware that takes damaged frames is one."""
    require("clang", "clang sanitizers")
    with pytest.raises(subprocess.CalledProcessError):
        run_serial(runs=100_000, change=("return crc == sent;", "return (crc == sent) | 1;"))


def test_accepted_mutants_are_equal():
    require("ai_edge_litert", "tflite_micro", "gcc sanitizers")
    from fuzz.equality import compare

    counts, findings = compare(24, seed=0, names=("tflite", "mcuq"))
    assert findings == []
    assert counts["models"] == 24 and counts["tflm"] > 0


def test_mutations_of_archives_and_descriptions(tmp_path):
    rng = np.random.default_rng(0)
    source = tmp_path / "x.zip"
    source.write_bytes(zipped([("a.json", b'{"a": [1, 2, {"b": "c"}]}')]))
    assert len({any_json(b'{"a": [1, 2, {"b": "c"}]}', rng) for _ in range(200)}) > 60
    assert rewritten(source, tmp_path / "y.zip", {"a.json": b"{}"}).read_bytes() != source.read_bytes()
    assert io.BytesIO(source.read_bytes()).read(2) == b"PK"
