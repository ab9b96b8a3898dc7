"""Partition tables of the user's own: the CSV files that ESP-IDF's gen_esp32part.py reads."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcuq.errors import UsageError

FIRST = 0x9000  # bytes: behind the bootloader, and the table itself at 0x8000 (gen_esp32part.py: default offset)
APP_ALIGNMENT, DATA_ALIGNMENT = 0x10000, 0x1000  # gen_esp32part.py: ALIGNMENT
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20}
PLAIN = r"[\w .,:;()#/+*=<>!?\t-]*"  # gen_esp32part.py expands variables of the environment
MAX_BYTES = 1 << 20  # of the text


@dataclass(frozen=True)
class Entry:
    """One partition: where it begins and ends in flash."""

    name: str
    is_app: bool
    subtype: str
    start: int
    end: int


def partition_options(given: str | None) -> dict[str, Any]:
    """Return the fields of ``Setup`` for a partition table, which is a name or the path of a file.

    Raises:
        UsageError: for a path where no such file is.
    """
    if given is None or not (Path(given).is_file() or len(Path(given).parts) > 1):
        return {"partition": given}
    try:
        text = Path(given).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{given}: cannot be read as a partition table (a CSV file)") from None
    return {"partition": Path(given).name, "partition_text": text}


def read_partitions(text: str, where: str) -> tuple[int, int]:
    """Return the bytes of the first application partition, and of the flash that the whole table needs.

    Args:
        text: of the CSV file.
        where: names it in messages.

    Raises:
        UsageError: naming the line.
    """
    if not re.fullmatch(r"\w[\w.-]{0,59}\.csv", where, re.ASCII) or len(text) > MAX_BYTES:
        raise UsageError(f"{where[:60]!r} is no partition table: a small file named letters, digits, - or _ and .csv")
    entries = list(_entries(text, where))
    apps = sorted((e for e in entries if e.is_app), key=lambda e: (e.subtype not in ("factory", "0", "0x00"), e.start))
    if not apps:
        raise UsageError(f"{where}: has no partition of type app")
    return apps[0].end - apps[0].start, max(entry.end for entry in entries)


def _entries(text: str, where: str) -> Iterator[Entry]:
    """Yield the partitions; one without an offset lies behind the one before it."""
    end = FIRST
    for number, row in enumerate(csv.reader(text.splitlines()), 1):
        fields = [field.strip() for field in row]
        if not all(re.fullmatch(PLAIN, field, re.ASCII) for field in row):
            raise UsageError(f"{where}: line {number}: holds other characters than those of names and numbers")
        if not any(fields) or fields[0].startswith("#"):
            continue
        if len(fields) < 5:
            raise UsageError(f"{where}: line {number}: name, type, subtype, offset and size are wanted")
        kind, subtype = fields[1].lower(), fields[2].lower()
        is_app = kind in ("app", "0", "0x00")
        size = _number(fields[4])
        start = _number(fields[3]) if fields[3] else _aligned(end, APP_ALIGNMENT if is_app else DATA_ALIGNMENT)
        if size is None or start is None or not size:
            raise UsageError(f"{where}: line {number}: {fields[3]!r} and {fields[4]!r} are no offset and size")
        if start < end:
            raise UsageError(f"{where}: line {number}: {fields[0]} begins at {start:#x}, before {end:#x} is free")
        end = start + size
        yield Entry(fields[0], is_app, subtype, start, end)


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


def _number(text: str) -> int | None:
    """Return a number as the file writes it: 0x9000, 4096, 64K, 1M; None for anything else."""
    match = re.fullmatch(r"(0x[0-9a-f]{1,8}|\d{1,10})([km]?)", text.lower())
    return int(match[1], 0 if match[1].startswith("0x") else 10) * UNITS[match[2]] if match else None
