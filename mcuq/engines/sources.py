"""Find the C files of an emitted project, and compile them side by side."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
    running: set[subprocess.Popen[str]] = set()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            list(pool.map(lambda command: _call(command, running), commands))
        except BaseException:  # Ctrl-C too: no compiler goes on alone
            pool.shutdown(wait=False, cancel_futures=True)
            for process in tuple(running):
                end(process)
            raise
    _call([compiler, *flags, *map(str, objects), *link, "-o", str(program)], running)


def _call(command: Sequence[str], running: set[subprocess.Popen[str]]) -> None:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # so that the compiler's own children can be ended with it
    )
    running.add(process)
    try:
        _, said = process.communicate()
    except BaseException:
        end(process)
        raise
    finally:
        running.discard(process)
    if process.returncode != 0:
        raise McuqError(f"{' '.join(command[-4:])}: {command[0]} failed:\n{said[:2000]}")
