"""Measure code and stack of every kernel per instruction set; write boards/kernels.json.

    python benchmarks/measure_kernels.py          write the table
    python benchmarks/measure_kernels.py --check  exit 1 if the table is stale

Code is .text after a link of nothing but the files in question, because linkers shorten calls; constants are .rodata
(texts, jump tables). Stack is the deepest chain of calls through the frames that GCC reports (-fcallgraph-info=su).
Three things are measured:

- every kernel by itself;
- functions shaped like a generated `_run_in`: two lengths give the code of a step, and the frame is listed by how many
  buffers are in use at a time, for their addresses stay in saved registers;
- the device application with the emulated chip's main function and port (firmware/app, tracing compiled in).

Not in these numbers: library helpers (division, memcpy) and the framework's own stack under its serial port.

An instruction set whose compiler is not installed keeps its entries; a line says how to install it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

import call_graph
from call_graph import CallGraph

ROOT = Path(__file__).resolve().parents[1]
KERNELS = sorted(path for path in (ROOT / "firmware" / "kernels").iterdir() if path.is_dir())
APP, EMULATOR = ROOT / "firmware" / "app", ROOT / "firmware" / "emulator"
TABLE = ROOT / "boards" / "kernels.json"
LIBC_HEADERS = "/usr/lib/picolibc/riscv64-unknown-elf/include"
COMMON = ("-O2", "-std=c99", "-ffunction-sections", "-fcallgraph-info=su")
LINK = ("-nostdlib", "-Wl,--unresolved-symbols=ignore-all", "-Wl,-e0", "-Wl,-Ttext=0x4000")  # functions elsewhere: at 0
FAR = ("-Wl,--section-start=.rodata=0x3f000000", "-Wl,-Tdata=0x3f800000")  # not reachable by short instructions
CODE, CONSTANTS = (".text", ".literal"), (".rodata", ".srodata")
SHORT, LONG = 8, 40  # steps of the two functions that are compared
MOST_BUFFERS = 40  # in use at a time; strips of rows have so many; every further one takes a word of the stack

UNARY = "    mcuq_conv2d_s8(&c[{i}], {x}, {y}, NULL);\n"
BINARY = "    mcuq_add_s8(&a[{i}], {x}, {z}, {y}, NULL);\n"
AFTER = "    MCUQ_AFTER_STEP({i}, {y}, 16);\n"
RUN = """#include <stddef.h>
#include "mcuq.h"
#include "mcuq_add_s8.h"
#include "mcuq_conv2d_s8.h"
const mcuq_add_s8_params a[{steps}] = {{{{0}}}};
const mcuq_conv2d_s8_params c[{steps}] = {{{{0}}}};
void model_run_in(void *arena_bytes, const int8_t *input, int8_t *output);
void model_run_in(void *arena_bytes, const int8_t *input, int8_t *output) {{
    int8_t *const arena = arena_bytes;
{calls}}}
void model_run(const int8_t *input, int8_t *output);
void model_run(const int8_t *input, int8_t *output) {{
    static int8_t arena[4096];
    model_run_in(arena, input, output);
}}
"""
RUN_MODEL = """#include <stdint.h>
void model_run(const int8_t *input, int8_t *output);
void run(void *arena, const void *const *inputs, void *const *outputs);
void run(void *arena, const void *const *inputs, void *const *outputs) {
    (void)arena;
    model_run(inputs[0], outputs[0]);
}
"""
MODELS = '#include "mcuq.h"\nextern const mcuq_model model;\n#define MCUQ_MODELS &model\n'


class Compiler(NamedTuple):
    """A cross compiler that stands for one instruction set; ``note`` says how well."""

    prefix: str
    flags: tuple[str, ...]
    port: str
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
        "rv32",
        "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
        "",
    ),
    "xtensa": Compiler(
        "xtensa-lx106-elf-",
        ("-mlongcalls", "-DMCUQ_MAC16_EMULATED", "-DMCUQ_S3_EMULATED", f"-idirafter{LIBC_HEADERS}"),
        "xtensa",
        "apt-get install gcc-xtensa-lx106 picolibc-riscv64-unknown-elf",
        "; a stand-in for the ESP32, S2 and S3 compilers: no windowed registers, no multiply-high, no min/max",
    ),
}


class Measured(NamedTuple):
    """What some files compile to: bytes of code and of constants, and how their functions call each other."""

    code: int
    constants: int
    graph: CallGraph


def measure(compiler: Compiler) -> dict[str, Any]:
    """Return one instruction set's entry of the table."""
    return {
        "source": compiler.source,
        "kernels": _kernels(compiler),
        **_run(compiler),
        "application": _application(compiler),
    }


def _kernels(compiler: Compiler) -> dict[str, dict[str, Any]]:
    """Return every kernel, and the files that kernels share ("uses"): their code counts once for all of them."""
    found = sorted((path for folder in KERNELS for path in folder.glob("mcuq_*.c")), key=lambda path: path.name)
    files = {path.stem: _sources(path) for path in found}
    units = {name: _compiled(compiler, sources) for name, sources in files.items()}
    whole = _compiled(compiler, [source for sources in files.values() for source in sources]).graph
    owner = {function: name for name, unit in units.items() for function in unit.graph.functions}
    return {
        name.removeprefix("mcuq_"): {
            "code": unit.code,
            "constants": unit.constants,
            "stack": whole.depth(name),
            "uses": sorted({owner[f].removeprefix("mcuq_") for f in unit.graph.callees if owner.get(f, name) != name}),
        }
        for name, unit in units.items()
    }


