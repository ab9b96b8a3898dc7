"""Names of the classes that a model's outputs stand for."""

from __future__ import annotations

from typing import Any

from mcuq.errors import UsageError
from mcuq.reading import printable

LONGEST = 60  # characters of a name
MOST = 10_000


def class_names(names: Any, where: str) -> tuple[str, ...]:
    """Return names of classes that a user or a file gives.

    Raises:
        UsageError: for names that are empty, long, not printable, or no different ones.
    """
    if not isinstance(names, list | tuple):
        raise UsageError(f"{where}: {printable(names, 40)!r} is no list of names of classes")
    if not 2 <= len(names) <= MOST:
        raise UsageError(f"{where}: names {len(names)} classes; at least two are told apart, and at most {MOST}")
    for name in names:
        if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > LONGEST:
            text = printable(name, 40)
            raise UsageError(f"{where}: {text!r} names no class; wanted is a line of at most {LONGEST} characters")
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise UsageError(f"{where}: {printable(twice, 40)!r} names two classes")
    return tuple(names)


def told_apart(outputs: int) -> int:
    """Return how many classes a model with so many outputs tells apart: one output says no or yes."""
    return max(outputs, 2)
