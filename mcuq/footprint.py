"""Bytes that a plan costs on a chip: constants exactly, code and stack from a measured table.

The table, ``boards/kernels.json``, is written by ``benchmarks/measure_kernels.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mcuq.c_source import distinct_tables
from mcuq.errors import McuqError
from mcuq.ops.base import Member
from mcuq.plan import Plan
from mcuq.resources import resource

Breakdown = tuple[tuple[str, int], ...]

ELEMENT_BYTES = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4, "uint32_t": 4}
POINTER_BYTES = 4  # every chip of the family is a 32-bit one
OBJECT_ALIGNMENT = 4  # what GCC gives constant arrays and structs here


@dataclass(frozen=True)
class Measured:
    """Code and stack, in bytes, of everything that runs a model on one instruction set, and how they were measured."""

    source: str
    kernels: Mapping[str, Mapping[str, int]]
    run: Mapping[str, int]
    step: Mapping[str, int]
    application: Mapping[str, int]

    def kernel(self, name: str, what: str) -> int:
        """Return "code" or "stack" of a kernel.

        Raises:
            McuqError: the kernel has not been measured.
        """
        if name not in self.kernels:
            raise McuqError(
                f"kernel {name} has no entry in boards/kernels.json; run python benchmarks/measure_kernels.py"
            )
        return self.kernels[name][what]


def measured(isa: str) -> Measured:
    """Return the table's entry for an instruction set: "rv32imc" or "xtensa"."""
    return Measured(**_table()[isa])


def constants(plan: Plan) -> Breakdown:
    """Return the bytes of a plan's constant data, as the generated C file defines it.

    "alignment" is what the linker adds between objects so that each starts at a multiple of four.
    """
    operands = [b.bytes for b in plan.buffers.values() if b.region == "flash"]
    known: dict[tuple[str, bytes], str] = {}
    tables = [
        getattr(step.params, member.name).size * ELEMENT_BYTES[member.ctype]
        for step in plan.steps
        for member, _, is_new in distinct_tables(step.name, step.params, known)
        if is_new
    ]
    parameters = [struct_bytes(step.params.members()) for step in plan.steps]
    padding = sum(-size % OBJECT_ALIGNMENT for size in (*operands, *tables, *parameters))
    return _nonzero(
        ("weights and tables", sum(tables)),
        ("parameters", sum(parameters)),
        ("constant operands", sum(operands)),
        ("alignment", padding),
    )


def struct_bytes(members: Iterable[Member]) -> int:
    """Return the size of a parameter struct on a 32-bit chip: natural alignment, 4-byte pointers."""
    offset, largest = 0, 1
    for member in members:
        size = POINTER_BYTES if member.extent == "table" else ELEMENT_BYTES[member.ctype]
        count = member.extent if isinstance(member.extent, int) else 1
        offset += -offset % size + size * count
        largest = max(largest, size)
    return offset + -offset % largest


def code(plan: Plan, isa: str) -> Breakdown:
    """Return the estimated bytes of code: the kernels a plan uses, its calls, and the application around it."""
    table = measured(isa)
    kernels = {step.params.kernel for step in plan.steps}
    return _nonzero(
        ("kernels", sum(table.kernel(name, "code") for name in sorted(kernels))),
        ("calls", table.run["code"] + len(plan.steps) * table.step["code"]),
        ("application", table.application["code"]),
    )


def stack(plan: Plan, isa: str) -> Breakdown:
    """Return the estimated bytes of stack: the deepest kernel, the function that calls it, and the application."""
    table = measured(isa)
    kernels = {step.params.kernel for step in plan.steps}
    return _nonzero(
        ("deepest kernel", max((table.kernel(name, "stack") for name in kernels), default=0)),
        ("calls", table.run["stack"]),
        ("application", table.application["stack"]),
    )


def total(parts: Breakdown) -> int:
    """Return the sum of a breakdown."""
    return sum(size for _, size in parts)


def _nonzero(*parts: tuple[str, int]) -> Breakdown:
    return tuple(part for part in parts if part[1])


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    table: Mapping[str, Mapping[str, Any]] = json.loads((resource("boards") / "kernels.json").read_text("utf-8"))
    return table
