"""The instructions that mcuq_mac16_asm.h writes as bytes: checked examples, QEMU's disassembler for all the rest."""

import itertools
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from requirements import require

from kernels.mac16.emulated import MAC16, with_mistake
from mcuq.resources import resource

HEADER = (MAC16 / "mcuq_mac16_asm.h").read_text()
FLAGS = ["-nostdlib", "-nostartfiles", "-mtext-section-literals", "-DMCUQ_MAC16_EMULATED"]
LINK = ["-T", str(resource("firmware") / "emulator" / "xtensa" / "link.ld"), "-Wl,--no-warn-rwx-segments"]
QEMU = ["qemu-system-xtensa", "-M", "sim", "-cpu", "dc233c", "-semihosting", "-display", "none", "-monitor", "none"]

# From the instruction tables, and run in QEMU, before there was this header.
EXAMPLES = {
    "mula_dd_ldinc ll, m1, a2, m0, m2": 0x081204,
    "mula_dd_ldinc hh, m1, a2, m1, m3": 0x0B5244,
    "mula_dd hh, m0, m2": 0x2B0004,
    "mula_da_ldinc ll, m1, a2, m0, a3": 0x481234,
    "mula_da lh, m1, a4": 0x6A4044,
    "mula_aa ll, a2, a3": 0x780234,
    "ldinc_ m1, a2": 0x801204,
    "wsr_acclo a8": 0x131080,
    "rsr_acclo a2": 0x031020,
    "clamp_to_int8 a2, a2": 0x332200,
}
ADDRESSES = [f"a{n}" for n in range(2, 16)]
OPERANDS = {
    "half": ["ll", "hl", "lh", "hh"],
    "w": ["m0", "m1", "m2", "m3"],
    "x": ["m0", "m1"],
    "y": ["m2", "m3"],
    "r": ADDRESSES,
    "s": ADDRESSES,
    "t": ADDRESSES,
}
ONLY_EMULATED = {"mula_aa": "mula.aa.\\half \\s, \\t", "mul_aa": "mul.aa.\\half \\s, \\t"}


def macros(text: str) -> dict[str, tuple[list[str], str]]:
    """Macros of one line: their parameters and this line."""
    found = re.findall(r"^ *\.macro +(\w+) +(.*)\n +(.*)\n +\.endm$", text, re.MULTILINE)
    return {name: (re.split(r",\s*", parameters), line) for name, parameters, line in found}


def branches() -> tuple[dict, dict]:
    """The instructions as an ESP32's assembler gets them, and as bytes."""
    start = HEADER.index("#if !defined(MCUQ_MAC16_EMULATED)\n\n    .macro  mula_dd_ldinc")
    middle = HEADER.index("\n#else", start)
    end = HEADER.index("\n#endif", middle)
    written = macros(HEADER[middle:end])
    return macros(HEADER[start:middle]), {name: m for name, m in written.items() if name != "instruction"}


