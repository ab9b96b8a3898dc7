"""Write files all or none, whatever happens meanwhile, and touch nothing that did not change.

What is written lies ready first; its journal (:mod:`mcuq.files.renames`) brings it into place, now or when the next
command comes. Of several processes one at a time writes into a folder (:mod:`mcuq.files.locks`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mcuq.errors import UsageError
from mcuq.files import renames
from mcuq.files.locks import locked
from mcuq.files.renames import STAGE, refused


@contextmanager
def hold(directory: Path) -> Iterator[None]:
    """Keep other processes from writing into a folder, which is whole: what was interrupted there is finished first.

    Args:
        directory: created if missing; gone again if nothing is written.

    Raises:
        UsageError: it cannot be written to, or others do not let go of it.
    """
    with ExitStack() as stack:
        with _said(directory):
            stack.enter_context(locked(directory))
            renames.settle(directory.resolve())
        yield


def finish(directory: Path) -> None:
    """Finish what an interrupted command left in a folder, so that what is read there belongs together.

    Raises:
        UsageError: it cannot be finished.
    """
    if renames.waiting(directory):
        with hold(directory):
            pass


def write_files(directory: Path, files: Mapping[str, bytes], remove: Iterable[Path] = ()) -> list[str]:
    """Write files below a directory; see :func:`write_held`."""
    with hold(directory):
        return write_held(directory, files, remove)


def write_file(path: Path, content: bytes) -> None:
    """Write one file, or leave what was there."""
    if not path.name:
        raise refused(path, "a folder is where a file should be")
    write_files(path.parent, {path.name: content})


def write_held(
    directory: Path,
    files: Mapping[str, bytes],
    remove: Iterable[Path] = (),
    guard: tuple[str, bytes] | None = None,
) -> list[str]:
    """Write files below a directory that is held: after an interruption it is the old one, or will become the new one.

    Args:
        directory: the folder; see :func:`hold`.
        files: content per relative path.
        remove: files below it to delete; folders that are empty then go too.
        guard: one of ``files`` and what it holds as long as the others do not belong together.

    Returns:
        The relative paths whose content changed, sorted.

    Raises:
        UsageError: when something cannot be written, is no regular file, read-only, or lies outside; nothing is
            changed then.
    """
    root = directory.resolve()
    targets = {name: renames.target(root, name) for name in files}
    with _said(directory):
        _sweep(targets.values())
        changed = sorted(name for name, path in targets.items() if _content(path) != files[name])
        gone = [path.relative_to(directory).as_posix() for path in remove]
        for path in (*(targets[name] for name in changed), *(root / name for name in gone)):
            _refuse_unwritable(path, root)
        if not changed and not gone:
            return []
        _write(root, [(name, files[name]) for name in changed], gone, guard, files)
    return changed


def _write(
    root: Path,
    contents: list[tuple[str, bytes]],
    gone: list[str],
    guard: tuple[str, bytes] | None,
    files: Mapping[str, bytes],
) -> None:
    if guard:
        others = [(name, content) for name, content in contents if name != guard[0]]
        contents = [guard, *others, (guard[0], files[guard[0]])]
    made: list[Path] = []
    try:
        journal = renames.stage(root, contents, gone)
        for name, _ in contents:
            _make_folders((root / name).parent, made)
    except BaseException:
        with suppress(OSError):
            renames.forget(root)
            for folder in reversed(made):
                folder.rmdir()
        raise
    renames.carry_out(root, journal)


def _make_folders(folder: Path, made: list[Path]) -> None:
    if not folder.exists():
        _make_folders(folder.parent, made)
        folder.mkdir()
        made.append(folder)


def _refuse_unwritable(path: Path, root: Path) -> None:
    """Refuse what could not be renamed into place, before anything is."""
    folder = next(folder for folder in path.parents if folder.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        raise refused(folder, "Permission denied")
    if folder.stat().st_dev != root.stat().st_dev:
        raise refused(folder, f"it lies on another disk than {root}")
    if path.exists() and not path.is_symlink() and not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP):
        raise refused(path, "it is read-only; remove it, or make it writable")


def _sweep(targets: Iterable[Path]) -> None:
    """Remove what earlier versions left beside their targets."""
    for path in targets:
        leftover = path.with_name(f"{path.name}{STAGE}")
        if leftover.is_file() and not leftover.is_symlink():
            leftover.unlink()


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


@contextmanager
def _said(directory: Path) -> Iterator[None]:
    """Say in one line what the system refuses."""
    try:
        yield
    except OSError as error:
        waits = "; the next mcuq command finishes what has begun" if renames.waiting(directory) else ""
        text = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"{error.filename or directory}: cannot write ({text}){waits}") from None
