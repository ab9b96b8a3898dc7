"""The cache between a CPU and constants in flash, and what a line costs that is not in it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mcuq.target.sourced_toml import Table

# Clocks of the bus before the first bit of data, and per byte: W25Q64JV datasheet, instructions 3Bh, BBh, 6Bh and EBh
# (command on one line; address, mode bits and dummy clocks as the instruction has them).
FLASH_CLOCKS = {"dout": (40, 4), "dio": (24, 4), "qout": (40, 2), "qio": (20, 2)}


@dataclass(frozen=True)
class Cache:
    """A cache: its bytes, those of a line, and whether code is in it too."""

    bytes: int
    line: int
    holds_code: bool
    source: str

    def lines(self, size: float) -> float:
        """Return the lines that hold so many bytes."""
        return size / self.line

    def missed(self, size: float, sweeps: int) -> float:
        """Return the lines fetched when so many bytes are read from the first to the last, again and again.

        All of them once. After that those that were replaced meanwhile, by a line taken at random: with n lines read
        in a cache of c, of which the share x misses, a line stays with probability (1 - 1/c)^(n x), or exp(-n x / c).
        """
        n, c = self.lines(size), self.lines(self.bytes)
        if n <= c or sweeps <= 1:
            return n
        share = 1.0
        for _ in range(100):
            share = 1 - math.exp(-n / c * share)
        return n + n * share * (sweeps - 1)

    def fetched(self, size: float, swept: Iterable[tuple[float, int]]) -> float:
        """Return the lines fetched in one inference after another.

        Args:
            size: bytes of all constants and of the code that runs; nothing is fetched twice if they fit.
            swept: bytes that a layer reads over and over, and how often; the first time is among ``size``.
        """
        if size <= self.bytes:
            return 0.0
        return self.lines(size) + sum(self.missed(part, times) - self.lines(part) for part, times in swept)

    def line_seconds(self, mode: str, frequency: int) -> float:
        """Return how long flash takes to send a line, by its datasheet."""
        before, per_byte = FLASH_CLOCKS[mode]
        return (before + per_byte * self.line) / frequency


def read_cache(table: Table) -> Cache:
    """Read ``{ bytes = …, line = …, holds_code = …, source = "…" }``."""
    found = Cache(table.number("bytes"), table.number("line"), table.flag("holds_code"), table.text("source"))
    table.close()
    return found
