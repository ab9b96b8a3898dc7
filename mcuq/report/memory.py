"""The arena over time."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mcuq.report import Report, thousands
from mcuq.report.build import arena
from mcuq.report.fit import with_borders
from mcuq.report.memory_map import memory_map

if TYPE_CHECKING:
    from mcuq.plan import Plan


def memory(plan: Plan) -> Report:
    """Report the arena over time."""
    drawn = memory_map(plan)
    rows = [[row.step, thousands(row.bytes), f"|{row.bar}|"] for row in drawn.rows]
    name, size = drawn.largest[0] if drawn.largest else ("nothing", 0)
    shape = " x ".join(map(str, plan.graph.values[name].shape)) if name in plan.graph.values else "scratch"
    lines = [
        "i input, o output, x both (the output runs into the input), - live, s scratch",
        f"{arena(plan)}; {with_borders(plan.arena_bytes, plan.total_bytes)}",
        f"peak during {drawn.peak}; shrink {name} first ({shape}, {thousands(size)} bytes)",
    ]
    columns = ["step", ">bytes in use", f"arena, 0 to {thousands(drawn.arena)}"]
    return Report("memory", dataclasses.asdict(drawn), plan.graph.name, columns, rows, lines)
