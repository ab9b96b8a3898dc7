"""A linked firmware: what its sections take of each memory, and what a model's own symbols take.

Section names are those of ESP-IDF's linker scripts (which Arduino uses too) and of the emulated chips'.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mcuq.errors import UsageError
from mcuq.fit import footprint
from mcuq.plan import Plan
from mcuq.reading import gate, require_regular
from mcuq.resources import resource
from mcuq.target.chip import Chip

MACHINES = {"EM_XTENSA": "Xtensa", "EM_RISCV": "RISC-V"}
STATIC = re.compile(r"\.(dram0|noinit|s?data|s?bss)(?!.*(dummy|heap_start))")
HIGH = re.compile(r"\.dram1(?!.*(dummy|heap_start))")
IRAM = re.compile(r"\.iram\d")
CODE = re.compile(r"\.(flash\.)?text")
SPILL = ".dram0.dummy"  # stands for code in IRAM where that takes room from static data


@dataclass(frozen=True)
class Section:
    """A section that takes memory; ``stored`` says that its content is in the image."""

    name: str
    bytes: int
    stored: bool


@dataclass(frozen=True)
class Symbol:
    """A function or an object; ``file`` is the C file's name if it is static, else empty."""

    name: str
    file: str
    is_function: bool
    bytes: int


@dataclass(frozen=True)
class Linked:
    """The sections and symbols of an ELF file."""

    path: Path
    machine: str
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

    def require(self, chip: Chip) -> Linked:
        """Return the same if it is for the chip's kind of processor.

        Raises:
            UsageError: it is not.
        """
        wanted = "Xtensa" if chip.isa == "xtensa" else "RISC-V"
        if self.machine != wanted:
            raise UsageError(f"{self.path}: is for {self.machine}, {chip.name} is {wanted}")
        return self

    @property
    def static_ram(self) -> int:
        """Static data: initialized, zeroed or neither."""
        return self._sum(lambda s: bool(STATIC.match(s.name)))

    @property
    def static_ram_high(self) -> int:
        """Static data in the second segment of a chip that has one."""
        return self._sum(lambda s: bool(HIGH.match(s.name)))

    @property
    def iram(self) -> int:
        """Code and data in IRAM."""
        return self._sum(lambda s: bool(IRAM.match(s.name)))

    def iram_spill(self, apart: int) -> int:
        """Return what code in IRAM takes of the memory of static data, where they share it.

        Args:
            apart: the first bytes of IRAM that cost static data nothing.
        """
        return self._sum(lambda s: s.name == SPILL) or max(0, self.iram - apart)

    @property
    def image(self) -> int:
        """Everything stored in flash as the application; the image's headers and padding come on top."""
        return self._sum(lambda s: s.stored)

    @property
    def mapped_constants(self) -> int:
        """Constant data that the chip maps from flash."""
        ram = (STATIC, HIGH, IRAM, CODE, re.compile(r"\.(rtc|lp|tcm)"))
        return self._sum(lambda s: s.stored and not any(kind.match(s.name) for kind in ram))

    @property
    def mapped_code(self) -> int:
        """Code that the chip maps from flash."""
        return self._sum(lambda s: s.stored and bool(CODE.match(s.name)))

    def constants(self, plan: Plan) -> int:
        """Return the bytes of a model's tables and parameters.

        Raises:
            UsageError: they are not those of this model.
        """
        found = self._model_objects(plan)
        for name, size in footprint.constant_objects(plan).items():
            if found.get(name) != size:
                what = f"has {found[name]} bytes" if name in found else "is not there"
                raise UsageError(
                    f"{self.path}: {name} of {plan.graph.name} {what}, the project's has {size}: build the firmware "
                    "again from this project"
                )
        return sum(found[name] for name in footprint.constant_objects(plan))

    def arena(self, plan: Plan) -> int:
        """Return the bytes of a model's static arena; 0 if it has none."""
        return sum(
            size for name, size in self._model_objects(plan).items() if re.fullmatch(r"(own_)?arena(\.\d+)?", name)
        )

    @property
    def shared_arena(self) -> int:
        """Bytes of the static arena that models share; 0 if there is none."""
        return sum(symbol.bytes for symbol in self.symbols if symbol.name == "mcuq_shared_arena")

    def code(self, plan: Plan, isa: str) -> int:
        """Return the bytes of the functions that run a model: kernels, calls, the application in lib/mcuq."""
        name, kernels = plan.graph.name, [f"mcuq_{kernel}" for kernel in footprint.kernel_files(plan, isa)]
        application = [path.name for path in (resource("firmware") / "app").glob("*.c") if "_port_" not in path.name]
        files = {f"{name}.c", f"{name}_model.c", *application, *(f"{kernel}.c" for kernel in kernels)}
        shared = {f"{name}_run", f"{name}_run_in", *kernels, *footprint.measured(isa).application.functions}
        return sum(
            s.bytes for s in self.symbols if s.is_function and (s.file in files or (not s.file and s.name in shared))
        )

    def _model_objects(self, plan: Plan) -> Mapping[str, int]:
        file = f"{plan.graph.name}.c"
        found = {s.name: s.bytes for s in self.symbols if s.file == file and not s.is_function}
        if not found:
            raise UsageError(
                f"{self.path}: holds no symbols of {file}: the firmware does not call {plan.graph.name}_run, "
                "is stripped, or was linked with -flto"
            )
        return found

    def _sum(self, counts: Callable[[Section], bool]) -> int:
        return sum(section.bytes for section in self.sections if counts(section))


def read_elf(path: Path) -> Linked:
    """Read a linked firmware.

    Raises:
        UsageError: it cannot be read, is no ELF file for a chip of the family, or has no symbols.
    """
    from elftools.elf.elffile import ELFFile

    require_regular(path)
    with gate(path, "an ELF file", UsageError), path.open("rb") as file:
        elf = ELFFile(file)
        machine = MACHINES.get(elf["e_machine"], str(elf["e_machine"]).removeprefix("EM_"))
        if elf.elfclass != 32 or machine not in MACHINES.values() or elf["e_type"] != "ET_EXEC":
            raise UsageError(f"is no linked firmware of an ESP32-family chip ({machine}, {elf['e_type']})")
        table = elf.get_section_by_name(".symtab")
        if table is None:
            raise UsageError("has no symbols (stripped); use the firmware.elf that the build leaves")
        return Linked(path, machine, tuple(_sections(elf)), tuple(_symbols(table)))


def _sections(elf: object) -> Iterator[Section]:
    for section in elf.iter_sections():  # type: ignore[attr-defined]
        if section["sh_flags"] & 2 and section["sh_size"]:  # SHF_ALLOC
            yield Section(section.name, section["sh_size"], section["sh_type"] != "SHT_NOBITS")


def _symbols(table: object) -> Iterator[Symbol]:
    """Yield functions and objects; static ones follow the symbol of their file."""
    file = ""
    for symbol in table.iter_symbols():  # type: ignore[attr-defined]
        kind, is_local = symbol["st_info"]["type"], symbol["st_info"]["bind"] == "STB_LOCAL"
        if kind == "STT_FILE":
            file = symbol.name.replace("\\", "/").rsplit("/", 1)[-1]
        elif kind in {"STT_FUNC", "STT_OBJECT"} and symbol["st_size"]:
            yield Symbol(symbol.name, file if is_local else "", kind == "STT_FUNC", symbol["st_size"])
