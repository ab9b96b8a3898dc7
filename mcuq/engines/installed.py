"""What of extras, compilers, emulators and tools is on this computer, what it is for, and how to get the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from mcuq.engines.emulator import ISAS, Isa
from mcuq.engines.host import compiler
from mcuq.errors import ToolMissingError
from mcuq.processes.folders import temporary_folder

SECONDS = 20  # that a tool may take to say its version

EXTRAS = {  # extra: its packages as they are imported, and what they are for
    "onnx": (("onnx",), "ONNX files"),
    "torch": (("torch", "onnx", "onnxscript"), "PyTorch: modules, .pt2 files, mcuq.qat"),
    "keras": (("tensorflow",), "Keras and TensorFlow: models, .keras and .h5 files, SavedModel folders"),
    "keras2": (("tensorflow", "tf_keras"), "files of Keras 2 that Keras 3 does not read"),
    "search": (("joblib", "threadpoolctl"), "mcuq search"),
    "dask": (("joblib", "threadpoolctl", "distributed"), "mcuq search --dask"),
    "solver": (("ortools",), "the smallest arena, where the planner's is not proven to be"),
}


@dataclass(frozen=True)
class Tool:
    """Something that mcuq can do without.

    Attributes:
        name: of the extra or program.
        kind: of it.
        found: its version, or where it is; empty: it is not there.
        serves: what works with it.
        install: the line that installs it.
    """

    name: str
    kind: str
    found: str
    serves: str
    install: str

    @property
    def present(self) -> bool:
        """Whether it is there."""
        return bool(self.found)


def installed() -> Iterator[Tool]:
    """Look at this computer; nothing is imported, compilers are tried on an empty program."""
    for extra, (packages, serves) in EXTRAS.items():
        yield Tool(extra, "extra", _versions(packages), serves, f'pip install "mcuq[{extra}]"')
    yield _host()
    yield from _emulated()
    found = _versions(("platformio",)) or (_version("pio", "--version") if shutil.which("pio") else "")
    yield Tool("platformio", "build system", found, "pio run: building and flashing", "pip install platformio")


def _emulated() -> Iterator[Tool]:
    """Compilers and emulators of the emulated chips, of which some share theirs."""
    for isa in ISAS.values():
        alike = [other.name for other in ISAS.values() if other.compiler == isa.compiler]
        if alike[0] == isa.name:
            serves = f"--engine {', '.join(alike)}"
            yield Tool(isa.compiler, "compiler", _compiles(isa), serves, isa.install)
            emulator = isa.emulator[0]
            yield Tool(emulator, "emulator", _version(emulator, "--version"), serves, isa.install)


def _versions(packages: tuple[str, ...]) -> str:
    """Return the versions of packages; empty if one of them is missing."""
    found = []
    for package in packages:
        try:
            if importlib.util.find_spec(package) is None:
                return ""
            found.append(f"{package} {importlib.metadata.version(package)}")
        except (ImportError, ValueError, importlib.metadata.PackageNotFoundError):
            found.append(package)
    return ", ".join(found)


def _host() -> Tool:
    install = "xcode-select --install" if sys.platform == "darwin" else "apt-get install gcc libc6-dev"
    serves = "mcuq verify, simulate --engine host"
    try:
        name = compiler()
    except ToolMissingError:
        return Tool("C compiler", "compiler", "", serves, install)
    return Tool(name, "compiler", _version(name, "--version") if _links(name) else "", serves, install)


def _compiles(isa: Isa) -> str:
    """Return the compiler's version if it makes objects with its C library's headers."""
    return _version(isa.compiler, "--version") if _links(isa.compiler, *isa.flags, "-c") else ""


def _links(program: str, *flags: str) -> bool:
    if shutil.which(program) is None:
        return False
    with temporary_folder() as folder:
        source = folder / "empty.c"
        source.write_text("#include <stdint.h>\n#include <string.h>\nint main(void) { return 0; }\n", "utf-8")
        return _ran(program, *flags, str(source), "-o", str(folder / "empty")) is not None


def _version(program: str, flag: str) -> str:
    """Return the first line that a program says of itself; empty if it is not there, or does not run."""
    said = _ran(program, flag) if shutil.which(program) else None
    return (said.splitlines() or [program])[0][:80] if said is not None else ""


def _ran(*command: str) -> str | None:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=SECONDS, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
