"""Try mutants of one reader, one after the other, in this process.

``python -m fuzz.worker READER SEED FIRST COUNT SECONDS`` prints a line of JSON for every mutant: its number, what
came of it, seconds of computing, and bytes at its peak.
"""

import contextlib
import ctypes
import gc
import importlib
import io
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from fuzz.readers import COMPANION, READERS, Reader
from fuzz.seeds import elsewhere, mcuq
from mcuq import cli, float_run, loading, pipeline
from mcuq.errors import McuqError
from mcuq.float_graph import FloatGraph
from mcuq.frontends import child, isolation
from mcuq.frontends.isolation import memory_for
from mcuq.graph import Graph
from mcuq.report.text import clean
from mcuq.simulator import simulate

SECONDS = 10.0  # of computing, for one mutant
WALL_SECONDS = 60.0
MEMORY = Path("/dev/shm")  # a disk would wait for every build
ADDRESS_SPACE = 12 << 30
MACS = 1 << 22  # of what is simulated after it was accepted
UNCAUGHT = 1  # how a process ends that raises
LINE = 700  # characters of a refusal

children = {"seconds": 0.0, "bytes": 0}


class TooSlow(BaseException):
    """Not an Exception, so that nothing swallows it."""


class BrokenError(Exception):
    """A promise that was not kept."""


def generator(name: str, seed: int, index: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode()), index])


@cache
def all_seeds(name: str) -> tuple[bytes, ...]:
    return elsewhere(READERS[name].seeds.__name__) if READERS[name].framework else tuple(READERS[name].seeds())


def mutant(name: str, seed: int, index: int) -> bytes:
    """The file that is tried; it depends on these three and on the seeds alone."""
    found = all_seeds(name)
    return READERS[name].mutate(found[index % len(found)], generator(name, seed, index))


# --- what a framework opens ----------------------------------------------------------------------------------------


