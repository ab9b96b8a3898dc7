"""Optional parts of the test set-up: a test that needs one is skipped without it.

With ``MCUQ_REQUIRE_ALL=1`` (continuous integration) a missing part is a failure. Run as a script, this
prints what is missing and how to install it.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest


@dataclass(frozen=True)
class Part:
    """Something the tests can do without."""

    present: Callable[[], bool]
    install: str


def _tool(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def _module(name: str) -> Callable[[], bool]:
    return lambda: importlib.util.find_spec(name) is not None


def _links(*compiler: str) -> Callable[[], bool]:
    """Whether this compiler command links a program; tried once."""

    @cache
    def present() -> bool:
        if shutil.which(compiler[0]) is None:
            return False
        with tempfile.TemporaryDirectory() as folder:
            command = [*compiler, "-xc", "-", "-o", str(Path(folder, "program"))]
            program = "int main(void) { return 0; }\n"
            return subprocess.run(command, input=program, text=True, capture_output=True, check=False).returncode == 0

    return present


ESPHOME = Path(__file__).parents[1] / "build/esphome/bin"  # an environment of its own: it pins what it needs
SANITIZE = "-fsanitize=address,undefined"
PICOLIBC = ("riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs")

PARTS = {
    "gcc": Part(_tool("gcc"), "apt-get install gcc libc6-dev"),
    "gcc sanitizers": Part(_links("gcc", SANITIZE), "apt-get install gcc libc6-dev"),
    "clang": Part(_tool("clang"), "apt-get install clang"),
    "clang sanitizers": Part(_links("clang", SANITIZE), "apt-get install clang libclang-rt-14-dev"),
    "clang-format": Part(_tool("clang-format"), "apt-get install clang-format"),
    "riscv64-unknown-elf-gcc": Part(_tool("riscv64-unknown-elf-gcc"), "apt-get install gcc-riscv64-unknown-elf"),
    "picolibc": Part(_links(*PICOLIBC), "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"),
    "xtensa-lx106-elf-gcc": Part(_tool("xtensa-lx106-elf-gcc"), "apt-get install gcc-xtensa-lx106"),
    "qemu-system-riscv32": Part(_tool("qemu-system-riscv32"), "apt-get install qemu-system-misc"),
    "qemu-system-xtensa": Part(_tool("qemu-system-xtensa"), "apt-get install qemu-system-misc"),
    "git": Part(_tool("git"), "apt-get install git"),
    "chromium": Part(_tool("chromium"), "apt-get install chromium"),
    **{name: Part(_tool(name), f"apt-get install {name}") for name in ("zsh", "fish")},
    "cmake": Part(_tool("cmake"), "apt-get install cmake"),
    "g++": Part(_tool("g++"), "apt-get install g++"),
    **{name: Part(_tool(name), f"apt-get install {name}") for name in ("gcc-11", "g++-11", "clang-19")},
    "platformio": Part(_module("platformio"), "pip install platformio==6.2.* scons==4.11.1"),
    "esphome": Part((ESPHOME / "esphome").is_file, "make esphome (350 MB)"),
    "tflite_micro": Part(_module("tflite_micro"), "pip install tflite-micro (the oracle; Linux on x86-64)"),
    **{
        name: Part(_module(name), "make frameworks (3 GB)")
        for name in ("torch", "torchao", "tensorflow", "tf_keras", "onnx", "onnxscript", "onnxruntime", "ortools")
    },
    **{name: Part(_module(name), 'pip install "mcuq[search]"') for name in ("joblib", "threadpoolctl")},
    "sklearn": Part(_module("sklearn"), "pip install scikit-learn (data, and accuracy to compare with)"),
    "distributed": Part(_module("distributed"), 'pip install "mcuq[dask]"'),
    "ai_edge_litert": Part(_module("ai_edge_litert"), "pip install ai-edge-litert (writes TFLite test models)"),
}


def all_required() -> bool:
    """Whether a missing optional part is a failure."""
    return os.environ.get("MCUQ_REQUIRE_ALL") == "1"


def absent(name: str, install: str) -> None:
    """Skip the test or the test file that needs this part; fail it where every part is required."""
    message = f"{name} is missing: {install}"
    if all_required():
        pytest.fail(f"{message} (MCUQ_REQUIRE_ALL=1)", pytrace=False)
    pytest.skip(message, allow_module_level=True)


def require(*names: str) -> None:
    """Require parts listed in ``PARTS``."""
    for name in names:
        if not PARTS[name].present():
            absent(name, PARTS[name].install)


def require_tool(name: str, install: str = "") -> str:
    """Return the path of a program; ``install`` says how to get one that ``PARTS`` does not list."""
    path = shutil.which(name)
    if path is None:
        absent(name, install or PARTS[name].install)
    return str(path)


def require_module(name: str, install: str = "") -> ModuleType:
    """Return a module; ``install`` says how to get one whose package ``PARTS`` does not list."""
    try:
        return importlib.import_module(name)
    except ImportError:
        absent(name, install or PARTS[name.partition(".")[0]].install)
        raise


def main() -> int:
    """Print the missing parts; 1 if any is missing and all are required."""
    missing = {name: part for name, part in PARTS.items() if not part.present()}
    for name, part in missing.items():
        print(f"optional, missing: {name}; its tests are skipped. To have it: {part.install}")
    return int(bool(missing) and all_required())


if __name__ == "__main__":
    sys.exit(main())
