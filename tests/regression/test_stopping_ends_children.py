"""SIGTERM and Ctrl-C end a command and all that it has started; what is killed outright leaves nothing running."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from models import small_graph
from processes import kill, marked, needs_proc, start, wait_until
from requirements import require

from mcuq import pipeline
from mcuq.processes import folders
from mcuq.processes.folders import temporary_folder

pytestmark = [needs_proc, pytest.mark.usefixtures("ctrl_c_is_heard")]
DIGITS = Path(__file__).parents[2] / "examples/digits"
SLEEP = f"'{sys.executable}' -c 'import time; time.sleep(300)'"
SLEEPER = f"#!/bin/sh\n{SLEEP} &\nwait\n"  # a compiler with a child of its own, as gcc has cc1
SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)]
TOOLS = {
    "rv32": ("riscv64-unknown-elf-gcc", "picolibc", "qemu-system-riscv32"),
    "xtensa": ("xtensa-lx106-elf-gcc", "qemu-system-xtensa"),
    "host": ("gcc",),
}


@pytest.fixture
def ctrl_c_is_heard():
    """A process in a shell's background, as these tests may be, ignores Ctrl-C, and so does what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def stopped(number: int, arguments, mark: str, started, **environment: str) -> int:
    """Stop a command once something holds of what it has started; return its exit status, when all has ended."""
    process = start(mark, arguments, **environment)
    assert process.stderr
    try:
        assert wait_until(started, 120), process.poll()
        process.send_signal(number)
        status = process.wait(20)
        assert wait_until(lambda: not marked(mark), 5), names(mark)
        if number != signal.SIGKILL:
            assert process.stderr.read() == b"mcuq: interrupted\n"
        return status
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
        kill(mark)


def names(mark: str) -> list[str]:
    """What the marked processes run."""
    found = []
    for number in marked(mark):
        try:
            found.append(Path(f"/proc/{number}/cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped") / "p"
    pipeline.write_project(small_graph(np.random.default_rng(0)), "esp32dev", folder)
    np.save(folder.parent / "many.npy", np.zeros((40_000, 6, 5, 3), np.int8))
    return folder


@pytest.mark.parametrize(("number", "status"), SIGNALS[:2])
def test_the_compiler_and_its_children(project, tmp_path, number, status):
    compiler = tmp_path / "slow-cc"
    compiler.write_text(SLEEPER)
    compiler.chmod(0o755)
    mark = f"{tmp_path}-{number}"
    assert stopped(number, ["verify", project], mark, lambda: len(marked(mark)) >= 3, CC=str(compiler)) == status


@pytest.mark.parametrize(("number", "status"), SIGNALS)
@pytest.mark.parametrize("engine", ["rv32", "xtensa", "host"])
def test_the_programs_that_run_the_samples(project, tmp_path, engine, number, status):
    """Two at a time, for hours; neither is waited for, and no temporary folder stays."""
    require(*TOOLS[engine])
    mark = f"{tmp_path}-{number}"
    program = {"rv32": "qemu-system-riscv32", "xtensa": "qemu-system-xtensa"}.get(engine, f"{tmp_path}/mcuq-")

    def running() -> bool:
        return sum(program in name.split(" ")[0] for name in names(mark)) >= 2

    command = ["verify", project, "--engine", engine, "--data", project.parent / "many.npy", "--samples", "stored"]
    assert stopped(number, command, mark, running, TMPDIR=str(tmp_path)) == status
    assert number == signal.SIGKILL or not any(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_the_workers_of_a_search(tmp_path, number, status):
    require("joblib", "threadpoolctl")
    mark, out = f"{tmp_path}-{number}", tmp_path / "m.mcuq"
    arguments = [
        "search",
        DIGITS / "digits_float.tflite",
        "--data",
        DIGITS / "holdout.npz",
        "--out",
        out,
        "--jobs",
        "2",
    ]

    def measuring() -> bool:
        journal = Path(f"{out}.journal")
        return journal.exists() and journal.read_bytes().count(b"\n") >= 2 and len(marked(mark)) >= 3

    assert stopped(number, [*arguments, "--board", "esp32dev"], mark, measuring, TMPDIR=str(tmp_path)) == status
    assert not out.exists()


def test_folders_of_killed_processes_are_swept(tmp_path, monkeypatch):
    """Not one that is in use, that has just been made, that is another's or that is no folder of mcuq's."""
    monkeypatch.setattr(folders.tempfile, "tempdir", str(tmp_path))
    long_ago = time.time() - 3600
    for name in (
        "mcuq-temporary-left5678/deep",
        "mcuq-temporary-new45678",
        "mcuq-temporary-of-mine",
        "mcuq-project",
        "other",
    ):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "mcuq-temporary-left5678/deep/file").write_bytes(b"1")
    (tmp_path / "mcuq-temporary-link5678").symlink_to(tmp_path / "other")
    for name in ("mcuq-temporary-left5678", "mcuq-temporary-of-mine", "mcuq-project", "other"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    stay = {"mcuq-temporary-new45678", "mcuq-temporary-link5678", "mcuq-temporary-of-mine", "mcuq-project", "other"}
    with temporary_folder() as used:
        os.utime(used, (long_ago, long_ago))
        with temporary_folder() as second:
            assert {path.name for path in tmp_path.iterdir()} == stay | {used.name, second.name}
    assert {path.name for path in tmp_path.iterdir()} == stay