def _sources(path: Path) -> list[Path]:
    """Return a kernel's files: C, and assembly for the chip that has it."""
    return [file for file in (path, path.with_name(f"{path.stem}_asm.S")) if file.exists()]


def _run(compiler: Compiler) -> dict[str, Any]:
    """Return what the functions around the kernels cost: "run" the rest, "step" each further step."""
    short, long = (_compiled_model(compiler, _chain(steps)) for steps in (SHORT, LONG))
    step = -(-(long.code - short.code) // (LONG - SHORT))
    frames = [_compiled_model(compiler, _fan(n)).graph.depth("run") for n in range(1, MOST_BUFFERS + 1)]
    return {"run": {"code": short.code - SHORT * step, "stack": frames}, "step": {"code": step}}


def _chain(steps: int) -> str:
    """Return calls like a network's: each step reads the one before, every third also an older one."""
    calls = []
    for i in range(steps):
        values = {"x": f"arena + {400 * (i % 3)}", "y": f"arena + {400 * ((i + 1) % 3)}", "z": "arena + 2800"}
        calls.append(((BINARY if i % 3 == 2 else UNARY) + AFTER).format(i=i, **values))
    return "".join(calls)


def _fan(buffers: int) -> str:
    """Return calls that write as many buffers, then read them two by two, the oldest last."""
    places = [f"arena + {2400 * i + 16}" for i in range(buffers)]
    calls = [(UNARY + AFTER).format(i=i, x="input", y=place) for i, place in enumerate(places)]
    for i in range(buffers - 1, 0, -1):
        calls.append((BINARY + AFTER).format(i=i, x=places[i], z=places[i - 1], y=places[i - 1]))
    return "".join([*calls, UNARY.format(i=0, x=places[0], y="output")])


def _compiled_model(compiler: Compiler, calls: str) -> Measured:
    """Compile what stands around the kernels in a generated model with these calls."""
    with tempfile.TemporaryDirectory() as name:
        texts = {"model.c": RUN.format(steps=LONG, calls=calls), "model_model.c": RUN_MODEL}
        for file, text in texts.items():
            Path(name, file).write_text(text)
        return _compiled(compiler, [Path(name, file) for file in texts])


def _application(compiler: Compiler) -> dict[str, Any]:
    """Return what the application costs by itself, and the stack when it calls a model.

    That is during the self-test, where the hook after a step only counts cycles, or to answer a request, where the
    hook may send what the step computed.
    """
    files = [path for path in sorted(APP.glob("mcuq_*.c")) if "_port_" not in path.name]
    code, constants, own = _compiled(compiler, files)
    port = EMULATOR / compiler.port / f"mcuq_port_{compiler.port}.c"
    whole = _compiled(compiler, [*files, port, EMULATOR / "mcuq_main.c"]).graph
    main = whole.frames["main"]
    return {
        "code": code,
        "constants": constants,
        "stack": whole.depth("main"),
        "self_test": main + whole.depth_at_indirect_call("mcuq_app_start"),
        "request": main + whole.depth_at_indirect_call("mcuq_app_poll"),
        "hook": whole.frames["mcuq_after_step"] + whole.depth("mcuq_port_cycles"),
        "traced_hook": whole.depth("mcuq_after_step"),
        "functions": own.functions,
    }


def _compiled(compiler: Compiler, sources: Sequence[Path]) -> Measured:
    """Compile and link files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mcuq_models.h").write_text(MODELS)
        include = ["-DMCUQ_TRACE", *(f"-I{path}" for path in (folder, *KERNELS, APP, EMULATOR))]
        command = [f"{compiler.prefix}gcc", *compiler.flags, *COMMON, *include]
        objects = [folder / f"{source.name}.o" for source in sources]
        for source, compiled in zip(sources, objects, strict=True):
            _output([*command, "-c", str(source), "-o", str(compiled)])
        linked = str(folder / "linked")
        machine = [flag for flag in compiler.flags if flag.startswith("-m")]
        _output([f"{compiler.prefix}gcc", *machine, *LINK, *FAR, *map(str, objects), "-o", linked])
        sections = _output([f"{compiler.prefix}size", "-A", linked]).splitlines()
        assembly = [o for o, source in zip(objects, sources, strict=True) if source.suffix == ".S"]
        listings = [_output([f"{compiler.prefix}objdump", "-d", "--no-show-raw-insn", str(o)]) for o in assembly]
        graph = call_graph.read([o.with_suffix(".ci") for o in objects if o not in assembly], listings)
    return Measured(_section_bytes(sections, CODE), _section_bytes(sections, CONSTANTS), graph)


def _section_bytes(lines: Sequence[str], names: tuple[str, ...]) -> int:
    return sum(int(line.split()[1]) for line in lines if line.startswith(names))


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
