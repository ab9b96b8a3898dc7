"""The emulated vector unit, and the macros that emit its words, equal the golden states of ../shared."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from requirements import require

from kernels.s3.golden_states import MEMORY, REGISTERS, Entry, entries
from mcuq.engines.emulator import compile_emulated, emulator_command
from mcuq.resources import resource

HERE = Path(__file__).parent
STATE = struct.Struct(f"<128s64sqI{len(REGISTERS)}IIi{MEMORY}s4x")
LANE = 20  # bits


def lanes(half: str) -> list[int]:
    """Eight lanes of 20 bits, sign extended, of 20 bytes."""
    number = int.from_bytes(bytes.fromhex(half), "little")
    raw = [number >> (LANE * i) & ((1 << LANE) - 1) for i in range(8)]
    return [value - (value >> (LANE - 1) << LANE) for value in raw]


def half(values: Sequence[int]) -> str:
    number = sum((value & ((1 << LANE) - 1)) << (LANE * i) for i, value in enumerate(values))
    return number.to_bytes(20, "little").hex()


def packed(entry: Entry) -> bytes:
    """The state before, as golden_main.c takes it; what the entry does not name is a pattern."""
    before = entry.before
    q = b"".join(bytes.fromhex(before.get(f"q{i}", f"{0x11 * i:02x}" * 16)) for i in range(8))
    blank = "00" * 20
    qacc = struct.pack("<16i", *lanes(before.get("ql", blank)), *lanes(before.get("qh", blank)))
    accx = int(before.get("accx", "0"), 16)
    accx -= accx >> 39 << 40
    registers = [int(before.get(name, f"{0x1000 + i:x}"), 16) for i, name in enumerate(REGISTERS)]
    address = REGISTERS.index(entry.address) if entry.address else -1
    memory = bytes.fromhex(before.get("mem", "a5" * MEMORY))
    sar, sar_byte = int(str(before.get("sar", 0))), int(str(before.get("sb", 0)))
    return STATE.pack(q, qacc, accx, sar_byte, *registers, sar, address, memory)


def unpacked(state: bytes) -> dict[str, str]:
    """A state in the entries' form, whole."""
    q, qacc, accx, sar_byte, *rest = STATE.unpack(state)
    *registers, sar, _, memory = rest
    values = np.frombuffer(qacc, "<i4").tolist()
    found = {f"q{i}": q[16 * i : 16 * i + 16].hex() for i in range(8)}
    found |= {"ql": half(values[:8]), "qh": half(values[8:]), "accx": f"{accx & (1 << 40) - 1:010x}"}
    found |= {"sar": str(sar), "sb": str(sar_byte), "mem": memory.hex()}
    return found | {name: f"{value:08x}" for name, value in zip(REGISTERS, registers, strict=True)}


def fragments(golden: Sequence[Entry]) -> str:
    """Assembly: each entry's instruction as a function, and their table."""
    functions = "".join(f"fragment_{i}:\n    {entry.assembly}\n    ret\n" for i, entry in enumerate(golden))
    table = "".join(f"    .word fragment_{i}\n" for i in range(len(golden)))
    return (
        '#include "mcuq_s3_asm.h"\n    .section .golden, "ax"\n    .begin no-transform\n'
        f"{functions}    .end no-transform\n    .section .rodata\n    .align 4\n"
        f"    .globl golden_fragments\ngolden_fragments:\n{table}"
        f"    .globl golden_count\ngolden_count:\n    .word {len(golden)}\n"
    )


def test_the_emulation_and_the_macros_equal_the_golden_states(shared: Path, tmp_path: Path) -> None:
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    golden = entries(shared)
    assert len(golden) == 1536
    (tmp_path / "golden.S").write_text(fragments(golden))
    firmware = resource("firmware")
    folders = [firmware / "app", firmware / "emulator" / "s3", firmware / "kernels" / "s3"]
    sources = [tmp_path / "golden.S", HERE / "golden_main.c", HERE / "golden_run.S"]
    compile_emulated("s3", sources, ["-O2", *(f"-I{folder}" for folder in folders)], tmp_path / "golden.elf")
    ran = subprocess.run(
        emulator_command("s3", tmp_path / "golden.elf"),
        input=b"".join(map(packed, golden)),
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    wrong = []
    for entry, state in zip(golden, STATE.iter_unpack(ran.stdout), strict=True):
        before, after = unpacked(packed(entry)), unpacked(STATE.pack(*state))
        if after != before | {name: str(value) for name, value in entry.after.items()}:
            wrong.append(entry.assembly)
    assert not wrong, f"{len(wrong)} of {len(golden)}: {wrong[:20]}"
    assert words_of(tmp_path / "golden.elf") == b"".join(entry.word + b"\x80\x00\x00" for entry in golden)


def words_of(elf: Path) -> bytes:
    """The bytes of the fragments as linked."""
    section = elf.with_suffix(".bin")
    command = ["xtensa-lx106-elf-objcopy", "-O", "binary", "--only-section=.golden", str(elf), str(section)]
    subprocess.run(command, check=True)
    return section.read_bytes()
