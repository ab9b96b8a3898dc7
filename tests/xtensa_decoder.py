"""Instructions of linked Xtensa code: those that some chips lack. From the instruction set's tables of formats.

Every function is followed from its first instruction through its branches: literals and fill between instructions,
which a linear sweep would take for code, are not reached. Switch tables are: compile with -fno-jump-tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from elftools.elf.elffile import ELFFile

SPECIAL = {0: "lbeg", 1: "lend", 2: "lcount", 16: "acclo", 17: "acchi", 32: "m0", 33: "m1", 34: "m2", 35: "m3"}


class Code:
    """The code of an ELF file."""

    def __init__(self, elf: Path) -> None:
        with elf.open("rb") as file:
            opened = ELFFile(file)
            text = opened.get_section_by_name(".text")
            self.start, self.bytes = text["sh_addr"], text.data()
            symbols = opened.get_section_by_name(".symtab").iter_symbols()
            self.functions = {
                s.name: (s["st_value"], s["st_size"]) for s in symbols if s["st_info"]["type"] == "STT_FUNC"
            }

    def instructions(self, function: str) -> dict[int, int]:
        """Return a function's instructions, 16 or 24 bits, by their addresses."""
        first, size = self.functions[function]
        found: dict[int, int] = {}
        waiting = [first]
        while waiting:
            address = waiting.pop()
            if address in found or not first <= address < first + size:
                continue
            at = address - self.start
            length = 2 if self.bytes[at] & 15 >= 8 else 3
            found[address] = int.from_bytes(self.bytes[at : at + length], "little")
            waiting += successors(address, found[address], length)
        return found

    def unread(self, function: str) -> int:
        """Return how many bytes of a function no instruction has, beyond fill of up to three bytes."""
        first, size = self.functions[function]
        read = self.instructions(function)
        ends = sorted((a, a + (2 if word & 15 >= 8 else 3)) for a, word in read.items())
        starts = [start for start, _ in ends[1:]] + [first + size]
        gaps = [start - end for (_, end), start in zip(ends, starts, strict=True)]
        return sum(gap for gap in gaps if gap > 3)


def signed(value: int, bits: int) -> int:
    return value - (value >> bits - 1 << bits)


def successors(address: int, word: int, length: int) -> Iterator[int]:
    """Yield the addresses that may be executed after an instruction of the same function."""
    op0, n, m, r = word & 15, word >> 4 & 3, word >> 6 & 3, word >> 12 & 15
    if op0 == 6 and n == 0:  # j
        yield address + 4 + signed(word >> 6, 18)
        return
    if op0 == 0 and word >> 12 == 0 and m == 2:  # ret, retw, jx
        assert n != 2, "jx: compile with -fno-jump-tables"
        return
    if (op0 == 0 and word >> 12 == 3) or (op0 == 13 and r == 15 and word >> 4 & 15 in {0, 1}):  # rfe, ret.n
        return
    yield address + length
    if op0 == 6 and n == 1:  # beqz
        yield address + 4 + signed(word >> 12, 12)
    elif op0 == 7 or (op0 == 6 and (n == 2 or (n == 3 and m > 1))):  # beq, beqi, bltui
        yield address + 4 + signed(word >> 16, 8)
    elif op0 == 12 and word >> 7 & 1:  # beqz.n
        yield address + 4 + r + (word >> 4 & 3) * 16


def lacking(word: int) -> str | None:
    """Return the unit that an instruction needs, where some Xtensa cores have none: "mac16" or "loop"."""
    op0, n, m, r = word & 15, word >> 4 & 3, word >> 6 & 3, word >> 12 & 15
    if op0 == 4:
        return "mac16"
    if op0 == 6 and (n, m) == (3, 1) and r in {8, 9, 10}:
        return "loop"
    if op0 == 0 and word >> 16 in {0x03, 0x13, 0x61}:  # rsr, wsr, xsr
        special = SPECIAL.get(word >> 8 & 255)
        return special and ("loop" if special.startswith("l") else "mac16")
    return None
