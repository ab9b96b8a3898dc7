"""Write files so that nothing is ever half-written, and nothing is touched that did not change."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from mcuq.errors import UsageError

_SUFFIX = ".mcuq-partial"


def write_files(directory: Path, files: Mapping[str, bytes], remove: Iterable[Path] = ()) -> list[str]:
    """Write files below a directory: all contents first go beside their targets, then all are renamed into place.

    Args:
        directory: created if missing.
        files: content per relative path.
        remove: files to delete once all others are in place.

    Returns:
        The relative paths whose content changed, sorted.

    Raises:
        UsageError: when something cannot be written; nothing is changed then.
    """
    changed = sorted(name for name, content in files.items() if _content(directory / name) != content)
    partial = [(directory / f"{name}{_SUFFIX}", directory / name) for name in changed]
    try:
        for name, (temporary, target) in zip(changed, partial, strict=True):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(files[name])
        for temporary, target in partial:
            temporary.replace(target)
        for path in remove:
            path.unlink()
    except OSError as error:
        for temporary, _ in partial:
            _discard(temporary)
        where = error.filename or directory
        raise UsageError(
            f"{str(where).removesuffix(_SUFFIX)}: cannot write ({os.strerror(error.errno or 0)})"
        ) from None
    return changed


def write_file(path: Path, content: bytes) -> None:
    """Write one file, or leave what was there."""
    write_files(path.parent, {path.name: content})


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _discard(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
