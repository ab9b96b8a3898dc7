"""The emulated ESP32-S3: its words in loops, its counting, its faults; and the table of words."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

from requirements import require

from mcuq.engines.emulator import compile_emulated, emulator_command
from mcuq.resources import resource

FIRMWARE = resource("firmware")
sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))

MAIN = """
#include <stdint.h>
#include "mcuq_port.h"
void turns(int32_t times, int32_t *sums);
static void say(uint32_t value) { mcuq_port_write(&value, 4); }
int main(void) {
    static const int32_t times[] = {0, 1, 0, 10, 1000};
    for (int32_t i = 0; i < 5; i++) {
        int32_t sums[4] __attribute__((aligned(16)));
        const uint32_t start = mcuq_port_cycles();
        turns(times[i], sums);
        say(mcuq_port_cycles() - start);
        say((uint32_t)sums[0]);
    }
    return 0;
}
"""

# A zero-overhead loop of a 24-bit and a 32-bit word; the latter ends it, so that the handler must see to the way back.
TURNS = """
#include "mcuq_s3_asm.h"
    .text
    .begin no-transform
    .align 4
    .globl turns
turns:
    ee.zero.accx
    ee.zero.q q0
    ee.zero.q q1
    ee.notq q1, q1
    ee.vsubs.s8 q0, q0, q1
    .byte 0x76, 0xa2, 3 + 4 - 1 /* loopgtz a2, to behind the two words; counted from its own end, and one */
    ee.vadds.s8 q1, q0, q1
    ee.vmulas.s8.accx.ld.ip q1, a3, 0, q0, q0
    rur.accx_0 a4
    s32i a4, a3, 0
    ret
    .end no-transform
"""


def build(folder: Path, main: str, assembly: str = "", engine: str = "s3") -> Path:
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    (folder / "main.c").write_text(main)
    (folder / "turns.S").write_text(assembly)
    flags = ["-O2", f"-I{FIRMWARE / 'app'}", f"-I{FIRMWARE / 'kernels' / 's3'}"]
    compile_emulated(engine, [folder / "main.c", folder / "turns.S"], flags, folder / "program.elf")
    return folder / "program.elf"


def run(elf: Path, engine: str = "s3") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(emulator_command(engine, elf), input=b"", capture_output=True, check=False, timeout=60)


def test_a_loop_of_its_words_counts_exactly_and_ends_where_it_should(tmp_path: Path) -> None:
    done = run(build(tmp_path, MAIN, TURNS))
    assert done.returncode == 0, done.stderr
    values = struct.unpack("<10I", done.stdout)
    counts, sums = values[2::2], values[3::2]  # the counter's first call may take longer
    assert sums == (16, 0, 160, 16000)  # ones in all lanes: 16 a turn
    empty = counts[1]
    assert [count - empty for count in counts] == [2, 0, 20, 2000]


def test_a_word_that_no_chip_has_is_a_fault_at_its_place(tmp_path: Path) -> None:
    done = run(
        build(tmp_path, '#include <stdint.h>\nint main(void) { __asm__ volatile(".byte 0, 0, 0"); return 0; }\n')
    )
    assert done.returncode == 70
    assert done.stderr.startswith(b"mcuq: the emulated chip stopped: cause 0x00000000, pc 0x")


def test_other_engines_stop_at_its_words(tmp_path: Path) -> None:
    elf = build(tmp_path, MAIN, TURNS)
    (tmp_path / "xtensa").mkdir()
    flags = ["-O2", f"-I{FIRMWARE / 'app'}", f"-I{FIRMWARE / 'kernels' / 's3'}", "-DMCUQ_S3_EMULATED"]
    words = tmp_path / "xtensa" / "turns.o"
    command = ["xtensa-lx106-elf-gcc", *flags, "-c", str(tmp_path / "turns.S"), "-o", str(words)]
    subprocess.run(command, check=True)
    compile_emulated("xtensa", [tmp_path / "main.c", words], flags[:-1], elf)
    assert run(elf, "xtensa").returncode == 70


def test_the_macros_are_those_of_the_table() -> None:
    import s3_words

    assert s3_words.MACROS.read_text("utf-8") == s3_words.text()


def test_what_has_none_of_its_words_counts_the_same(tmp_path: Path) -> None:
    plain = MAIN.replace("turns(times[i], sums)", "sums[0] = 0; for (volatile int32_t k = 0; k < times[i]; k++) {}")
    counted = {}
    for name in ("xtensa", "s3"):
        (tmp_path / name).mkdir()
        counted[name] = run(build(tmp_path / name, plain, engine=name), name).stdout
    assert counted["xtensa"] == counted["s3"] != b""
