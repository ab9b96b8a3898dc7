"""The golden states of ../shared: what instructions of the ESP32-S3's vector unit do, and the bytes of an assembler."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import NamedTuple

GOLDEN = Path("golden") / "s3_pie_golden.json.gz"
MEMORY = 64  # bytes
REGISTERS = tuple(f"a{i}" for i in range(3, 13))
FORMAT = "<128s20s20sqII10I64s"


class Entry(NamedTuple):
    """An instruction, its bytes, its address register ("" if none), and the state before and after, what changed."""

    assembly: str
    word: bytes
    address: str
    before: dict[str, str]
    after: dict[str, str]


def entries(shared: Path) -> list[Entry]:
    """Read them."""
    rows = json.loads(gzip.decompress((shared / GOLDEN).read_bytes()))[1:]
    return [
        Entry(text, bytes.fromhex(word), address or "", before, after) for text, word, address, before, after in rows
    ]