def forked(path: Path, folder: Path, seconds: float) -> tuple[int, bytes]:
    """Do what :func:`isolation._run` does, in a copy of this process, which has the framework already."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_the_child(path, folder, write_end)
    os.close(write_end)
    message = _until_the_end(read_end, pid, min(seconds, WALL_SECONDS))
    _, status, used = os.wait4(pid, 0)
    children["seconds"] += used.ru_utime + used.ru_stime
    children["bytes"] = max(children["bytes"], used.ru_maxrss * 1024)
    if message is None:
        raise TooSlow("a framework took too long")
    ended = os.waitstatus_to_exitcode(status)
    if ended == UNCAUGHT:
        raise RuntimeError("an exception that the gate of the child does not catch")
    return ended, message


def _be_the_child(path: Path, folder: Path, write_end: int) -> None:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.dup2(write_end, 1)
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        os.environ.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)))
        tempfile.tempdir = None
        sys.argv = [child.__name__, str(memory_for(path)), str(path), str(os.getppid())]
        child.main()
    finally:
        os._exit(1)


def _until_the_end(read_end: int, pid: int, seconds: float) -> bytes | None:
    parts, end = [], time.monotonic() + seconds
    with open(read_end, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]:
            part = pipe.read(1 << 16)
            if not part:
                return b"".join(parts)
            parts.append(part)
    os.kill(pid, signal.SIGKILL)
    return None


# --- one mutant ----------------------------------------------------------------------------------------------------


def outcome(reader: Reader, content: bytes, folder: Path, rng: np.random.Generator) -> str:
    """Try one; return "accepted" or "refused".

    Raises:
        BrokenError: it is not as promised.
    """
    path = reader.place(content, folder, reader.suffix)
    command = reader.command(path, rng)
    before = listing(folder)
    status, out, err = run(command)
    if status == 2:
        if out or err.count("\n") != 1 or clean(err[:-1]) != err[:-1] or len(err) > LINE:
            raise BrokenError(f"{command[0]}: not one line: {out[:200]!r} {err[:600]!r}")
        if reader.place.__name__ != "interrupted" and listing(folder) != before:
            raise BrokenError(
                f"{command[0]}: refused ({err.strip()[:100]}), but wrote {set(listing(folder)) - set(before)}"
            )
    elif status not in (0, 1):
        raise BrokenError(f"{command[0]}: status {status}: {err[:300]}")
    if escaped := [name for name in listing(folder.parent) if name.parts[0] not in (folder.name, COMPANION)]:
        raise BrokenError(f"{command[0]}: wrote {escaped} elsewhere")
    if status == 2:
        return "refused"
    if reader.is_model and command[0] != "inspect":
        compute(path, rng)
    return "accepted"


def listing(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


def run(command: list[str]) -> tuple[int, str, str]:
    """Run a command in this process; a warning of numpy's counts as a broken promise."""
    out, err = io.StringIO(), io.StringIO()
    with (
        warnings.catch_warnings(record=True) as warned,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        warnings.simplefilter("always", RuntimeWarning)
        try:
            status = cli.main(command)
        except SystemExit as stop:
            status = int(stop.code or 0)
    for warning in warned:
        if issubclass(warning.category, RuntimeWarning):
            raise BrokenError(f"{command[0]}: warning: {warning.message} ({warning.filename}:{warning.lineno})")
    return status, out.getvalue(), err.getvalue()


def compute(path: Path, rng: np.random.Generator) -> None:
    """Simulate what check has accepted: nothing may be found wrong with it now.

    Raises:
        BrokenError: something is.
    """
    try:
        graph = loading.load(path)
    except McuqError as error:
        raise BrokenError(f"check accepts it, load does not: {error}") from None
    if not compute_limit(graph):
        return
    if isinstance(graph, FloatGraph):
        with np.errstate(all="ignore"):
            float_run.run(graph, {n: np.ones((1, *graph.shapes[n]), np.float32) for n in graph.inputs})
        return
    try:
        plan = pipeline.compile(graph)
    except McuqError as error:
        raise BrokenError(f"check accepts it, compile does not: {error}") from None
    simulate(plan, {n: samples(rng, graph.values[n].shape, graph.values[n].dtype) for n in graph.inputs})


def compute_limit(graph: Graph | FloatGraph) -> bool:
    """Whether a model is small enough to be simulated thousands of times."""
    shapes = graph.shapes if isinstance(graph, FloatGraph) else {n: t.shape for n, t in graph.values.items()}
    total = 0.0
    for node in graph.nodes:
        total += sum(np.prod(shapes[n], dtype=float) for n in (*node.inputs, *node.outputs) if n in shapes)
        total += node.op.macs(*(shapes[n] if n in shapes else graph.constants[n].shape for n in node.inputs))
    return total <= MACS


def samples(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, count: int = 3) -> np.ndarray:
    """Random samples, the first two the type's minimum and maximum."""
    info = np.iinfo(dtype)
    x = rng.integers(info.min, info.max + 1, (count, *shape)).astype(dtype)
    x[0], x[1:2] = info.min, info.max
    return x


# --- all of them ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    def alarm(*_: object) -> None:
        raise TooSlow(f"more than {seconds:g} s of computing")

    signal.signal(signal.SIGVTALRM, alarm)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def tried(name: str, seed: int, index: int, folder: Path) -> dict[str, object]:
    """Try one mutant; return the line that is printed."""
    children.update(seconds=0.0, bytes=0)
    scratch = folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    content, rng = mutant(name, seed, index), generator(f"{name} commands", seed, index)
    reset_peak()
    start, said = time.process_time(), ""
    try:
        with limited(SECONDS):
            result = outcome(READERS[name], content, scratch, rng)
    except BrokenError as error:
        result, said = "broken", str(error)
    except TooSlow as error:
        result, said = "hang", str(error)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        result, said = "traceback", f"{type(error).__name__}: {error} ({frame.filename}:{frame.lineno})"
    seconds = time.process_time() - start + float(children["seconds"])
    if result in ("accepted", "refused") and seconds > SECONDS:
        result, said = "hang", f"{seconds:.1f} s"
    peak = max(peak_bytes(), int(children["bytes"]))
    return {"index": index, "result": result, "seconds": round(seconds, 3), "bytes": peak, "said": said[:700]}


def reset_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> None:
    name, seed, first, count, seconds = sys.argv[1], *map(int, sys.argv[2:5]), float(sys.argv[5])
    reader = READERS[name]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # ends with its parent
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    all_seeds(name)
    if reader.framework:
        for module in reader.framework:
            importlib.import_module(module)
        isolation._run = forked
    end = time.monotonic() + seconds
    cli._parser = cache(cli._parser)  # a third of the time
    gc.freeze()
    with tempfile.TemporaryDirectory(prefix="fuzz-mcuq-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        os.chdir(folder)
        Path(folder, COMPANION).write_bytes(mcuq()[0])
        for index in range(first, first + count):
            if time.monotonic() > end:
                break
            print(json.dumps({"begun": index}), file=answers, flush=True)
            print(json.dumps(tried(name, seed, index, Path(folder))), file=answers, flush=True)


if __name__ == "__main__":
    main()
