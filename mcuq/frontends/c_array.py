"""A TFLite model in a C array, as ``xxd -i`` and many projects have it: its numbers are read, nothing is compiled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from mcuq.errors import MalformedModelError, UsageError

SUFFIXES = (".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx")
MAX_TEXT_BYTES = 128 << 20  # four characters for every byte of the largest flash of the family
CHUNK = 1 << 20
HEAD = 2_000  # characters of a declaration

# Comments, texts, characters and preprocessor lines; what is not closed ends with the file or the line.
NO_CODE = re.compile(
    r'/\*(?:.*?\*/|.*\Z)|//[^\n]*|"(?:[^"\\\n]|\\.)*"?|\'(?:[^\'\\\n]|\\.)*\'?|^[ \t]*#[^\n]*', re.DOTALL | re.MULTILINE
)
DECLARATION = re.compile(r"\b(\w+)\s*\[[^\[\]]*\][^=\[\]]*=\s*\Z")
EXTERN = re.compile(r"\b(\w+)\s*\[[^\[\]]*\]\s*\Z")


class CArray(NamedTuple):
    """An array with its initializer, the text between the braces; ``closed``: whether it ends."""

    name: str
    body: str
    closed: bool

    def bytes(self) -> Iterator[bytes]:
        """Yield the elements, a part at a time.

        Raises:
            MalformedModelError: for what is no byte.
        """
        values, start = _Values(), 0
        while start < len(self.body):
            end = self.body.rfind(",", start, start + CHUNK)
            end = len(self.body) if start + CHUNK >= len(self.body) or end < 0 else end
            words = self.body[start:end].split(",")
            if end == len(self.body) and not words[-1].strip():
                words.pop()  # C takes a comma after the last element
            try:
                yield bytes(map(values.__getitem__, words))
            except ValueError as error:
                raise MalformedModelError(f"array {self.name}: {error}; is it a placeholder, or cut short?") from None
            start = end + 1


class _Values(dict[str, int]):
    """Byte by the text of an integer constant of C; a negative one is a signed char's."""

    def __missing__(self, word: str) -> int:
        digits = word.strip().lower().rstrip("ul")
        octal = len(digits.lstrip("-")) > 1 and digits.lstrip("-").startswith("0") and digits.lstrip("-").isdigit()
        try:
            value = int(digits, 8 if octal else 0)
        except ValueError:
            value = 256
        if not -128 <= value <= 255:
            raise ValueError(f"{word.strip()[:40]!r} is not a byte")
        self[word] = value & 255
        return self[word]


def model_in(source: bytes) -> bytes:
    """Return the TFLite model that a C or C++ file holds as an array of bytes.

    Raises:
        UsageError: where there is none, or more than one.
        MalformedModelError: for an array that is cut short or holds anything but bytes.
    """
    if len(source) > MAX_TEXT_BYTES:
        raise UsageError(f"the file has {len(source)} bytes, more than any ESP32 holds")
    text = NO_CODE.sub(" ", source.decode("latin-1"))
    arrays = list(_arrays(text))
    models = [array for array in arrays if _is_model(array)]
    if not models:
        raise UsageError(_absent(text, arrays))
    contents = {array.name: _content(array) for array in models}
    if len(set(contents.values())) > 1:
        raise UsageError(f"the file holds {len(contents)} models ({', '.join(contents)}); keep one per file")
    return next(iter(contents.values()))


def _arrays(text: str) -> Iterator[CArray]:
    """Yield what is between braces after ``name[...] =``."""
    before, *rest = text.split("{")
    for part in rest:
        declaration = DECLARATION.search(re.split("[;}]", before[-HEAD:])[-1])
        if declaration:
            body, brace, _ = part.partition("}")
            yield CArray(declaration[1], body, bool(brace))
        before = part


def _is_model(array: CArray) -> bool:
    """Whether the array begins as a TFLite file does."""
    start = ",".join(array.body[: 64 * 8].split(",", 8)[:8])
    try:
        return b"".join(array._replace(body=start).bytes())[4:8] == b"TFL3"
    except MalformedModelError:
        return False


def _content(array: CArray) -> bytes:
    if not array.closed:
        raise MalformedModelError(f"array {array.name} is cut short: its closing brace is missing")
    return b"".join(array.bytes())


def _absent(text: str, arrays: list[CArray]) -> str:
    """Return why there is no model."""
    problem = "holds no array of bytes that is a TFLite model (0x54, 0x46, 0x4c, 0x33 at its byte 4)"
    for statement in text.split(";"):
        if "extern" in statement and (declared := EXTERN.search(statement[-HEAD:])):
            return f"{problem}; it declares {declared[1]}, whose bytes are in another file: give that one"
    names = ", ".join(array.name for array in arrays[:8])
    return f"{problem}; its arrays are {names}" if names else problem
