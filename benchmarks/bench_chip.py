"""Compile a model's C with a counting main for an emulated chip, run it there, read counts and outputs."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from mcuq.engines.emulator import ISAS, compile_emulated, emulator_command
from mcuq.resources import resource
from mcuq.tensor import Array

MAIN = Path(__file__).with_name("bench_main.c")
ONE_BY_ONE = ("-singlestep", "-accel", "tcg,one-insn-per-tb=on")  # QEMU's options, before and from 8.1
CODE, CONSTANTS = (".text", ".literal"), (".rodata", ".srodata")
HEADER = """#include <stdint.h>
#define BENCH_SAMPLES {samples}
#define BENCH_OUTPUT_BYTES {output}
void bench_mark(void);
static const int8_t bench_inputs[{samples}][{input}] __attribute__((aligned(16))) = {{
{values}
}};
{call}
"""
NOTHING = "static void bench_run(const int8_t *input, int8_t *output) {\n    *output = *input;\n}\n"


@dataclass(frozen=True)
class Program:
    """C of one model. ``call`` defines ``static void bench_run(const int8_t *input, int8_t *output)``.

    ``has_mac16`` is False for code that the emulator may run in its fast mode, which has a bug with these instructions.
    """

    sources: Sequence[Path]
    flags: Sequence[str]
    call: str
    has_mac16: bool = True


@dataclass(frozen=True, eq=False)
class Counted:
    """What one program gave: per sample the output; of the first sample the instructions.

    ``steps`` is empty where the program has no hook after its steps. ``code`` and ``constants`` are the bytes that the
    model adds to a program that does nothing; ``code_of`` counts the code of each source file by its stem.
    """

    outputs: Array
    instructions: int
    steps: Sequence[int]
    code: int
    constants: int
    code_of: Mapping[str, int]


def count(isa: str, program: Program, inputs: Array, output_bytes: int) -> Counted:
    """Run samples [samples, bytes] on an emulated chip."""
    with _linked(isa, program, inputs, output_bytes) as elf:
        command = [part for part in emulator_command(isa, elf) if program.has_mac16 or part not in ONE_BY_ONE]
        done = subprocess.run(command, input=b"", capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(f"{elf.name} ended with status {done.returncode}: {done.stderr.decode(errors='replace')}")
        samples = list(_samples(done.stdout, output_bytes))
        marks, _ = samples[0]
        own = marks[1] - marks[0]
        steps = np.diff(marks[1:]) - own
        empty_code, empty_constants = _empty(isa)
        return Counted(
            outputs=np.stack([output for _, output in samples]),
            instructions=int(steps.sum()),
            steps=[int(step) for step in steps[:-1]],  # what follows the last hook is the return
            code=_bytes(isa, elf, CODE) - empty_code,
            constants=_bytes(isa, elf, CONSTANTS) - empty_constants - inputs.nbytes,
            code_of=_code_of(isa, elf, program.sources),
        )


@cache
def _empty(isa: str) -> tuple[int, int]:
    inputs = np.zeros((1, 16), np.int8)
    with _linked(isa, Program([], ["-O2"], NOTHING), inputs, 1) as elf:
        return _bytes(isa, elf, CODE), _bytes(isa, elf, CONSTANTS) - inputs.nbytes


@contextmanager
def _linked(isa: str, program: Program, inputs: Array, output_bytes: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mcuq-bench-") as name:
        folder = Path(name)
        rows = ",\n".join(f"{{{','.join(map(str, row.view(np.int8)))}}}" for row in inputs)
        shape = {"samples": len(inputs), "input": inputs.shape[1], "output": output_bytes}
        (folder / "bench_model.h").write_text(HEADER.format(**shape, values=rows, call=program.call))
        flags = [*program.flags, "-w", f"-I{folder}", f"-I{resource('firmware') / 'app'}"]
        compile_emulated(isa, [*program.sources, MAIN], flags, folder / "bench.elf")
        yield folder / "bench.elf"


def _code_of(isa: str, elf: Path, sources: Sequence[Path]) -> dict[str, int]:
    code: dict[str, int] = {}
    for index, source in enumerate(sources):
        code[source.stem] = code.get(source.stem, 0) + _bytes(isa, _object(elf, index), CODE)
    return code


def _object(elf: Path, index: int) -> Path:
    """Return the object file of a source, as ``compile_and_link`` names it."""
    return elf.with_name(f"{elf.name}.{index}.o")


def _samples(raw: bytes, output_bytes: int) -> Iterator[tuple[Array, Array]]:
    """Yield marks and output of every sample."""
    while raw:
        (marked,) = np.frombuffer(raw[:4], "<u4")
        end = 4 + 4 * int(marked)
        yield np.frombuffer(raw[4:end], "<u4").astype(np.int64), np.frombuffer(raw[end : end + output_bytes], np.int8)
        raw = raw[end + output_bytes :]


def _bytes(isa: str, file: Path, sections: tuple[str, ...]) -> int:
    tool = ISAS[isa].compiler.removesuffix("gcc") + "size"
    lines = subprocess.run([tool, "-A", str(file)], capture_output=True, text=True, check=True).stdout.splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(sections))
