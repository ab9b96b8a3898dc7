"""Build an emitted project with this computer's C compiler (contract N3)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mcuq.engines.byte_stream import ProcessLine
from mcuq.engines.firmware import Firmware
from mcuq.engines.sources import compile_and_link, library_folders, library_sources, models_header
from mcuq.errors import ToolMissingError
from mcuq.processes.folders import temporary_folder
from mcuq.resources import resource

FLAGS = ("-std=c99", "-O3")


@contextmanager
def build_host(project: Path, models: Sequence[str], flags: Sequence[str] = FLAGS) -> Iterator[Firmware]:
    """Compile a project for the host; the program lives as long as the block.

    Args:
        project: folder that holds ``lib/mcuq`` and a ``lib/<model>`` per model.
        models: the models' names.
        flags: compiler flags.

    Raises:
        UsageError: when the folder is not such a project.
        ToolMissingError: without a C compiler.
        McuqError: when the C does not compile; the compiler's first lines are in the message.
    """
    folders = library_folders(project, models)
    sources = [*library_sources(folders), resource("firmware") / "host" / "mcuq_port_host.c"]
    with temporary_folder() as folder:
        (folder / "mcuq_models.h").write_text(models_header(models))
        includes = [f"-I{path}" for path in (*folders, folder)]
        program = folder / "model"
        compile_and_link(compiler(), [*flags, "-DMCUQ_TRACE", *includes], sources, program)
        yield Firmware(lambda: ProcessLine([str(program)]), starts=True, workers=os.cpu_count() or 1)


def compiler() -> str:
    """Return the C compiler: $CC, or the first of cc, gcc, clang on the path."""
    for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        if name and shutil.which(name):
            return name
    raise ToolMissingError("no C compiler found; install gcc (apt-get install gcc), clang, or Xcode's tools, or set CC")
