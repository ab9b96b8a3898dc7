"""Temporary folders: gone with the block that they serve, or, after a kill, with the next one that is made."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "mcuq-temporary-"  # and what tempfile appends: no folder of a user's is called so
NAME = re.compile(rf"{PREFIX}[a-z0-9_]{{8}}")
YOUNG_SECONDS = 60.0  # a folder may be not yet held by the process that has just made it


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that lives as long as the block, and remove those that killed processes have left."""
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:  # Windows: in use
        folder = Path(name)
        descriptor = _held(folder)
        try:
            yield folder
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _sweep(place: Path) -> None:
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if (
                NAME.fullmatch(folder.name)
                and _is_old_and_ours(folder.lstat())
                and (descriptor := _held(folder)) is not None
            ):
                shutil.rmtree(folder, ignore_errors=True)
                os.close(descriptor)


def _is_old_and_ours(status: os.stat_result) -> bool:
    ours = os.name == "posix" and status.st_uid == os.geteuid()
    return ours and stat.S_ISDIR(status.st_mode) and status.st_mtime < time.time() - YOUNG_SECONDS


if sys.platform == "win32":

    def _held(folder: Path) -> int | None:
        return None

else:
    import fcntl

    def _held(folder: Path) -> int | None:
        """Return the folder, open and locked until it is closed; None where another process has it, or locks fail."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor
