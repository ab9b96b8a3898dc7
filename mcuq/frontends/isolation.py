"""Read a model file with a framework in a process of its own, so that a hang, a crash or a bomb costs one line.

What the process may do: read the file, use so much memory and so much time, and no network where the system lets an
ordinary user say so. It sends back a float model as data, which is checked like any other file. It is started with
``python -m``, never by ``multiprocessing``, which would run a user's script again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from mcuq import archive, errors
from mcuq.errors import MalformedModelError, McuqError, UsageError
from mcuq.float_graph import FloatGraph
from mcuq.limits import LOAD_BYTES, LOAD_BYTES_EACH, LOOK_SECONDS, MIB
from mcuq.processes import end
from mcuq.processes.folders import temporary_folder
from mcuq.reading import gate

ANSWER, ERROR = b"M", b"E"  # how a message of the process begins
ONE_THREAD: tuple[str, ...] = (  # stacks of threads count as memory
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
MODULE = "mcuq.frontends.child"


def read_isolated(path: Path, seconds: float) -> FloatGraph:
    """Return the float model in a file that a framework opens, its passes applied.

    Args:
        path: the file or folder.
        seconds: how long that may take, the framework's import included.

    Raises:
        McuqError: whatever the reader says, or that it took too long, too much memory or crashed.
    """
    with temporary_folder() as folder:
        status, message = _run(path, folder, seconds)
    if message[:1] == ERROR:
        raise _error(message[1:])
    if status != 0 or message[:1] != ANSWER:
        raise MalformedModelError(f"{path}: {_end(status, path)}")
    with gate(path, "a model"):
        return archive.read_float(message[1:])


def _run(path: Path, folder: Path, seconds: float) -> tuple[int, bytes]:
    """Return the exit status of the process and what it said."""
    environment = {
        **os.environ,
        **dict.fromkeys(ONE_THREAD, "1"),
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)),
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
    }
    command = [sys.executable, "-P", "-m", MODULE, str(memory_for(path)), str(path), str(os.getpid())]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        message, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"{path}: takes more than {seconds:g} s to open: damaged, or give it more time with --load-timeout SECONDS"
        ) from None
    finally:
        _kill(process)
    return process.returncode, message


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process, and what it started."""
    if process.poll() is None:
        end(process)
    if process.stdout:
        process.stdout.close()
    process.wait()


def memory_for(path: Path) -> int:
    """Return the bytes that a process may use to read a file: a framework's own, and copies of the weights."""
    files = (path.stat(),) if path.is_file() else (file.stat() for file in path.rglob("*"))
    return LOAD_BYTES + LOAD_BYTES_EACH * sum(status.st_size for status in files)


def _end(status: int, path: Path) -> str:
    """Say how the process ended."""
    if status in (-getattr(signal, "SIGPROF", 0), -getattr(signal, "SIGXCPU", 0)):
        return f"a look into it takes more than {LOOK_SECONDS} s of computing; it is damaged"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else f"status {status}"
    return f"its reader crashed ({name}): it is damaged, or needs more than {memory_for(path) // MIB} MB of memory"


def _error(message: bytes) -> McuqError:
    """Return the error that the process met."""
    try:
        said = json.loads(message)
        kind, text = getattr(errors, said["kind"]), str(said["text"])
    except (ValueError, KeyError, TypeError, AttributeError):
        kind, text = MalformedModelError, "its reader failed"
    known = isinstance(kind, type) and issubclass(kind, McuqError)
    return kind(text) if known else MalformedModelError(text)
