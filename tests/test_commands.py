"""Every command that a paper shows by itself is run as it stands, but for those that need a board.

Sessions, which show what is printed too, are run by tests/test_readme.py; names of options there, too.
"""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from requirements import require

ROOT = Path(__file__).parents[1]
PAPERS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SHOWN = re.compile(r"^    (mcuq .*)$", re.MULTILINE)
NEEDS_A_BOARD = re.compile(r"--port\b")
EXAMPLE = ROOT / "examples/digits"


def commands(paper: Path) -> list[list[str]]:
    """The words of every command, comments behind them left out."""
    return [shlex.split(line, comments=True)[1:] for line in SHOWN.findall(paper.read_text("utf-8"))]


@pytest.fixture
def place(run, shared, tmp_path, monkeypatch):
    """A folder with files of the names that papers use."""
    case, models = shared / "cases/use", shared / "models/mlperf"
    files = {"model.onnx": case / "bin.onnx", "samples.npz": case / "bin.npz", "holdout.npz": case / "bin.npz"}
    files |= {"model.tflite": EXAMPLE / "digits.tflite", "wake.tflite": models / "sww_int8.tflite"}
    files |= {"person.tflite": models / "vww_mbv1_025_int8.tflite"}
    for name, source in files.items():
        shutil.copyfile(source, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert run("quantize", "model.onnx", "--calibration", "samples.npz", "--out", "model.mcuq")[0] == 0
    return tmp_path


@pytest.mark.parametrize("paper", [p for p in PAPERS if commands(p)], ids=lambda paper: paper.stem)
def test_what_is_shown_works(run, place, paper):
    """From the first to the last: later ones read what earlier ones wrote."""
    require("onnx", "gcc", "riscv64-unknown-elf-gcc", "picolibc", "qemu-system-riscv32")
    for words in commands(paper):
        if not NEEDS_A_BOARD.search(" ".join(words)):
            status, _, error = run(*words)
            assert status == 0, (words, error)


def test_commands_are_found():
    """More than a few, in several papers; one of them needs a board."""
    found = [words for paper in PAPERS for words in commands(paper)]

    assert len(found) >= 10 and sum(bool(commands(paper)) for paper in PAPERS) >= 3
    assert [words[0] for words in found if NEEDS_A_BOARD.search(" ".join(words))] == ["verify"]
