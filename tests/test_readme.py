"""The README tells the truth: its session prints what it says, its table is the docstrings', its files exist."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from requirements import require

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SESSION = re.findall(r"```console\n\$ (.*?)\n(.*?)```", README, re.DOTALL)


def run(command: str) -> str:
    """Run one `mcuq …` line of the README in the repository's root; return its output."""
    program, *arguments = shlex.split(command)
    assert program == "mcuq"
    done = subprocess.run(
        [sys.executable, "-m", "mcuq", *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_session_prints_what_the_readme_says():
    """In order: the second command uses what the first has written."""
    commands = [(command, wanted) for command, wanted in SESSION if not command.startswith("mcuq search")]
    assert len(commands) == 5
    for command, expected in commands:
        text, wanted = run(command), expected
        if command.startswith("mcuq build"):  # a second run of this test changes nothing
            text, wanted = (re.sub(r"\d+ files written|nothing changed", "…", t) for t in (text, expected))
            text = re.sub(r"left as they are.*\n", "", text)
        if command.startswith(("mcuq quantize", "mcuq evaluate")):
            # float sums differ a little from machine to machine
            assert_nearly_equal(text, wanted)
        else:
            assert text == wanted, command


def test_search_prints_what_the_readme_says():
    """It counts instructions where the emulated chip is there."""
    require("joblib", "threadpoolctl", "riscv64-unknown-elf-gcc", "picolibc", "qemu-system-riscv32")
    ((command, expected),) = ((command, wanted) for command, wanted in SESSION if command.startswith("mcuq search"))
    (ROOT / "build/digits_few.mcuq.journal").unlink(missing_ok=True)  # of an earlier search
    assert_nearly_equal(run(command), expected)


def assert_nearly_equal(text: str, wanted: str) -> None:
    """The same words, and numbers within 2 %, or half a unit."""
    number = r"(?<![\w.])[\d,]+(?:\.\d+)?"
    assert re.sub(r" +", " ", re.sub(number, "#", text)) == re.sub(r" +", " ", re.sub(number, "#", wanted))
    for given, expected in zip(re.findall(number, text), re.findall(number, wanted), strict=True):
        a, b = (float(n.replace(",", "") or 0) for n in (given, expected))
        assert abs(a - b) <= max(0.5, 0.02 * b), (given, expected)


def test_operator_table_is_generated():
    done = subprocess.run([sys.executable, "tools/readme.py", "--check"], cwd=ROOT, check=False, capture_output=True)

    assert done.returncode == 0, done.stderr.decode()


def test_operator_table_check_can_fail():
    sys.path.insert(0, str(ROOT / "tools"))
    import readme

    stale = README.replace("| add |", "| ad |")
    assert stale != README
    assert readme.updated(stale) == README


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(link):
    assert (ROOT / link).exists()


def test_every_command_in_the_text_exists():
    verbs = set(re.findall(r"`?mcuq ([a-z]+) ", README))
    known = {"build", "quantize", "search", "evaluate", "check", "inspect", "simulate", "verify", "boards", "ops"}
    for verb in verbs & known:
        assert run(f"mcuq {verb} --help")
    assert known <= verbs | {"boards", "ops"}


def test_digits_accuracy_is_what_the_example_says():
    """538 of 540 held-out digits, as TensorFlow Lite Micro scored when the model was trained."""
    out = run("mcuq simulate examples/digits/digits.tflite --input examples/digits/holdout.npz")

    assert "538 of 540 correct" in out
    assert "538 of 540" in (ROOT / "examples/digits/README.md").read_text()
