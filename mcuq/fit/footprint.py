"""Bytes that a plan costs on a chip: constants exactly, code and stack from a measured table.

The table, ``boards/kernels.json``, is written by ``benchmarks/measure_kernels.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from mcuq.errors import McuqError
from mcuq.ops.base import Member, Params
from mcuq.plan import Plan, root_of, states
from mcuq.plan.loops import loops, places
from mcuq.plan.tables import TABLE_ALIGNMENT, alignments, distinct_params, distinct_tables
from mcuq.resources import resource

Breakdown = tuple[tuple[str, int], ...]

ELEMENT_BYTES = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4, "uint32_t": 4}
POINTER_BYTES = 4  # every chip of the family is a 32-bit one
COUNTERS = 2  # of a loop: of its turns, and of the steps that a hook is told
REQUANTIZATION = ("bias", "multiplier", "shift")  # tables of a layer that are no weights
PUSH_CODE = 540  # begin, push, pull and finish: riscv64-unknown-elf-gcc 12 -Os, RV32IMC; on Xtensa about 430
OBJECT_ALIGNMENT = TABLE_ALIGNMENT  # structs have it too: their members are words


@dataclass(frozen=True)
class Kernel:
    """Bytes of a kernel: code, constants that it brings, stack down to its deepest call; ``uses``: shared files."""

    code: int
    constants: int
    stack: int
    uses: tuple[str, ...]


@dataclass(frozen=True)
class Application:
    """The application in lib/mcuq: its bytes, and its stack in use when it calls a model or the hook.

    ``stack`` is the deepest of what does not run a model. The hook runs after every step: during the self-test it only
    counts cycles, during a request it may send an output (``traced_hook``).
    """

    code: int
    constants: int
    stack: int
    self_test: int
    request: int
    hook: int
    traced_hook: int
    functions: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """The functions around the kernels: code beside the steps, and stack by how many addresses are in use at a time."""

    code: int
    stack: tuple[int, ...]


@dataclass(frozen=True)
class Measured:
    """Code and stack of everything that runs a model on one instruction set, and how they were measured."""

    source: str
    kernels: Mapping[str, Kernel]
    run: Run
    step_code: int
    application: Application

    def kernel(self, name: str) -> Kernel:
        """Return a kernel's bytes.

        Raises:
            McuqError: the kernel has not been measured.
        """
        if name not in self.kernels:
            raise McuqError(
                f"kernel {name} has no entry in boards/kernels.json; run python benchmarks/measure_kernels.py"
            )
        return self.kernels[name]


@cache
def measured(isa: str) -> Measured:
    """Return the table's entry for an instruction set: "rv32imc" or "xtensa"."""
    table: dict[str, Any] = json.loads((resource("boards") / "kernels.json").read_text("utf-8"))[isa]
    application = table["application"]
    return Measured(
        source=table["source"],
        kernels={name: Kernel(**{**k, "uses": tuple(k["uses"])}) for name, k in table["kernels"].items()},
        run=Run(table["run"]["code"], tuple(table["run"]["stack"])),
        step_code=table["step"]["code"],
        application=Application(**{**application, "functions": tuple(application["functions"])}),
    )


def constants(plan: Plan) -> Breakdown:
    """Return the bytes of a plan's constant data, as the generated C file defines it.

    "alignment" is what the linker adds between objects so that each starts at a multiple of four; before those whose
    kernels want more, at most.
    """
    operands, tables, parameters = _operands(plan), _tables(plan), _parameters(plan)
    sizes = [*operands.values(), *tables.values(), *parameters.values()]
    larger = [alignment - OBJECT_ALIGNMENT for alignment in alignments(plan).values()]
    return _nonzero(
        ("weights and tables", sum(tables.values())),
        ("parameters", sum(parameters.values())),
        ("constant operands", sum(operands.values())),
        ("alignment", sum(-size % OBJECT_ALIGNMENT for size in sizes) + sum(larger)),
    )


def weight_bytes(plan: Plan) -> int:
    """Return the bytes of the weights as they are stored: with their levels and codebooks, without what requantizes."""
    known: dict[tuple[str, bytes], str] = {}
    weighted = [step for step in plan.steps if step.op.weights_axis is not None]
    return sum(
        getattr(step.params, member.name).size * ELEMENT_BYTES[member.ctype]
        for step in weighted
        for member, _, is_new in distinct_tables(step.name, step.params, known)
        if is_new and member.name not in REQUANTIZATION
    )


def constant_objects(plan: Plan) -> dict[str, int]:
    """Return the bytes of every constant C object of a plan, by its name."""
    return _operands(plan) | _tables(plan) | _parameters(plan)


def constants_by_step(plan: Plan) -> dict[str, int]:
    """Return by step the bytes of the constant objects that it is the first to read."""
    operands, tables, parameters = _operands(plan), _tables(plan), _parameters(plan)
    found: dict[str, int] = {}
    known: dict[tuple[str, bytes], str] = {}
    for step in plan.steps:
        named = [table for _, table, is_new in distinct_tables(step.name, step.params, known) if is_new]
        read = sum(operands.pop(root_of(value, plan.views), 0) for value in step.inputs)
        found[step.name] = read + sum(tables[name] for name in named) + parameters.get(step.name, 0)
    return found


