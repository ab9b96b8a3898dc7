"""TOML files in which every size names its source: typed reading, one-line errors that say where."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from mcuq.errors import UsageError
from mcuq.limits import TEXT_BYTES, TEXT_CHARACTERS
from mcuq.reading import content_of, gate, printable

T = TypeVar("T")

WORD = r"[\w./~][\w./:@+#~-]{0,199}"  # neither INI nor CMake nor YAML nor C reads anything else into it
MOST = 1 << 40  # of any number


@dataclass(frozen=True)
class Amount:
    """A number of bytes, and where it comes from."""

    bytes: int
    source: str


@dataclass(frozen=True)
class Frequency:
    """A frequency, and where it comes from."""

    hertz: int
    source: str


@dataclass
class Table:
    """A table of such a file. Every key must be read; :meth:`close` refuses what is left.

    Attributes:
        where: the file and the way to this table, for errors.
        values: what has not been read yet.
    """

    where: str
    values: dict[str, Any]
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.names = tuple(self.values)

    def fail(self, problem: str) -> NoReturn:
        """Refuse the file."""
        raise UsageError(f"{self.where}: {problem}")

    def close(self) -> None:
        """Refuse keys that nothing reads: a misspelt one must not be a silent default."""
        if self.values:
            self.fail(f"unknown key {', '.join(sorted(self.values))}")

    def require(self, *keys: str) -> None:
        """Refuse the file if some of these keys are not there, all of them at once."""
        if missing := [key for key in keys if key not in self.values]:
            self.fail(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")

    def text(self, key: str, allowed: Collection[str] = ()) -> str:
        """Read a text, one of ``allowed`` where that is given."""
        value = self._take(key, str, "a text")
        if not value or (allowed and value not in allowed):
            self.fail(f"{key} is {printable(value)!r}, not {' or '.join(allowed) or 'a text'}")
        if not value.isprintable() or len(value) > TEXT_CHARACTERS:
            self.fail(f"{key} is {printable(value, 60)!r}, not one line of text")
        return value

    def word(self, key: str, pattern: str = WORD) -> str:
        """Read a text that goes into other files as it is: without blanks, quotes and the like."""
        value = self.text(key)
        if not re.fullmatch(pattern, value, re.ASCII):
            self.fail(f"{key} is {printable(value, 60)!r}; letters, digits and ._-/:@+# are taken")
        return value

    def texts(self, key: str, allowed: Collection[str] = ()) -> tuple[str, ...]:
        """Read a list of at least one text, each one of ``allowed`` where that is given."""
        values = self._take(key, list, "a list")
        if not values or any(not isinstance(v, str) or (allowed and v not in allowed) for v in values):
            self.fail(f"{key} is {values!r}, not a list of {' or '.join(allowed) or 'texts'}")
        return tuple(values)

    def optional_text(self, key: str) -> str:
        """Read a text that may be absent or empty."""
        return self.text(key) if self.values.get(key) else self.values.pop(key, "")

    def optional_word(self, key: str) -> str:
        """Read a text that goes into other files and may be absent; empty then."""
        return self.word(key) if key in self.values else ""

    def number(self, key: str) -> int:
        """Read a positive number that is not a size."""
        value = self._take(key, int, "a number")
        if isinstance(value, bool) or not 0 < value <= MOST:
            self.fail(f"{key} is {printable(value, 40)}, not a positive number, or too large")
        return value

    def optional_real(self, key: str, low: float, high: float) -> float | None:
        """Read a number within limits, which may be absent; None then."""
        if key not in self.values:
            return None
        value = self._take(key, object, "a number")
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.fail(f"{key} is {printable(value, 40)}, not a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, key: str) -> bool:
        """Read true or false."""
        return self._take(key, bool, "true or false")

    def amount(self, key: str) -> Amount:
        """Read ``{ bytes = …, source = "…" }``; both are required."""
        value = self._take(key, object, "a size")
        if not isinstance(value, dict) or set(value) != {"bytes", "source"}:
            self.fail(f'{key}: a size is written {{ bytes = …, source = "…" }}, here is {value!r}')
        inner = Table(f"{self.where}: {key}", dict(value))
        return Amount(inner.number("bytes"), inner.text("source"))

    def frequency(self, key: str) -> Frequency:
        """Read ``{ hertz = …, source = "…" }``; both are required."""
        inner = self.table(key)
        found = Frequency(inner.number("hertz"), inner.text("source"))
        inner.close()
        return found

    def optional_amount(self, key: str) -> Amount | None:
        """Read an amount that may be absent."""
        return self.amount(key) if key in self.values else None

    def amounts(self, key: str) -> tuple[Amount, ...]:
        """Read a list of amounts."""
        values = self._take(key, list, "a list of sizes")
        tables = [Table(self.where, {key: value}) for value in values]
        return tuple(table.amount(key) for table in tables)

    def has_table(self, key: str) -> bool:
        """Whether the key holds a table."""
        return isinstance(self.values.get(key), dict)

    def table(self, key: str) -> Table:
        """Read a table within this one."""
        return Table(f"{self.where}: {key}", dict(self._take(key, dict, "a table")))

    def tables(self, key: str) -> tuple[Table, ...]:
        """Read an array of tables, ``[[key]]``."""
        values = self._take(key, list, "an array of tables")
        if not all(isinstance(value, dict) for value in values):
            self.fail(f"{key} is not an array of tables")
        return tuple(Table(f"{self.where}: {key} {i + 1}", dict(value)) for i, value in enumerate(values))

    def _take(self, key: str, kind: type[T], meaning: str) -> T:
        if key not in self.values:
            self.fail(f"{key} is missing")
        value = self.values.pop(key)
        if not isinstance(value, kind):
            self.fail(f"{key} is {value!r}, not {meaning}")
        return value


def read_sourced(path: Path) -> Table:
    """Read a file.

    Raises:
        UsageError: it cannot be read, or is not TOML.
    """
    return parse_sourced(file_text(path), str(path))


def file_text(path: Path) -> str:
    """Return a file's text.

    Raises:
        UsageError: it cannot be read, or is no text.
    """
    content = content_of(path, TEXT_BYTES)
    with gate(path, "a TOML file", UsageError):
        return content.decode()


def parse_sourced(text: str, where: str) -> Table:
    """Read the text of such a file; ``where`` names it in errors.

    Raises:
        UsageError: it is not TOML.
    """
    with gate(Path(where), "a TOML file", UsageError):
        return Table(where, tomllib.loads(text))
