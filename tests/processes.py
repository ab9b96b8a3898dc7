"""Processes that a command has started, found by a mark in their environment."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MARK = "MCUQ_TEST_MARK"
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes by /proc")


def marked(mark: str) -> list[int]:
    """The living processes that have this text in their environment, but not this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}\0".encode() not in (path / "environ").read_bytes():
                continue
            if "\nState:\tZ" not in (path / "status").read_text() and int(path.name) != os.getpid():
                found.append(int(path.name))
        except OSError:
            continue
    return found


def wait_until(condition, seconds: float = 60) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while not (done := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(done)


def start(mark: str, arguments, cwd: Path | None = None, **environment: str) -> "subprocess.Popen[bytes]":
    """Run the command line in a process of its own, marked."""
    return subprocess.Popen(
        [sys.executable, "-m", "mcuq", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment, MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def kill(mark: str) -> None:
    """End what a failed test has left."""
    for number in marked(mark):
        os.kill(number, signal.SIGKILL)