def _operands(plan: Plan) -> dict[str, int]:
    operands = {name: b.bytes for name, b in plan.buffers.items() if b.region == "flash"}
    return operands | {r.initial: len(r.content) for r in states.resets(plan) if r.value is None}


def tables_bytes(params: Params) -> int:
    """Return the bytes of a kernel's tables."""
    return sum(values.size * ELEMENT_BYTES[member.ctype] for member, values in params.tables())


def _tables(plan: Plan) -> dict[str, int]:
    known: dict[tuple[str, bytes], str] = {}
    return {
        table: getattr(step.params, member.name).size * ELEMENT_BYTES[member.ctype]
        for step in plan.steps
        for member, table, is_new in distinct_tables(step.name, step.params, known)
        if is_new
    }


def _parameters(plan: Plan) -> dict[str, int]:
    named = distinct_params(plan)
    return {s.name: struct_bytes(s.params.members()) for s in plan.steps if named[s.name] == s.name}


def struct_bytes(members: Iterable[Member]) -> int:
    """Return the size of a parameter struct on a 32-bit chip: natural alignment, 4-byte pointers."""
    offset, largest = 0, 1
    for member in members:
        size = POINTER_BYTES if member.extent == "table" else ELEMENT_BYTES[member.ctype]
        count = member.extent if isinstance(member.extent, int) else 1
        offset += -offset % size + size * count
        largest = max(largest, size)
    return offset + -offset % largest


def kernels(plan: Plan) -> list[str]:
    """Return the names of the kernels that a plan uses, each once, sorted."""
    return sorted({step.params.kernel for step in plan.steps})


def kernel_files(plan: Plan, isa: str) -> list[str]:
    """Return the files in lib/mcuq that a plan's kernels are in, without mcuq_ and suffix: theirs, and shared ones."""
    names = kernels(plan)
    for name in names:  # grows while it runs
        names += [other for other in measured(isa).kernel(name).uses if other not in names]
    return names


def code(plan: Plan, isa: str, beside: Sequence[Plan] = ()) -> Breakdown:
    """Return the estimated bytes of code: the kernels that plans use, their calls, and the application around them.

    "texts" is what these bring along as constants: texts and jump tables.
    """
    table = measured(isa)
    plans = (plan, *beside)
    used = [table.kernel(name) for name in dict.fromkeys(name for p in plans for name in kernel_files(p, isa))]
    return _nonzero(
        ("kernels", sum(kernel.code for kernel in used)),
        ("calls", sum(table.run.code + _calls(p) * table.step_code + PUSH_CODE * p.rows_arrive for p in plans)),
        ("application", table.application.code),
        ("texts", table.application.constants + sum(kernel.constants for kernel in used)),
    )


def stack(plan: Plan, isa: str) -> Breakdown:
    """Return the estimated bytes of stack: the deepest chain of calls, from the application down.

    That is through a kernel or through the hook after a step, or a chain of the application's that runs no model.
    """
    table = measured(isa)
    application = table.application
    deepest = max((table.kernel(name).stack for name in kernels(plan)), default=0)
    run = _run_stack(plan, table.run.stack)
    chains: Sequence[Breakdown] = [
        (("application", application.self_test), ("calls", run), ("deepest kernel", deepest)),
        (("application", application.self_test), ("calls", run), ("hook", application.hook)),
        (("application", application.request), ("calls", run), ("hook", application.traced_hook)),
        (("application", application.stack),),
    ]
    return _nonzero(*max(chains, key=total))


def _calls(plan: Plan) -> int:
    """Return how many kernel calls the C of a model has; those of a loop are written once."""
    return sum(loop.length for loop in loops(plan))


def _run_stack(plan: Plan, frames: Sequence[int]) -> int:
    """Return the stack of the functions that call the kernels: addresses in use, one more constant, operand lists.

    Where outputs lie in the arena, the caller's addresses for them are kept until the end; those in a loop during all
    of it, with what counts its turns and its steps.
    """
    used: dict[tuple[str, int], list[int]] = {}
    variadic = 0
    counting = [0] * len(plan.steps)
    for loop in loops(plan):
        if loop.turns > 1:
            counting[loop.first : loop.end] = [COUNTERS] * (loop.end - loop.first)
        for index in loop.steps:
            for where in places(plan, index):
                if where.base not in plan.buffers or plan.buffers[where.base].region != "flash":
                    used.setdefault(where, []).extend((index, index) if loop.turns == 1 else (loop.first, loop.end - 1))
            variadic += len(plan.steps[index].inputs) if plan.steps[index].params.variadic else 0
    in_use = max((n + sum(u[0] <= i <= u[-1] for u in used.values()) for i, n in enumerate(counting)), default=0)
    in_use += len(plan.graph.outputs) if plan.io_in_arena else 0
    more = max(in_use + 1 - len(frames), 0)  # than were measured; each is kept on the stack
    return frames[min(in_use + 1, len(frames)) - 1] + POINTER_BYTES * (variadic + more)


def total(parts: Breakdown) -> int:
    """Return the sum of a breakdown."""
    return sum(size for _, size in parts)


def _nonzero(*parts: tuple[str, int]) -> Breakdown:
    return tuple(part for part in parts if part[1])
