"""Find the C files of an emitted project, and compile them side by side."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from mcuq.errors import McuqError, UsageError
from mcuq.processes import end


def library_folders(project: Path, models: Sequence[str]) -> list[Path]:
    """Return the source folders of ``lib/mcuq`` and of the models.

    Raises:
        UsageError: when one is missing.
    """
    folders = [project / "lib" / name / "src" for name in ("mcuq", *models)]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder; is this a project that `mcuq build` wrote?")
    return folders


def library_sources(folders: Sequence[Path], suffixes: tuple[str, ...] = (".c",)) -> list[Path]:
    """Return the files to compile."""
    return [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in suffixes]


def models_header(models: Sequence[str]) -> str:
    """Return ``mcuq_models.h``: the headers of a firmware's models, and ``MCUQ_MODELS``, their addresses."""
    includes = "".join(f'#include "{name}.h"\n' for name in models)
    return f"{includes}#define MCUQ_MODELS {', '.join(f'&{name}_model' for name in models)}\n"


def compile_and_link(
    compiler: str, flags: Sequence[str], sources: Sequence[Path], program: Path, link: Sequence[str] = ()
) -> None:
    """Compile every source by itself, as many at a time as there are processors, then link.

    Raises:
        McuqError: with the compiler's first lines.
    """
    objects = [program.with_name(f"{program.name}.{index}.o") for index in range(len(sources))]
    commands = [[compiler, *flags, "-c", str(s), "-o", str(o)] for s, o in zip(sources, objects, strict=True)]
    calls = _Calls()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            list(pool.map(calls.run, commands))
        except BaseException:  # Ctrl-C too: no compiler goes on alone
            calls.end()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    calls.run([compiler, *flags, *map(str, objects), *link, "-o", str(program)])


@dataclass
class _Calls:
    """Compilers that run at a time: when one fails, or somebody stops it all, all end at once, and no other begins."""

    running: list[subprocess.Popen[str]] = field(default_factory=list)
    ended: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, command: Sequence[str]) -> None:
        process = self._start(command)
        try:
            _, said = process.communicate()
        except BaseException:
            end(process)
            raise
        if process.returncode != 0:
            raise McuqError(f"{' '.join(command[-4:])}: {command[0]} failed:\n{said[:2000]}")

    def end(self) -> None:
        with self.lock:
            self.ended = True
        for process in self.running:
            if process.poll() is None:
                end(process)

    def _start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        with self.lock:  # whoever ends them all knows of this one, or it does not begin
            if self.ended:
                raise McuqError("another call of the compiler has failed")
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # so that the compiler's own children can be ended with it
            )
            self.running.append(process)
            return process
