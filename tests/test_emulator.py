"""The emulated chips themselves: the serial line, the stack mark, faults and counting."""

import random
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest
from requirements import require

from mcuq.engines.emulator import ISAS, compile_emulated, emulator_command
from mcuq.errors import ToolMissingError, UsageError
from mcuq.resources import resource

BLOCK = random.Random(1).randbytes(27 * 1024 - 256) + bytes(range(256))

PROLOGUE = """
#include <string.h>
#include "mcuq_port.h"
static void say(const char *text) {
    mcuq_port_write(text, (int32_t)strlen(text));
}
static void say_word(uint32_t value) {
    mcuq_port_write(&value, 4);
}
"""

ECHO = """
int main(void) {
    static uint8_t block[27 * 1024];
    int32_t got = 0;
    say("ready\\n");
    while (got < (int32_t)sizeof block) {
        const int32_t count = mcuq_port_read(block + got, (int32_t)sizeof block - got);
        if (count < 0) {
            return 3;
        }
        got += count;
    }
    mcuq_port_write(block, got);
    return 7;
}
"""

STACK = """
__attribute__((noinline)) static void use(volatile uint8_t *from) {
    volatile uint8_t frame[10000];
    frame[0] = from[0];
    from[0] = frame[0];
}
int main(void) {
    static volatile uint8_t byte;
    say_word(mcuq_port_memory().stack_used);
    use(&byte);
    say_word(mcuq_port_memory().stack_used);
    return 0;
}
"""

# Two instructions per turn on either chip.
COUNT = """
__attribute__((noinline)) static void turn(int32_t times) {
    __asm__ volatile("1: addi %0, %0, -1\\n bnez %0, 1b" : "+r"(times));
}
int main(void) {
    static const int32_t times[] = {1, 1000, 1000, 1001, 2000, 100000};
    for (int32_t i = 0; i < 6; i++) {
        const uint32_t start = mcuq_port_cycles();
        turn(times[i]);
        say_word(mcuq_port_cycles() - start);
    }
    return 0;
}
"""

CLOCK = """
int main(void) {
    uint8_t byte;
    const uint32_t start = mcuq_port_microseconds();
    const int32_t count = mcuq_port_read(&byte, 1);
    say_word((uint32_t)count);
    say_word(mcuq_port_microseconds() - start);
    return 0;
}
"""

FAULTS = {
    "trap": "__builtin_trap();",
    "illegal instruction": '__asm__ volatile(".byte 0, 0, 0, 0");',
    "store where nothing is": "*(volatile int32_t *)0xf0000000u = 1;",
    "stack overflow": "return deeper(1);",
}

FAULT = """
__attribute__((noinline)) static int deeper(volatile int depth) {
    volatile uint8_t frame[200];
    frame[0] = (uint8_t)depth;
    return depth == 0 ? 0 : deeper(depth + 1) + frame[0];
}
int main(void) {
    say("before\\n");
    if (mcuq_port_cycles() == 1) {
        return deeper(0);
    }
    %s
    return 0;
}
"""


@pytest.fixture(params=sorted(ISAS))
def isa(request: pytest.FixtureRequest) -> str:
    require(ISAS[request.param].compiler, ISAS[request.param].emulator[0])
    if request.param == "rv32":
        require("picolibc")
    return str(request.param)


def build(folder: Path, isa: str, program: str) -> Path:
    source = folder / "program.c"
    source.write_text(PROLOGUE + program)
    elf = folder / "program.elf"
    flags = ["-O2", f"-I{resource('firmware') / 'app'}", "-Wno-infinite-recursion", "-Wno-unused-function"]
    compile_emulated(isa, [source], flags, elf)
    return elf


def run(folder: Path, isa: str, program: str) -> subprocess.CompletedProcess[bytes]:
    """Run a program whose standard input stays open and says nothing."""
    command = emulator_command(isa, build(folder, isa, program))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        try:
            process.wait(timeout=30)
        finally:
            process.kill()
        return subprocess.CompletedProcess(command, process.returncode, process.stdout.read(), process.stderr.read())


def test_the_line_changes_and_loses_nothing(tmp_path: Path, isa: str) -> None:
    command = emulator_command(isa, build(tmp_path, isa, ECHO))
    for _ in range(3):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            got, _ = process.communicate(BLOCK, timeout=30)
            assert process.returncode == 7
            assert got == BLOCK


def test_one_byte_at_a_time(tmp_path: Path, isa: str) -> None:
    command = emulator_command(isa, build(tmp_path, isa, ECHO.replace("27 * 1024", "256")))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        for byte in range(256):
            process.stdin.write(bytes([byte]))
            time.sleep(0.001)
        got, _ = process.communicate(timeout=30)
        assert got == bytes(range(256))


