"""Contract N2: every kernel equals its ``Params.run`` under sanitizers, with guards and unaligned buffers."""

import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from requirements import require

from mcuq.emit.c_source import struct_text, table_text
from mcuq.emit.library import kernel_folders, needed_files
from mcuq.engines.emulator import compile_emulated, emulator_command
from mcuq.ops.base import Params
from mcuq.plan.tables import TABLE_ALIGNMENT, distinct_tables
from mcuq.resources import resource

HERE = Path(__file__).parent
INCLUDE = tuple(f"-I{folder}" for folder in kernel_folders())
STRICT = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
SANITIZERS = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@dataclass
class Case:
    """One kernel call: parameters and one array [samples, elements] per operand."""

    params: Params
    inputs: Sequence[np.ndarray]

    @property
    def expected(self) -> np.ndarray:
        """The bytes of all outputs, [samples, bytes]: the last one first, so that int16 is aligned."""
        return np.concatenate([np.ascontiguousarray(x).view(np.int8) for x in self.outputs[::-1]], axis=1)

    @property
    def outputs(self) -> tuple[np.ndarray, ...]:
        return self.params.run_all(*self.inputs)

    @property
    def alignment(self) -> int:
        return max([self.params.operand_alignment, *(x.itemsize for x in (*self.inputs, *self.outputs))])


def assert_kernels_equal_run(cases: Sequence[Case], cc: str = "gcc") -> None:
    """Compile all cases into one program, run it, compare every output byte."""
    require(f"{cc} sanitizers")
    expected = [case.expected for case in cases]
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "cases.c"), Path(folder, "cases")
        source.write_text(_program(cases, expected))
        files = kernel_files({case.params.kernel for case in cases})
        build = [cc, *STRICT, *SANITIZERS, *INCLUDE, f"-I{HERE}", str(source), *files, "-o", str(program)]
        done = subprocess.run(build, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        ran = subprocess.run([str(program)], input=_stdin(cases), capture_output=True, check=False)
        assert ran.returncode == 0, ran.stderr.decode()[-4000:]
    _compare(cases, expected, ran.stdout)


def assert_emulated_equals_run(cases: Sequence[Case], isa: str) -> None:
    """The same on an emulated chip, with the kernels' assembly where they have some for it."""
    expected = [case.expected for case in cases]
    with tempfile.TemporaryDirectory() as folder:
        source, elf = Path(folder, "cases.c"), Path(folder, "cases.elf")
        inputs = table_text("uint8_t", "case_inputs", np.frombuffer(_stdin(cases), np.uint8))
        program = _program(cases, expected, driver="emulated_driver.h")
        source.write_text(f'#include "mcuq.h"\n{inputs}\n#define CASE_INPUTS case_inputs\n{program}')
        files = kernel_files({case.params.kernel for case in cases}, (".c", ".S"))
        include = [*INCLUDE, *(f"-I{path}" for path in (HERE, resource("firmware") / "app"))]
        compile_emulated(isa, [source, *files], ["-O2", *include], elf)
        ran = subprocess.run(emulator_command(isa, elf), input=b"", capture_output=True, check=False)
    _compare(cases, expected, ran.stdout)
    assert ran.returncode == 0, ran.stderr.decode()[-4000:]


def _stdin(cases: Sequence[Case]) -> bytes:
    return b"".join(_interleave(case.inputs) for case in cases)


def _compare(cases: Sequence[Case], expected: Sequence[np.ndarray], output: bytes) -> None:
    got = np.frombuffer(output, np.int8)
    position = 0
    for index, (case, want) in enumerate(zip(cases, expected, strict=True)):
        part = got[position : position + want.size]
        assert part.size == want.size, f"case {index} {case.params}: the program stopped, a guard byte was overwritten"
        position += want.size
        wrong = np.argwhere(part.reshape(want.shape) != want)
        assert wrong.size == 0, (
            f"case {index} {case.params}: {len(wrong)} bytes differ, first at {wrong[0]}: "
            f"expected {want[tuple(wrong[0])]}, got {part.reshape(want.shape)[tuple(wrong[0])]}"
        )
    assert position == got.size


def kernel_files(
    kernels: Iterable[str], suffixes: tuple[str, ...] = (".c",), folders: Sequence[Path] = tuple(kernel_folders())
) -> list[Path]:
    """Return the files of kernels, and of the kernels and cores that they call."""
    needed = needed_files(folders, [f"mcuq_{kernel}.h" for kernel in kernels])
    return [path for path in needed if path.suffix in suffixes]


def kernel_file(name: str) -> Path:
    """Return the one file of this name in the kernels' folders."""
    (found,) = (folder / name for folder in kernel_folders() if (folder / name).exists())
    return found


def _interleave(inputs: Sequence[np.ndarray]) -> bytes:
    return b"".join(array[i].tobytes() for i in range(len(inputs[0])) for array in inputs)


def _program(cases: Sequence[Case], expected: Sequence[np.ndarray], driver: str = "kernel_driver.h") -> str:
    headers = sorted({case.params.kernel for case in cases})
    lines = [f'#include "{driver}"', '#include "mcuq.h"', *(f'#include "mcuq_{k}.h"' for k in headers)]
    entries = []
    known: dict[tuple[str, bytes], str] = {}
    alignment = max([TABLE_ALIGNMENT, *(case.params.alignment for case in cases)])
    for i, (case, want) in enumerate(zip(cases, expected, strict=True)):
        names = {}
        for member, name, is_new in distinct_tables(f"case_{i}", case.params, known):
            names[member.name] = name
            if is_new:
                values = getattr(case.params, member.name)
                lines.append(table_text(member.ctype, name, values, alignment=alignment))
        lines.append(struct_text(f"case_{i}", case.params, names))
        lines.append(_call(i, case))
        sizes = ", ".join(str(a[0].nbytes) for a in case.inputs)
        name = f'"case {i} {case.params.kernel}", ' if driver == "kernel_driver.h" else ""
        entries.append(
            f"    {{{name}{len(case.inputs)}, {{{sizes}}}, {want[0].nbytes}, "
            f"{case.params.scratch_bytes}, {case.alignment}, {len(want)}, call_{i}}},"
        )
    lines += ["static const kernel_case cases[] = {", *entries, "};"]
    lines += ["int main(void)", "{", f"    return run_all(cases, {len(cases)});", "}"]
    return "\n".join(lines) + "\n"


def _call(index: int, case: Case) -> str:
    kinds = [f"({x.dtype}_t *)(void *)" if x.itemsize > 1 else "" for x in (*case.inputs, *case.outputs)]
    operands = [f"{kind.replace('(', '(const ')}in[{k}]" for k, kind in enumerate(kinds[: len(case.inputs)])]
    sizes = [x[0].nbytes for x in case.outputs]
    places = [f"out + {sum(sizes[k + 1 :])}" for k in range(len(sizes))]
    outputs = [f"{kind}({place})" for kind, place in zip(kinds[len(case.inputs) :], places, strict=True)]
    arguments = ", ".join([*(["in"] if case.params.variadic else operands), *outputs])
    return (
        f"static void call_{index}(const int8_t *const *in, int8_t *out, void *scratch)\n"
        f"{{\n    mcuq_{case.params.kernel}(&case_{index}, {arguments}, scratch);\n}}"
    )


def random_bytes(rng: np.random.Generator, samples: int, elements: int) -> np.ndarray:
    """Random int8 samples; the first two are all -128 and all 127."""
    x = rng.integers(-128, 128, (samples, elements)).astype(np.int8)
    x[0] = -128
    if samples > 1:
        x[1] = 127
    return x
