"""Sources of several libraries in one folder, where a build takes everything from there."""

from __future__ import annotations

from collections.abc import Iterable

from mcuq.emit.rendering import Files
from mcuq.errors import UsageError


def flat(sources: Iterable[tuple[str, bytes]]) -> Files:
    """Return files by their names alone.

    Raises:
        UsageError: for two different ones of a name: the tables of ``a`` are called like the header of ``a_tables``.
    """
    files: Files = {}
    for name, content in sources:
        if files.setdefault(name, content) != content:
            raise UsageError(f"two models have a file {name} each, which cannot lie in one folder; rename one of them")
    return files
