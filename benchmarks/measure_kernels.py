"""Measure code and stack of every kernel per instruction set; write boards/kernels.json.

    python benchmarks/measure_kernels.py          write the table
    python benchmarks/measure_kernels.py --check  exit 1 if the table is stale

Code is .text + .literal + .rodata of the object file. Stack is the sum of the frames (-fstack-usage) of all functions
in the kernel's file: no chain of calls within it is deeper. The same is measured for the device application
(firmware/app without its ports, tracing compiled in) and for a function shaped like a generated `_run_in`, of which
two lengths give the cost of a step. Not in these numbers: library helpers (division, memcpy) and the framework's own
stack under the serial port.

An instruction set whose compiler is not installed keeps its entries; a line says how to install it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
KERNELS, APP = ROOT / "firmware" / "kernels", ROOT / "firmware" / "app"
TABLE = ROOT / "boards" / "kernels.json"
LIBC_HEADERS = "/usr/lib/picolibc/riscv64-unknown-elf/include"
COMMON = ("-O2", "-std=c99", "-ffunction-sections", "-fstack-usage")
COUNTED = (".text", ".literal", ".rodata", ".srodata")
SHORT, LONG = 8, 40  # steps of the two functions that are compared

UNARY = "    mcuq_conv2d_s8(&c[{i}], arena + {x}, arena + {y}, NULL);\n"
BINARY = "    mcuq_add_s8(&a[{i}], arena + {x}, arena + {z}, arena + {y}, NULL);\n"
AFTER = "    MCUQ_AFTER_STEP({i}, arena + {y}, 16);\n"
RUN = """#include <stddef.h>
#include "mcuq.h"
#include "mcuq_add_s8.h"
#include "mcuq_conv2d_s8.h"
extern const mcuq_add_s8_params a[{steps}];
extern const mcuq_conv2d_s8_params c[{steps}];
void model_run_in(void *arena_bytes, const int8_t *input, int8_t *output) {{
    int8_t *const arena = arena_bytes;
    mcuq_conv2d_s8(&c[0], input, arena, NULL);
{calls}    mcuq_conv2d_s8(&c[1], arena, output, NULL);
}}
void model_run(const int8_t *input, int8_t *output) {{
    static int8_t arena[4096];
    model_run_in(arena, input, output);
}}
void run(const void *const *inputs, void *const *outputs) {{
    model_run(inputs[0], outputs[0]);
}}
"""


class Compiler(NamedTuple):
    """A cross compiler that stands for one instruction set; ``note`` says how well."""

    prefix: str
    flags: tuple[str, ...]
    install: str
    note: str

    @property
    def is_installed(self) -> bool:
        return shutil.which(f"{self.prefix}gcc") is not None and Path(LIBC_HEADERS).is_dir()

    @property
    def source(self) -> str:
        """What the numbers were measured with."""
        version = _output([f"{self.prefix}gcc", "-dumpfullversion"]).strip()
        shown = [f for f in (*self.flags, *COMMON) if not f.startswith(("-idirafter", "--specs"))]
        return f"{self.prefix}gcc {version} {' '.join(shown)}, benchmarks/measure_kernels.py{self.note}"


COMPILERS = {
    "rv32imc": Compiler(
        "riscv64-unknown-elf-",
        ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"),
        "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
        "",
    ),
    "xtensa": Compiler(
        "xtensa-lx106-elf-",
        ("-mlongcalls", f"-idirafter{LIBC_HEADERS}"),
        "apt-get install gcc-xtensa-lx106 picolibc-riscv64-unknown-elf",
        "; a stand-in for the ESP32, S2 and S3 compilers: no windowed registers, no multiply-high, no min/max",
    ),
}


def measure(compiler: Compiler) -> dict[str, Any]:
    """Return one instruction set's entry of the table."""
    kernels = {f.stem.removeprefix("mcuq_"): _measured(compiler, f) for f in sorted(KERNELS.glob("mcuq_*.c"))}
    with tempfile.TemporaryDirectory() as folder:
        short, long = (_measured(compiler, _run_source(Path(folder), steps)) for steps in (SHORT, LONG))
    step = -(-(long["code"] - short["code"]) // (LONG - SHORT))
    return {
        "source": compiler.source,
        "kernels": kernels,
        "run": {"code": short["code"] - SHORT * step, "stack": long["stack"]},
        "step": {"code": step},
        "application": _application(compiler),
    }


def _application(compiler: Compiler) -> dict[str, int]:
    """Return the sums over the application's files, ports apart."""
    files = [_measured(compiler, path) for path in sorted(APP.glob("mcuq_*.c")) if "_port_" not in path.name]
    return {what: sum(measured[what] for measured in files) for what in ("code", "stack")}


def _run_source(folder: Path, steps: int) -> Path:
    """Write a function like a generated model's: many places in the arena, every third step of two inputs."""
    calls = [
        ((BINARY if i % 3 == 2 else UNARY) + AFTER).format(
            i=i, x=384 * (i % 5), y=400 * (i % 7) + 2048, z=272 * (i % 3)
        )
        for i in range(steps)
    ]
    path = folder / f"run_{steps}.c"
    path.write_text(RUN.format(steps=steps, calls="".join(calls)))
    return path


def _measured(compiler: Compiler, source: Path) -> dict[str, int]:
    """Compile one file; return its code and the sum of its stack frames, in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder, "file.o")
        include = ["-DMCUQ_TRACE", f"-I{KERNELS}", f"-I{APP}"]
        _output([f"{compiler.prefix}gcc", *compiler.flags, *COMMON, *include, "-c", str(source), "-o", str(compiled)])
        sections = _output([f"{compiler.prefix}size", "-A", str(compiled)]).splitlines()
        frames = compiled.with_suffix(".su").read_text().splitlines()
    code = sum(int(line.split()[1]) for line in sections if line.startswith(COUNTED))
    if any(not frame.endswith("static") for frame in frames):
        raise SystemExit(f"{source}: a stack frame whose size is not fixed")
    return {"code": code, "stack": sum(int(frame.split("\t")[1]) for frame in frames)}


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def main() -> int:
    """Write or check the table; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the table is stale")
    arguments = parser.parse_args()
    old: dict[str, Any] = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    new = dict(old)
    for isa, compiler in COMPILERS.items():
        if compiler.is_installed:
            new[isa] = measure(compiler)
        else:
            print(f"{isa}: skipped, no compiler; {compiler.install}", file=sys.stderr)
    if not arguments.check:
        TABLE.write_text(json.dumps(new, indent=2, sort_keys=True) + "\n")
        return 0
    return int(sum(_is_stale(isa, old.get(isa, {}), entry) for isa, entry in new.items()) > 0)


def _is_stale(isa: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether an entry differs although the compiler is the same; another compiler's bytes cannot be compared."""
    if old and old["source"] != new["source"]:
        print(f"{isa}: not compared, measured with {old['source']}; here is {new['source']}", file=sys.stderr)
        return False
    if old != new:
        print(f"{isa}: {TABLE.name} is stale; run python benchmarks/measure_kernels.py", file=sys.stderr)
    return old != new


if __name__ == "__main__":
    sys.exit(main())
