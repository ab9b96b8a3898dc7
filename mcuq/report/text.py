"""Text on its way out: without what could steer a terminal, in whatever encoding is asked for, never a traceback."""

from __future__ import annotations

import codecs
import errno
import os
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from mcuq.errors import UsageError
from mcuq.limits import TEXT_CHARACTERS

HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format (bidi among them), surrogates, separators of lines
PLAIN = {"…": "...", "×": "x", "→": "->", "≤": "<=", "≥": ">=", "–": "-", "—": "-", "−": "-", "±": "+-", "µ": "u"}
ERRORS = "mcuq_plain"
GONE = (errno.EPIPE, errno.EINVAL)  # Windows says the latter of a closed pipe


def clean(text: str) -> str:
    r"""Return text without control and bidi characters, and without words that only a hostile file can hold.

    >>> clean("a\x1b[2J\u202eb"), len(clean("x" * 1000))
    ('a?[2J?b', 300)
    """
    shown = "".join("?" if unicodedata.category(c) in HIDDEN and c != "\n" else c for c in text)
    return "\n".join(" ".join(map(_short, line.split(" "))) for line in shown.split("\n"))


def _short(word: str) -> str:
    return word if len(word) <= TEXT_CHARACTERS else f"{word[: TEXT_CHARACTERS - 3]}..."


def plain(character: str) -> str:
    """Return ASCII that stands for a character.

    >>> plain("─"), plain("█"), plain("ß")
    ('-', '#', '?')
    """
    if character in PLAIN:
        return PLAIN[character]
    name = unicodedata.name(character, "")
    if name.startswith("BOX DRAWINGS"):
        return "-" if name.endswith("HORIZONTAL") else "|" if name.endswith("VERTICAL") else "+"
    return "#" if 0x2580 <= ord(character) <= 0x259F else "?"


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(plain, error.object[error.start : error.end])), error.end


def prepare_streams() -> None:
    """Let standard output and error take any text; give a place to what is closed."""
    codecs.register_error(ERRORS, _replaced)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ERRORS)


def put(text: str) -> None:
    """Print to standard output. A reader that has gone is no fault: the work is done.

    Raises:
        UsageError: it cannot be written, for a full disk.
    """
    try:
        print(text)
        sys.stdout.flush()
    except OSError as error:
        _silence(sys.stdout)
        if error.errno not in GONE:
            raise UsageError(
                f"standard output: cannot write ({os.strerror(error.errno or 0)}); only what was to be printed is lost"
            ) from None


def flush() -> None:
    """Write what is left; see :func:`put`."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _silence(sys.stdout)
        if error.errno not in GONE:
            raise UsageError(f"standard output: cannot write ({os.strerror(error.errno or 0)})") from None


def complain(text: str) -> None:
    """Print a message to standard error, further lines of it indented; there is nobody to tell if that fails."""
    try:
        print(clean(text).rstrip().replace("\n", "\n  "), file=sys.stderr, flush=True)
    except OSError:
        _silence(sys.stderr)


def _silence(stream: TextIO) -> None:
    """Let what is left in a stream's buffer go nowhere when the interpreter ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
