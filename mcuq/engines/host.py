"""Build an emitted project with this computer's C compiler and run it (contract N3)."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcuq.errors import McuqError, ToolMissingError, UsageError
from mcuq.plan import Plan
from mcuq.resources import resource
from mcuq.tensor import Array

FLAGS = ("-std=c99", "-O3")
SAMPLES_PER_PROCESS = 64  # fewer are not worth a process of their own


@dataclass(frozen=True)
class HostProgram:
    """A compiled project; it lives as long as the ``build_host`` block."""

    path: Path

    def self_test(self) -> str:
        """Run the embedded vectors as the device does; return what it prints, ending in PASS or FAIL."""
        done = subprocess.run([self.path, "selftest"], capture_output=True, check=False)
        if done.returncode not in (0, 1):
            raise McuqError(f"the host program stopped with status {done.returncode}: {done.stderr.decode()[:500]}")
        return done.stdout.decode()

    def run(self, plan: Plan, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run samples ([samples, *shape] per model input); return [samples, *shape] per model output."""
        graph = plan.graph
        rows = _rows(plan, inputs)
        parts = np.array_split(rows, max(1, min(os.cpu_count() or 1, len(rows) // SAMPLES_PER_PROCESS)))
        with ThreadPoolExecutor(len(parts)) as pool:
            raw = b"".join(pool.map(lambda part: self._stream("run", part), parts))
        sizes = [graph.values[name].bytes for name in graph.outputs]
        table = np.frombuffer(raw, np.uint8).reshape(-1, sum(sizes))
        columns = np.split(table, np.cumsum(sizes)[:-1], axis=1)
        return {
            name: np.ascontiguousarray(column).view(graph.values[name].dtype).reshape(-1, *graph.values[name].shape)
            for name, column in zip(graph.outputs, columns, strict=True)
        }

    def trace(self, plan: Plan, sample: Mapping[str, Array]) -> Iterator[tuple[int, Array]]:
        """Run one sample ([1, *shape] per input); yield step index and output bytes (uint8) of every step."""
        raw = self._stream("trace", _rows(plan, sample))
        position = 0
        while position < len(raw):
            index, size = struct.unpack_from("=ii", raw, position)
            position += 8
            yield index, np.frombuffer(raw, np.uint8, count=size, offset=position)
            position += size

    def _stream(self, mode: str, rows: Array) -> bytes:
        done = subprocess.run([self.path, mode], input=rows.tobytes(), capture_output=True, check=False)
        if done.returncode != 0:
            raise McuqError(f"the host program stopped with status {done.returncode}: {done.stderr.decode()[-2000:]}")
        return done.stdout


def _rows(plan: Plan, inputs: Mapping[str, Array]) -> Array:
    """Return samples as the program reads them: [samples, bytes of all inputs]."""
    flat = [np.ascontiguousarray(inputs[n]).reshape(len(inputs[n]), -1).view(np.uint8) for n in plan.graph.inputs]
    return np.concatenate(flat, axis=1)


@contextmanager
def build_host(project: Path, model: str, flags: Sequence[str] = FLAGS) -> Iterator[HostProgram]:
    """Compile a project's model for the host in a temporary folder.

    Args:
        project: folder that holds ``lib/mcuq`` and ``lib/<model>``.
        model: the model's name.
        flags: compiler flags.

    Raises:
        UsageError: when the folder is not such a project.
        ToolMissingError: without a C compiler.
        McuqError: when the C does not compile; the compiler's first lines are in the message.
    """
    folders = [project / "lib" / "mcuq" / "src", project / "lib" / model / "src"]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder; is this a project that `mcuq build` wrote?")
    host = resource("firmware") / "host"
    sources = [source for folder in folders for source in sorted(folder.glob("*.c"))]
    used = [source for source in sources if _is_used(source, folders[1] / f"{model}_tables.h")]
    includes = [f"-I{folder}" for folder in (*folders, host)]
    hook = ["-include", str(host / "mcuq_host.h"), f"-DMCUQ_HOST_MODEL={model}_model"]
    with tempfile.TemporaryDirectory(prefix="mcuq-") as temporary:
        program = Path(temporary) / "model"
        _compile([*used, host / "mcuq_host.c"], [*flags, *includes, *hook], program)
        yield HostProgram(program)


def _is_used(source: Path, tables: Path) -> bool:
    """Whether a kernel is one of the model's; files that are not kernels always are."""
    return not source.name.endswith("_s8.c") or f'"{source.stem}.h"' in tables.read_text()


def compiler() -> str:
    """Return the C compiler: $CC, or the first of cc, gcc, clang on the path."""
    for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        if name and shutil.which(name):
            return name
    raise ToolMissingError("no C compiler found; install gcc (apt-get install gcc), clang, or Xcode's tools, or set CC")


def _compile(sources: Sequence[Path], flags: Sequence[str], program: Path) -> None:
    cc = compiler()
    objects = [program.with_name(f"{index}.o") for index in range(len(sources))]
    commands = [[cc, *flags, "-c", str(s), "-o", str(o)] for s, o in zip(sources, objects, strict=True)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(_call, commands))
    _call([cc, *flags, *map(str, objects), "-o", str(program)])


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise McuqError(f"{' '.join(command[-4:])}: the compiler failed:\n{done.stderr[:2000]}")
