"""Which C files of an emitted project a build needs, and compiling them side by side."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mcuq.errors import McuqError, UsageError
from mcuq.resources import resource

INCLUDE = re.compile(r'^#include "(\w+)\.h"', re.MULTILINE)


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
    """Return the files to compile: all of the models and the application, and of the kernels what these need."""
    files = [path for folder in folders for path in sorted(folder.iterdir())]
    kernels = {_unit(path) for folder in kernel_folders() for path in folder.iterdir()}
    return needed_files(files, {_unit(path) for path in files} - kernels, suffixes)


def kernel_folders() -> list[Path]:
    """Return the folders of the kernels' C: one per family, and what families share."""
    return sorted(path for path in (resource("firmware") / "kernels").iterdir() if path.is_dir())


def needed_files(files: Sequence[Path], units: Collection[str], suffixes: tuple[str, ...] = (".c",)) -> list[Path]:
    """Return the files of units and of all that these need: a needed file includes its header.

    Args:
        files: of all units.
        units: names without suffix.
        suffixes: of the files wanted.
    """
    includes: dict[str, set[str]] = {}
    for path in files:
        includes.setdefault(_unit(path), set()).update(INCLUDE.findall(path.read_text()))
    needed = sorted(units)
    for unit in needed:  # grows while it runs
        needed += includes[unit] & includes.keys() - set(needed)
    return [path for path in files if path.suffix in suffixes and _unit(path) in needed]


def _unit(path: Path) -> str:
    """Return the name that a file shares with its header: assembly stands beside C for chips without the instructions.

    >>> _unit(Path("mcuq_mac16_dot_asm.S"))
    'mcuq_mac16_dot'
    """
    return path.stem.removesuffix("_asm")


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
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(_call, commands))
    _call([compiler, *flags, *map(str, objects), *link, "-o", str(program)])


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise McuqError(f"{' '.join(command[-4:])}: {command[0]} failed:\n{done.stderr[:2000]}")
