"""The journal of a write: files that lie ready and their renames into place, which the next command finishes.

Everything lies in one folder, ``.mcuq-partial``: what was written there counts for nothing until its journal is there,
and is done when the journal has gone. A power failure is an interruption like any other: what lies ready is on the disk
before its journal is, and what was renamed before the journal goes, as far as the system's ``fsync`` says the truth.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mcuq.errors import UsageError

STAGE = ".mcuq-partial"
JOURNAL = "journal"
FORMAT = 1
MAX_BYTES = 1 << 24  # of a journal


@dataclass(frozen=True)
class Rename:
    """One file that lies ready: its name in the stage, its path in the folder, the SHA-256 of its content."""

    staged: str
    target: str
    digest: str


@dataclass(frozen=True)
class Journal:
    """What is to be done, in order: all renames but the last, the removals, the last rename."""

    renames: Sequence[Rename]
    remove: Sequence[str] = ()

    def dump(self) -> bytes:
        """Return the file's content."""
        renames = [[r.staged, r.target, r.digest] for r in self.renames]
        return (json.dumps({"format": FORMAT, "renames": renames, "remove": [*self.remove]}, indent=1) + "\n").encode()


def digest(content: bytes) -> str:
    """Return the SHA-256 of a content."""
    return hashlib.sha256(content).hexdigest()


def waiting(root: Path) -> bool:
    """Whether an interrupted write waits in a folder to be finished."""
    with suppress(OSError):
        return stat.S_ISREG((root / STAGE / JOURNAL).lstat().st_mode)
    return False


def target(root: Path, name: str) -> Path:
    """Return where a file of a folder really lies.

    Args:
        root: the folder, resolved.
        name: relative path.

    Raises:
        UsageError: it lies outside, or something other than a file is there or in the place of one of its folders.
    """
    path = root / name
    try:
        real = path.resolve()
        inside = real.is_relative_to(root) and real != root
    except (OSError, RuntimeError):  # links in a circle
        inside = False
    if not inside:
        raise refused(path, f"a symbolic link leads out of {root}")
    for folder in real.parents[: len(real.relative_to(root).parts) - 1]:
        if folder.exists() and not folder.is_dir():
            raise refused(folder, "a file is where a folder should be; remove it")
    with suppress(FileNotFoundError):
        mode = real.lstat().st_mode
        if stat.S_ISDIR(mode):
            raise refused(path, "a folder is where a file should be; remove it")
        if not stat.S_ISREG(mode):
            raise refused(path, "it is no regular file; remove it")
    return real


def refused(path: Path, why: str) -> UsageError:
    """Return the error for a place where nothing can be written."""
    return UsageError(f"{path}: cannot write ({why})")


def carry_out(root: Path, journal: Journal) -> None:
    """Do what a journal says, or what is left of it; then remove it.

    Raises:
        OSError: something cannot be renamed; the journal stays.
    """
    for rename in journal.renames[:-1]:
        _rename(root, rename)
    for name in journal.remove:
        path = _removed(root, name)
        path.unlink(missing_ok=True)
        _remove_empty(path.parent, root)
    for rename in journal.renames[-1:]:
        _rename(root, rename)
    _flush_folders(root, [rename.target for rename in journal.renames] + [*journal.remove])
    forget(root)


def forget(root: Path) -> None:
    """Remove a journal, and then what lies ready."""
    (root / STAGE / JOURNAL).unlink(missing_ok=True)
    shutil.rmtree(root / STAGE)


def _rename(root: Path, rename: Rename) -> None:
    to = target(root, rename.target)
    to.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):  # it was done before the interruption
        (root / STAGE / rename.staged).replace(to)


def _removed(root: Path, name: str) -> Path:
    """Return where a file to remove lies, which may itself be a link."""
    folder = (root / name).parent.resolve()
    if not folder.is_relative_to(root):
        raise refused(root / name, f"a symbolic link leads out of {root}")
    return folder / Path(name).name