def expanded(line: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        line = line.replace(f"\\{name}\\()", value).replace(f"\\{name}", value)
    return " ".join(line.split())


def program(lines: list[str]) -> str:
    """A program that runs these lines, then ends with status 0."""
    return "\n".join(
        [
            '#include "mcuq_mac16_asm.h"',
            '    .section .text.start, "ax"',
            "    .begin no-transform",
            *("    .align 4", "examples:", *(f"    {line}" for line in lines)),
            *("    movi a2, 1", "    movi a3, 0", "    simcall", "    .end no-transform"),
            *('    .section .reset, "ax"', "    .global mcuq_reset", "mcuq_reset:", "    j 1f"),
            *("    .align 4", "    .literal_position", "1:  movi a0, examples", "    jx a0"),
            "",
        ]
    )


def assembled(lines: list[str], folder: Path, kernels: Path = MAC16) -> Path:
    require("xtensa-lx106-elf-gcc")
    source, elf = folder / "encodings.S", folder / "encodings.elf"
    source.write_text(program(lines))
    command = ["xtensa-lx106-elf-gcc", *FLAGS, f"-I{kernels}", str(source), *LINK, "-o", str(elf)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return elf


def encodings(lines: list[str], kernels: Path = MAC16) -> list[int]:
    """Assemble instructions of three bytes."""
    with tempfile.TemporaryDirectory() as folder:
        elf = assembled(lines, Path(folder), kernels)
        binary = Path(folder, "text.bin")
        subprocess.run(["xtensa-lx106-elf-objcopy", "-O", "binary", "-j", ".text", elf, binary], check=True)
        code = binary.read_bytes()
    return [int.from_bytes(code[3 * i : 3 * i + 3], "little") for i in range(len(lines))]


def disassembled(lines: list[str]) -> list[str]:
    """What QEMU's disassembler calls them; each runs once, so they must do nothing that a core refuses."""
    require("qemu-system-xtensa")
    with tempfile.TemporaryDirectory() as folder:
        elf, log = assembled(lines, Path(folder)), Path(folder, "log")
        command = [*QEMU, "-serial", "none", "-d", "in_asm", "-D", str(log), "-kernel", str(elf)]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        text = log.read_text()
    found = {int(a, 16): " ".join(t.split()) for a, t in re.findall(r"^0x([0-9a-f]{8}):  (.*)$", text, re.MULTILINE)}
    start = min(address for address in found if address < 0xFE000000)
    return [found.get(start + 3 * i, "not run") for i in range(len(lines))]


def test_checked_examples():
    assert [hex(code) for code in encodings(list(EXAMPLES))] == [hex(code) for code in EXAMPLES.values()]


def test_checked_example_of_a_loop():
    """Its end is 27 bytes from its beginning."""
    assert encodings(["loopgtz_ a4, .Lend", *["add a2, a2, a2"] * 8, ".Lend:"])[0] == 0x17A476


def test_every_instruction_is_what_the_esp32_gets():
    """The two branches of the header say the same, for all registers and halves."""
    real, written = branches()
    assert set(real) == {*written, "loopgtz_"} - set(ONLY_EMULATED)
    lines, wanted = [], []
    for name, (parameters, _) in written.items():
        text = real[name][1] if name in real else ONLY_EMULATED[name]
        choices = list(itertools.product(*(OPERANDS[p] for p in parameters)))
        for operands in choices[:: 1 + len(choices) // 300]:
            values = dict(zip(parameters, operands, strict=True))
            if "ldinc" in name:  # loads from there
                lines.append(f"movi {values['s']}, 0")
                wanted.append(lines[-1])
            lines.append(f"{name} {', '.join(operands)}")
            wanted.append(expanded(text, values))
    assert len(lines) > 1000
    assert disassembled(lines) == wanted


def test_a_loop_is_what_the_esp32_gets():
    real, _ = branches()
    assert real["loopgtz_"][1].split() == ["loopgtz", "\\s,", "\\end"]
    for register in ADDRESSES:
        lines = [f"movi {register}, 2", f"loopgtz_ {register}, .Lend", *["add a14, a14, a14"] * 5, ".Lend:"]
        assert disassembled(lines)[1] == f"loopgtz {register}, 0x10015"


def test_a_planted_mistake_is_caught(tmp_path):
    right = "instruction 2, 8 + n_\\half, n_\\x << 2, 0, (n_\\y & 1) << 2, 4"
    kernels = with_mistake(tmp_path, "mcuq_mac16_asm.h", right, right.replace("<< 2, 4", "<< 3, 4"))

    assert encodings(["mula_dd ll, m0, m3"], kernels) != encodings(["mula_dd ll, m0, m3"])


@pytest.mark.parametrize(("first", "second"), [("min_ a2, a3, a4", "max_ a2, a3, a4")])
def test_names_are_told_apart(first, second):
    assert disassembled([first, second]) == ["min a2, a3, a4", "max a2, a3, a4"]
