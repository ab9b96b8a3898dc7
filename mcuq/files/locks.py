"""One at a time in a folder: whoever writes there holds its lock file, the others wait."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mcuq.errors import UsageError

LOCK = ".mcuq-lock"
WAIT_SECONDS = 120.0
LOOK_SECONDS = 0.02
UNSUPPORTED = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)  # of a file system without locks


@contextmanager
def locked(directory: Path, seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold a folder. Its lock file goes when it is released; the one of a killed process holds nobody up.

    Args:
        directory: created if missing, with its parents; what was created goes again if nothing came to lie there.
        seconds: how long to wait for another process.

    Raises:
        UsageError: another process has held it for so long.
        OSError: nothing can be written there.
    """
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    try:
        descriptor = _descriptor(directory, time.monotonic() + seconds)
        try:
            yield
        finally:
            with suppress(OSError):  # Windows keeps it, for it is open; the next one takes it
                (directory / LOCK).unlink()
            os.close(descriptor)
    finally:
        with suppress(OSError):
            for folder in missing:
                folder.rmdir()


def _descriptor(directory: Path, deadline: float) -> int:
    """Return the open lock file, locked, and known to be the one that others see."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(directory / LOCK, flags, 0o666)
        except FileNotFoundError:  # another one was here, and has just removed the folder that it had created
            if time.monotonic() > deadline:
                raise
            continue
        try:
            if _lock(descriptor) and _is_there(descriptor, directory / LOCK):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() > deadline:
            raise UsageError(f"{directory}: another mcuq is writing there; try again when it is done")
        time.sleep(LOOK_SECONDS)


def _is_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
        return True
