"""Write the macros that emit the ESP32-S3's vector instructions where the assembler lacks them.

They come from the table of words, firmware/emulator/s3/mcuq_s3_words.h; a test says whether they are current.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "firmware" / "emulator" / "s3" / "mcuq_s3_words.h"
MACROS = ROOT / "firmware" / "kernels" / "s3" / "mcuq_s3_asm.h"
ENTRY = re.compile(r'WORD\((\w+), "([\w.]+)([^"]*)", (\d+),\s*(?:\\\n)?\s*"([^"]+)"\)')
PIECE = re.compile(r"([a-z])\[(\d+)(?::(\d+))?\]|([01]+)")

HEAD = """/* The ESP32-S3's vector instructions for an assembler that does not know them: macros of the same names.
 *
 * Written by tools/s3_words.py from firmware/emulator/s3/mcuq_s3_words.h. Espressif's assembler knows the
 * instructions. */
#ifndef MCUQ_S3_ASM_H
#define MCUQ_S3_ASM_H
/* clang-format off */

#if defined(MCUQ_S3_EMULATED)

"""
TAIL = """
#endif

#endif
"""


class Piece(NamedTuple):
    """Some bits of a word: of an operand from ``low`` on, or fixed ones."""

    letter: str
    low: int
    width: int
    fixed: int


class Word(NamedTuple):
    """An instruction: its name, its operands' letters in order, the immediate's unit, its bits from the highest on."""

    name: str
    operands: tuple[str, ...]
    unit: int
    pieces: tuple[Piece, ...]

    @property
    def bits(self) -> int:
        """24 or 32."""
        return sum(piece.width for piece in self.pieces)

    def width(self, letter: str) -> int:
        """Bits of an operand."""
        return max(piece.low + piece.width for piece in self.pieces if piece.letter == letter)


def read(table: Path = TABLE) -> list[Word]:
    """Read the table of words."""
    found = ENTRY.findall(table.read_text("utf-8"))
    return [_word(name, operands, int(unit), bits) for _, name, operands, unit, bits in found]


def _word(name: str, operands: str, unit: int, bits: str) -> Word:
    pieces = []
    for letter, high, low, fixed in PIECE.findall(bits):
        if fixed:
            pieces.append(Piece("", 0, len(fixed), int(fixed, 2)))
        else:
            lowest = int(low or high)
            pieces.append(Piece(letter, lowest, int(high) - lowest + 1, 0))
    letters = tuple(operand.strip() for operand in operands.split(",") if operand.strip())
    return Word(name, letters, unit, tuple(pieces))


def macro(word: Word) -> str:
    """Return one instruction as an assembler's macro."""
    terms, position, fixed = [], word.bits, 0
    for piece in word.pieces:
        position -= piece.width
        fixed |= piece.fixed << position
        if piece.letter:
            terms.append(_term(piece, position, word.unit))
    word_of = " | ".join([hex(fixed), *terms])
    header = f"    .macro  {word.name} {', '.join(word.operands)}".rstrip()
    return f"{header}\n    s3_word{word.bits} {word_of}\n    .endm\n"


def _term(piece: Piece, position: int, unit: int) -> str:
    """Return a piece of an operand, moved to its place in the word."""
    value = f"\\{piece.letter}"
    if piece.letter == "i":
        value = f"({value} / {unit})"
    elif piece.letter != "n":
        value = f"n_{value}"
    if piece.low:
        value = f"{value} >> {piece.low}"
    return f"({value} & {2**piece.width - 1}) << {position}"


def _bytes(bits: int) -> str:
    pieces = ", ".join(f"(\\word) >> {shift} & 255" for shift in range(0, bits, 8))
    return f"    .macro  s3_word{bits} word:vararg\n    .byte   {pieces}\n    .endm\n"


def text() -> str:
    """Return the header."""
    registers = [f"    .set    n_{kind}{i}, {i}\n" for kind, count in (("q", 8), ("a", 16)) for i in range(count)]
    emit = [_bytes(bits) for bits in (24, 32)]
    return HEAD + "".join(registers) + "\n" + "".join(emit) + "\n" + "".join(map(macro, read())) + TAIL


def main() -> None:
    """Write the header."""
    MACROS.parent.mkdir(exist_ok=True)
    MACROS.write_text(text(), "utf-8")


if __name__ == "__main__":
    main()
