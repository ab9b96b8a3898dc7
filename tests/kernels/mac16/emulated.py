"""Programs with the MAC16 assembly, run by QEMU on a core that has this unit."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness import HERE, INCLUDE, Case, _compare, _program, _stdin, kernel_files
from requirements import require

from mcuq.emit.library import kernel_folders
from mcuq.engines.emulator import compile_emulated, emulator_command
from mcuq.resources import resource

MAC16 = resource("firmware") / "kernels" / "mac16"

# An error of the assembly: file, what stands there, what is wrong instead.
Mistake = tuple[str, str, str]


def run_emulated(sources: Sequence[Path], flags: Sequence[str], stdin: bytes = b"") -> bytes:
    """Compile files, run them, return what they write."""
    require("xtensa-lx106-elf-gcc", "qemu-system-xtensa")
    with tempfile.TemporaryDirectory() as folder:
        elf = Path(folder, "program.elf")
        include = [*INCLUDE, *(f"-I{path}" for path in (HERE, resource("firmware") / "app"))]
        compile_emulated("xtensa", sources, ["-O2", *flags, *include], elf)
        ran = subprocess.run(
            emulator_command("xtensa", elf), input=stdin, capture_output=True, check=False, timeout=600
        )
    assert ran.returncode == 0, f"exit {ran.returncode} after {len(ran.stdout)} bytes: {ran.stderr.decode()[-2000:]}"
    return ran.stdout


def mac16_sources(kernels: Iterable[str], folder: Path = MAC16) -> list[Path]:
    """Kernels of an ESP32, their cores' assembly and what is C there; ``folder`` stands for that of the family."""
    folders = [folder, *(path for path in kernel_folders() if path != MAC16)]
    return kernel_files(kernels, (".c", ".S"), folders)


def assert_assembly_equals_run(cases: Sequence[Case], mistake: Mistake | None = None, as_esp32: bool = False) -> None:
    """Run all cases on the emulated core, compare every byte; guards lie around output and workspace.

    Args:
        cases: kernels of an ESP32, or portable ones.
        mistake: planted in a copy of the kernels.
        as_esp32: assemble what an ESP32 gets; see :func:`esp32_sources`.
    """
    expected = [case.expected for case in cases]
    with tempfile.TemporaryDirectory() as name:
        folder, source, flags = Path(name), Path(name, "cases.c"), []
        source.write_text(_program(cases, expected, driver="emulated_driver.h"))
        kernels = with_mistake(folder, *mistake) if mistake else MAC16
        files = mac16_sources({case.params.kernel for case in cases}, kernels)
        if as_esp32:
            files, flags = esp32_sources(files, folder), ["-UMCUQ_MAC16_EMULATED", f"-I{folder}"]
        output = run_emulated([source, *files], flags, _stdin(cases))
    _compare(cases, expected, output)


def esp32_sources(files: Sequence[Path], folder: Path) -> list[Path]:
    """Wrap assembly so that the lines for an ESP32 are used: its mnemonics, its windowed calls; mulsh is a call.

    Args:
        files: kernels and cores.
        folder: where to write what an ESP32's headers say of it, and the wrappers.
    """
    (folder / "xtensa" / "config").mkdir(parents=True)
    has = "".join(f"#define XCHAL_HAVE_{part} 1\n" for part in ("MAC16", "LOOPS", "MUL32_HIGH", "MINMAX", "CLAMPS"))
    (folder / "xtensa" / "config" / "core-isa.h").write_text(has)
    wrapped, functions = [], []
    for file in files:
        names = re.findall(r"^ *function +(\w+),", file.read_text(), re.MULTILINE) if file.suffix == ".S" else []
        functions += names
        renamed = "".join(f"#define {name} esp32_{name}\n" for name in names)
        around = (
            f'#include "xtensa_esp32.h"\n{renamed}    .begin no-transform\n#include "{file}"\n    .end no-transform\n'
        )
        if file.suffix == ".S":
            (folder / f"esp32_{file.name}").write_text(around)
            wrapped.append(folder / f"esp32_{file.name}")
    (folder / "xtensa_functions.h").write_text("".join(f"    windowed {name}\n" for name in functions))
    return [*(file for file in files if file.suffix == ".c"), *wrapped, HERE / "xtensa_esp32.S"]


def with_mistake(folder: Path, file: str, right: str, wrong: str) -> Path:
    """Return a copy of the family's folder in which ``right``, which must stand there once, is ``wrong``."""
    copy = folder / "kernels"
    shutil.copytree(MAC16, copy)
    text = (copy / file).read_text()
    assert text.count(right) == 1, f"{file} has changed: plant the mistake anew"
    (copy / file).write_text(text.replace(right, wrong))
    return copy
