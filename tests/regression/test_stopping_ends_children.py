"""SIGTERM and Ctrl-C end a command and all that it has started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from models import small_graph

from mcuq import pipeline

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes by /proc")
SLEEP = f"'{sys.executable}' -c 'import time; time.sleep(300)'"
SLEEPER = f"#!/bin/sh\n{SLEEP} &\nwait\n"  # a compiler with a child of its own, as gcc has cc1


def of_group(marker: str) -> list[int]:
    """The processes that have this text in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (
                marker.encode() in (path / "environ").read_bytes()
                and "\nState:\tZ" not in (path / "status").read_text()
            ):
                found.append(int(path.name))
        except OSError:
            continue
    return found


def wait_until(condition, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not (done := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(done)


def stopped(number: int, arguments: list[str], marker: str, started: int, **environment: str) -> int:
    """Stop a command once it has so many processes; return its exit status."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mcuq", *arguments],
        env={**os.environ, **environment, "MCUQ_TEST_MARK": marker},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr
    try:
        assert wait_until(lambda: len(of_group(marker)) >= started)
        process.send_signal(number)
        status = process.wait(60)
        assert process.stderr.read() == b"mcuq: interrupted\n"
        return status
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_compiler_and_its_children(tmp_path, number, status):
    pipeline.write_project(small_graph(np.random.default_rng(0)), "esp32dev", tmp_path / "p")
    compiler = tmp_path / "slow-cc"
    compiler.write_text(SLEEPER)
    compiler.chmod(0o755)
    marker = f"{tmp_path}-{number}"
    assert stopped(number, ["verify", str(tmp_path / "p")], marker, 3, CC=str(compiler)) == status
    assert wait_until(lambda: not of_group(marker), 5)
