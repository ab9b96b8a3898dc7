"""Build an emitted project for an emulated chip, and QEMU's command line for it (contract N4)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mcuq.engines.sources import compile_and_link, library_folders, library_sources
from mcuq.errors import ToolMissingError, UsageError
from mcuq.resources import resource

FLAGS = ("-O2",)
WARNINGS = ("-Wall", "-Wextra")
SECTIONS = ("-ffunction-sections", "-fdata-sections")
LINK = ("-nostartfiles", "-Wl,--gc-sections")

QUIET_QEMU = ("-display", "none", "-monitor", "none")


@dataclass(frozen=True)
class Isa:
    """An emulated chip: its files are in the ``folders`` of ``firmware/emulator``, the linker script in the first."""

    name: str
    folders: tuple[str, ...]
    chip: str
    compiler: str
    flags: tuple[str, ...]
    libraries: tuple[str, ...]
    emulator: tuple[str, ...]
    install: str

    def files(self, *suffixes: str) -> list[Path]:
        """Start-up code, linker script, port layer, and what else stands for the chip."""
        folders = [resource("firmware") / "emulator" / name for name in self.folders]
        return [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in suffixes]


# With -icount every instruction takes the same emulated time, so that counts are exact and repeatable. The xtensa chip
# counts with a register of its own, ICOUNT. Counting also makes QEMU 7.2 right: it keeps MAC16's m0 to m3 twice, and in
# a block of several instructions `mula` reads what was there before `ldinc`; counted, every instruction is a block.
_RV32 = Isa(
    name="rv32",
    folders=("rv32",),
    chip="rv32imc (emulated)",
    compiler="riscv64-unknown-elf-gcc",
    flags=("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
    libraries=(),
    emulator=(
        *("qemu-system-riscv32", "-M", "virt", "-bios", "none", "-icount", "shift=0", *QUIET_QEMU),
        *("-semihosting-config", "enable=on,target=native"),
    ),
    install="apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc",
)
_XTENSA = Isa(
    name="xtensa",
    folders=("xtensa",),
    chip="xtensa (emulated)",
    compiler="xtensa-lx106-elf-gcc",
    flags=(
        *("-nostdlib", "-isystem", str(resource("firmware") / "emulator" / "xtensa" / "include")),
        "-mtext-section-literals",  # beside their code, as start.S needs them
        "-DMCUQ_MAC16_EMULATED",  # mcuq_mac16_isa.h
    ),
    libraries=("-lgcc",),
    emulator=(
        *("qemu-system-xtensa", "-M", "sim", "-cpu", "dc233c", "-icount", "shift=8", *QUIET_QEMU),
        *("-semihosting", "-serial", "none"),
    ),
    install="apt-get install gcc-xtensa-lx106 qemu-system-misc",
)
_S3 = replace(
    _XTENSA,
    name="s3",
    folders=("xtensa", "s3"),
    chip="esp32s3 (emulated)",
    flags=(*_XTENSA.flags, "-DMCUQ_S3_EMULATED"),  # mcuq_s3_asm.h
)
ISAS = {isa.name: isa for isa in (_RV32, _XTENSA, _S3)}


def build_emulated(project: Path, models: Sequence[str], isa: str, folder: Path, flags: Sequence[str] = FLAGS) -> Path:
    """Compile a project's models and the application that serves them for an emulated chip.

    Args:
        project: folder that holds ``lib/mcuq`` and ``lib/<model>``.
        models: their names; a model's index in the protocol is its position here.
        isa: a key of ``ISAS``.
        folder: where the ELF file and what it is made of go; it must exist.
        flags: compiler flags.

    Returns:
        the ELF file.

    Raises:
        UsageError: when the folder is not such a project.
        ToolMissingError: without the compiler.
        McuqError: when the C does not compile; the compiler's first lines are in the message.
    """
    folders = library_folders(project, models)
    addresses = ", ".join(f"&{model}_model" for model in models)
    headers = "".join(f'#include "{model}.h"\n' for model in models)
    (folder / "mcuq_models.h").write_text(f"{headers}#define MCUQ_MODELS {addresses}\n")
    sources = [*library_sources(folders, (".c", ".S")), resource("firmware") / "emulator" / "mcuq_main.c"]
    elf = folder / f"{isa}.elf"
    compile_emulated(isa, sources, [*flags, *(f"-I{path}" for path in (folder, *folders))], elf)
    return elf


def compile_emulated(isa: str, sources: Sequence[Path], flags: Sequence[str], elf: Path) -> None:
    """Compile a program for an emulated chip, together with the chip's start-up and port layer.

    Args:
        isa: a key of ``ISAS``.
        sources: C files with a ``main`` that reaches the serial line through ``mcuq_port.h``.
        flags: compiler flags, among them where ``mcuq_port.h`` is.
        elf: the file to write.

    Raises:
        ToolMissingError: without the compiler.
        McuqError: when the C does not compile; the compiler's first lines are in the message.
    """
    chip = ISAS[isa]
    _require(chip, chip.compiler)
    shared = resource("firmware") / "emulator"
    defines = ["-DMCUQ_TRACE", f'-DMCUQ_CHIP="{chip.chip}"', f"-I{shared}"]
    compile_and_link(
        chip.compiler,
        [*chip.flags, "-std=c99", *WARNINGS, *SECTIONS, *defines, *flags],
        [*sources, *(shared / f"mcuq_{part}.c" for part in ("arena", "fault", "stack")), *chip.files(".c", ".S")],
        elf,
        [*LINK, "-T", *map(str, chip.files(".ld")), *chip.libraries],
    )


def emulator_command(isa: str, elf: Path, serial: str | None = None) -> list[str]:
    """Return the command that runs a program; without ``serial`` its standard input and output are the serial line.

    What is sent before the chip has started may be lost, as on a board. What the chip says of a fault goes to standard
    error, and its exit status is then 70. An rv32 chip runs until it is killed; the others end, with status 0, when
    their standard input does.

    Args:
        isa: a key of ``ISAS``.
        elf: the program.
        serial: for rv32, QEMU's name of another serial line; with ``tcp:localhost:PORT,server=on,wait=off`` pyserial
            opens it as ``socket://localhost:PORT``.

    Raises:
        ToolMissingError: without the emulator.
        UsageError: only rv32 has another serial line.
    """
    chip = ISAS[isa]
    _require(chip, chip.emulator[0])
    if "xtensa" in chip.folders:
        if serial:
            raise UsageError(f"the emulated {isa} chip has no serial port but its standard input and output; use rv32")
        return [*chip.emulator, "-kernel", str(elf)]
    # signal=off: the byte 3 is data, not Ctrl-C. A plain `-serial stdio` under -nographic would also take 1 (Ctrl-A).
    line = ["-serial", serial] if serial else ["-chardev", "stdio,id=line,signal=off", "-serial", "chardev:line"]
    return [*chip.emulator, *line, "-kernel", str(elf)]


def _require(isa: Isa, tool: str) -> None:
    if shutil.which(tool) is None:
        raise ToolMissingError(f"{tool} not found, needed for the emulated {isa.name} chip: {isa.install}")