def test_a_socket_as_serial_line(tmp_path: Path) -> None:
    require("riscv64-unknown-elf-gcc", "picolibc", "qemu-system-riscv32")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    elf = build(tmp_path, "rv32", ECHO)
    with subprocess.Popen(emulator_command("rv32", elf, f"tcp:localhost:{port},server=on,wait=on")) as process:
        for _ in range(100):
            try:
                line = socket.create_connection(("localhost", port), timeout=30)
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        with line, line.makefile("rb") as received:
            assert received.readline() == b"ready\n"
            line.sendall(BLOCK)
            assert received.read(len(BLOCK)) == BLOCK
        assert process.wait(timeout=30) == 7


def test_xtensa_has_no_other_line(isa: str) -> None:
    if isa == "xtensa":
        with pytest.raises(UsageError, match="no serial port"):
            emulator_command(isa, Path("x.elf"), "tcp:localhost:1")


def test_xtensa_ends_with_its_input(tmp_path: Path) -> None:
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    command = emulator_command("xtensa", build(tmp_path, "xtensa", ECHO))
    done = subprocess.run(command, input=b"too short", capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (3, b"ready\n")


def test_a_read_without_input_returns(tmp_path: Path, isa: str) -> None:
    count, waited = struct.unpack("<iI", run(tmp_path, isa, CLOCK).stdout)
    assert count == 0
    if isa == "rv32":
        assert 10_000 <= waited < 100_000
    else:
        assert 1_000_000 <= waited < 1_100_000  # QEMU cannot wait less (mcuq_port_xtensa.c)


def test_stack_mark(tmp_path: Path, isa: str) -> None:
    before, after = struct.unpack("<II", run(tmp_path, isa, STACK).stdout)
    assert 0 < before < 500
    assert 9_900 <= after - before < 10_100


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told(tmp_path: Path, isa: str, fault: str) -> None:
    done = run(tmp_path, isa, FAULT % FAULTS[fault])
    assert done.stdout == b"before\n"
    assert done.stderr.startswith(b"mcuq: the emulated chip stopped: cause 0x")
    assert b", pc 0x" in done.stderr
    assert done.returncode == 70


def test_division_by_zero_stops_the_xtensa_chip(tmp_path: Path) -> None:
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    done = run(tmp_path, "xtensa", "int main(void) { volatile int zero = 0; return 7 / zero; }")
    assert done.stderr.startswith(b"mcuq: the emulated chip stopped: cause 0x00000040")


# Uncounted code comes in blocks, in which QEMU 7's `mula` misses what `ldinc` loads; one without the fault is as good.
UNCOUNTED = """
void mcuq_check_core(void);
int main(void) {
    __asm__ volatile("wsr %0, 237\\n isync" : : "r"(0)); /* ICOUNTLEVEL */
    mcuq_check_core();
    return 0;
}
"""


def test_an_emulator_whose_mac16_is_wrong_says_so(tmp_path: Path) -> None:
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    elf = build(tmp_path, "xtensa", UNCOUNTED)
    command = emulator_command("xtensa", elf)
    done = subprocess.run(command, input=b"", capture_output=True, timeout=30, check=False)
    assert done.returncode == (1 if b"mula does not see what ldinc loads" in done.stderr else 0)
    right = subprocess.run([*command, "-singlestep"], input=b"", capture_output=True, timeout=30, check=False)
    assert (right.returncode, right.stderr) == (0, b"")
    assert done.returncode == 1 or not _is_qemu_7()


def _is_qemu_7() -> bool:
    said = subprocess.run(["qemu-system-xtensa", "--version"], capture_output=True, text=True, check=True).stdout
    return " version 7." in said


def test_instructions_are_counted_exactly(tmp_path: Path, isa: str) -> None:
    first, second = run(tmp_path, isa, COUNT).stdout, run(tmp_path, isa, COUNT).stdout
    assert first == second
    counts = struct.unpack("<6I", first)[1:]  # the first call of the counter may take longer
    assert 2000 <= counts[0] < 2050
    assert [count - counts[0] for count in counts] == [0, 0, 2, 2000, 198_000]


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for isa, chip in ISAS.items():
        with pytest.raises(ToolMissingError, match=f"{chip.compiler} not found.*apt-get install"):
            compile_emulated(isa, [], [], tmp_path / "x.elf")
        with pytest.raises(ToolMissingError, match=f"{chip.emulator[0]} not found.*qemu-system-misc"):
            emulator_command(isa, tmp_path / "x.elf")
