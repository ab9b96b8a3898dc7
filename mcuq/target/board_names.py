"""What a board is called by people: find the one that is meant, or say which could be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from mcuq.errors import UsageError

T = TypeVar("T")

SHOWN = 8


def find_board(wanted: str, boards: Mapping[str, Sequence[str]]) -> str:
    """Return the id of the board that is meant; the one whose id, name or alias it is, in any spelling.

    Args:
        wanted: what the user calls it.
        boards: every board's names and aliases, by id.

    Raises:
        UsageError: it is none, or could be several; with those it could be.
    """
    if wanted in boards:
        return wanted
    key = _plain(wanted)
    spelled = {name: {_plain(text) for text in (name, *boards[name])} for name in boards}
    same = [name for name, texts in spelled.items() if key in texts]
    if len(same) == 1:
        return same[0]
    close = same or [name for name, texts in spelled.items() if key and any(_near(key, text) for text in texts)]
    close.sort(key=lambda name: (not _plain(name).startswith(key), name))
    if not close:
        close = difflib.get_close_matches(wanted.lower(), boards, n=3, cutoff=0.5)
        hint = f"closest: {', '.join(close)}" if close else f"`mcuq boards` lists the {len(boards)} that there are"
        raise UsageError(f"unknown board {wanted!r}; {hint}")
    shown = ", ".join(f"{name} ({boards[name][0]})" for name in close[:SHOWN])
    raise UsageError(f"unknown board {wanted!r}; it could be {shown}{', ...' if len(close) > SHOWN else ''}")


def named(name: str, known: Mapping[str, T], kind: str, where: str = "") -> T:
    """Return what has exactly that name.

    Raises:
        UsageError: nothing has; with the closest names, or all of them.
    """
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    hint = f"closest: {', '.join(close)}" if close else f"there are {', '.join(sorted(known))}"
    raise UsageError(f"{where + ': ' if where else ''}unknown {kind} {name!r}; {hint}")


def _near(key: str, text: str) -> bool:
    """Whether a name holds what is wanted, or begins it (a variant of that board)."""
    return key in text or (len(text) > 6 and key.startswith(text))


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
