"""Whatever takes the output: never a traceback, and never a "no" after the work is done."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcuq.report.text import clean

DIGITS = Path(__file__).parents[2] / "examples/digits/digits.tflite"
FULL = Path("/dev/full")
posix = pytest.mark.skipif(os.name == "nt", reason="descriptors are Unix's")


def mcuq(*arguments, **more) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "mcuq", *map(str, arguments)]
    return subprocess.run(command, stderr=subprocess.PIPE, check=False, **more)


@pytest.mark.parametrize("encoding", ["ascii", "latin1", "cp1252"])
def test_an_encoding_without_box_drawing_gets_ascii(encoding):
    done = mcuq("inspect", DIGITS, "--memory", stdout=subprocess.PIPE, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    assert "----" in text and "?" not in text
    bad = mcuq("inspect", "наброшено…─", stdout=subprocess.PIPE, env={**os.environ, "PYTHONIOENCODING": encoding})
    assert bad.returncode == 2 and b"no such file" in bad.stderr and b"Traceback" not in bad.stderr


@posix
@pytest.mark.parametrize("arguments", [["boards"], ["boards", "--json"], ["--help"], ["--version"]])
def test_a_reader_that_has_gone_changes_no_status(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    done = mcuq(*arguments, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not FULL.exists(), reason="there is no full disk here")
@pytest.mark.parametrize("arguments", [["boards"], ["boards", "--json"]])
def test_a_full_disk_is_one_line_and_no_no(arguments):
    with FULL.open("wb") as full:
        done = mcuq(*arguments, stdout=full)
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("mcuq: error: standard output: cannot write (No space left on device)")


@posix
def test_closed_streams_are_no_fault():
    command = f"'{sys.executable}' -m mcuq boards >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], check=False).returncode == 0


def test_messages_steer_no_terminal(run):
    hostile = "a\x1b[2J\x9b31m\u202egnp\u2066\u200f\x07\r\u2028.tflite"
    status, _, err = run("inspect", hostile)
    assert status == 2
    assert not set("\x1b\x9b\u202e\u2066\u200f\x07\r\u2028") & set(err)
    status, _, err = run("inspect", "x\nmcuq: error: all is well.tflite")
    assert status == 2 and not any(line.startswith("mcuq: error: all") for line in err.splitlines())
    status, _, err = run("inspect", "y" * 5000)
    assert status == 2 and len(err) < 700
    assert clean("y" * 5000).endswith("...")
