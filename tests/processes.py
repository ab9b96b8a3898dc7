"""Processes that a command has started, found by a mark in their environment."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from mcuq import cli

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


def start_with(arguments, output: int) -> "subprocess.Popen[bytes]":
    """Run the command line in a process of its own, with that descriptor for its standard output."""
    command = [sys.executable, "-m", "mcuq", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE)


class Forked:
    """The command line in a copy of this process, which has imported what it needs: as `start`, in a tenth of the time.

    What it starts is marked; it itself is not.
    """

    def __init__(self, mark: str, arguments, cwd: Path, **environment: str) -> None:
        self.returncode: int | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        self.pid = os.fork()
        if self.pid == 0:
            status = 70
            try:
                os.chdir(cwd)
                os.environ.update({**environment, MARK: mark})
                tempfile.tempdir = None
                os.dup2(os.open(os.devnull, os.O_RDWR), 0)
                os.dup2(0, 1)
                os.dup2(self._said.fileno(), 2)
                for number, name in ((1, "stdout"), (2, "stderr")):
                    setattr(sys, name, os.fdopen(number, "w", closefd=False))
                status = cli.main([str(a) for a in arguments])
            except SystemExit as stop:
                status = int(stop.code or 0)
            finally:
                os._exit(status)

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self) -> tuple[None, bytes]:
        self.wait()
        self._said.seek(0)
        with self._said:
            return None, self._said.read()


def kill(mark: str) -> None:
    """End what a failed test has left."""
    for number in marked(mark):
        os.kill(number, signal.SIGKILL)
