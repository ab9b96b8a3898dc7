"""What is linked for an ESP32-S2: no instruction of MAC16 and no loop, neither of which its core has."""

from pathlib import Path

import pytest
from requirements import require
from xtensa_decoder import Code, lacking, signed, successors

from mcuq import loading, pipeline
from mcuq.archive import Archive
from mcuq.engines.emulator import build_emulated
from mcuq.verification import verify_project

DIGITS = Path(__file__).parents[1] / "examples/digits/digits.tflite"
S2, ESP32 = "esp32-s2-saola-1", "esp32dev"


@pytest.fixture
def linked(tmp_path):
    """Build the digits for a board, and decode what is linked."""
    require("xtensa-lx106-elf-gcc")

    def build(board: str) -> tuple[Path, Code]:
        pipeline.write_project(Archive(loading.load(DIGITS)), board, tmp_path)
        return tmp_path, Code(build_emulated(tmp_path, ["digits"], "xtensa", tmp_path, ["-O2", "-fno-jump-tables"]))

    return build


def units(code: Code) -> dict[str, set[str]]:
    """The functions that need a unit."""
    found: dict[str, set[str]] = {}
    for name in code.functions:
        for word in code.instructions(name).values():
            if unit := lacking(word):
                found.setdefault(unit, set()).add(name)
    return found


def test_code_for_an_s2_has_neither(linked):
    project, code = linked(S2)

    assert {"mcuq_conv2d_s8_r16", "digits_run", "main"} <= set(code.functions)
    assert units(code) == {}
    assert {name: code.unread(name) for name in code.functions if code.unread(name)} == {}
    require("qemu-system-xtensa")
    (result,) = verify_project(project, "xtensa")
    assert (result.different, result.self_test) == (0, True)


def test_code_for_an_esp32_has_both(linked):
    """The decoder can fail: MAC16's cores are found, and nothing else."""
    found = units(linked(ESP32)[1])

    assert set(found) == {"mac16", "loop"}
    assert "mcuq_mac16_dot_tile" in found["mac16"] & found["loop"]
    assert all("mac16" in name for names in found.values() for name in names)


@pytest.mark.parametrize(
    ("word", "unit"),
    [
        (0x081204, "mac16"),  # mula.dd.ll.ldinc m1, a2, m0, m2
        (0x801204, "mac16"),  # ldinc m1, a2
        (0x131080, "mac16"),  # wsr.acclo a8
        (0x17A476, "loop"),  # loopgtz a4, +27
        (0x130280, "loop"),  # wsr.lcount a8
        (0x233200, None),  # sext a3, a2, 7
        (0x825450, None),  # mull a5, a4, a5
        (0x13E680, None),  # wsr.ps a8
    ],
)
def test_units_of_known_words(word, unit):
    assert lacking(word) == unit


def test_branches_of_known_words():
    """As the assembler's own disassembly of a linked file has them."""
    assert sorted(successors(0x11F77, 0xD1ACE7, 3)) == [0x11F4C, 0x11F7A]  # bge a12, a14
    assert list(successors(0x11F85, 0x0004C6, 3)) == [0x11F9C]  # j
    assert sorted(successors(0x11F94, 0xFA9CD6, 3)) == [0x11F41, 0x11F97]  # bgez a12
    assert list(successors(0x13F, 0xF00D, 2)) == []  # ret.n
    assert list(successors(0x11F6F, 0x0179C5, 3)) == [0x11F72]  # call0
    assert signed(0xFFF, 12) == -1