def _remove_empty(folder: Path, root: Path) -> None:
    with suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent


def settle(root: Path) -> None:
    """Finish what an interrupted write left, or sweep it if it had not begun to rename.

    Raises:
        UsageError: what it left has been changed since.
        OSError: see :func:`carry_out`.
    """
    stage = root / STAGE
    if stage.is_symlink() or not stage.is_dir():
        stage.unlink(missing_ok=True)
    elif not waiting(root):
        forget(root)
    else:
        journal = _read(root)
        _check(root, journal)
        carry_out(root, journal)


def _read(root: Path) -> Journal:
    path = root / STAGE / JOURNAL
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError
        plain = json.loads(path.read_bytes())
        renames = [Rename(str(Path(str(s)).name), str(t), str(d)) for s, t, d in plain["renames"]]
        journal = Journal(renames, [str(name) for name in plain["remove"]])
        named = b"".join(os.fsencode(text) for r in renames for text in (r.staged, r.target))
        if plain["format"] != FORMAT or b"\0" in named + b"".join(map(os.fsencode, journal.remove)):
            raise ValueError  # fsencode raises one too, for what no file can be called
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _damaged(root) from None
    return journal


def _check(root: Path, journal: Journal) -> None:
    """Refuse to finish what would end as a mixture."""
    final = {rename.target: rename.digest for rename in journal.renames}
    for rename in journal.renames:
        staged, there = root / STAGE / rename.staged, target(root, rename.target)
        if (found := _digest(staged)) is None and rename.digest != final[rename.target]:
            continue
        if (found or _digest(there)) != rename.digest:
            raise _damaged(root)


def _digest(path: Path) -> str | None:
    return digest(path.read_bytes()) if path.is_file() and not path.is_symlink() else None


def _damaged(root: Path) -> UsageError:
    return UsageError(
        f"{root}: an interrupted `mcuq build` cannot be finished, its files have been changed since; "
        f"remove {root / STAGE}, then build every model of the project again"
    )


def stage(root: Path, contents: Sequence[tuple[str, bytes]], remove: Sequence[str]) -> Journal:
    """Lay files ready, and their journal: from then on they will get into place.

    Args:
        root: the folder, resolved.
        contents: relative path and content, in the order in which they are to get into place.
        remove: relative paths of files to remove.

    Raises:
        OSError: something cannot be written; nothing but the stage has been touched then.
    """
    folder = root / STAGE
    folder.mkdir()
    renames = [Rename(str(index), name, digest(content)) for index, (name, content) in enumerate(contents)]
    for rename, (_, content) in zip(renames, contents, strict=True):
        _lay(folder / rename.staged, content, target(root, rename.target))
    journal = Journal(renames, remove)
    _write(folder / "journal-to-be", journal.dump())
    for path in (*(folder / rename.staged for rename in renames), folder / "journal-to-be"):  # at once is quicker
        _flush(path)
    _flush_folder(folder)
    (folder / "journal-to-be").replace(folder / JOURNAL)
    _flush_folder(folder)
    _flush_folder(root)
    return journal


def _lay(staged: Path, content: bytes, there: Path) -> None:
    """Write a file with the mode of the one that it will replace, and with its times if its content is the same."""
    _write(staged, content)
    if there.is_file():
        shutil.copymode(there, staged)
        if there.read_bytes() == content:
            shutil.copystat(there, staged)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)


def _flush(path: Path) -> None:
    """Bring a file's content to the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system has a way to say so."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # of a network's file system
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folders(root: Path, names: Iterable[str]) -> None:
    """Bring the names of files, and of the folders that they lie in, to the disk."""
    folders = {folder for name in names for folder in (root / name).resolve().parents}
    for folder in sorted(folders):
        if folder.is_relative_to(root) and folder.is_dir():
            _flush_folder(folder)
