"""What mcuq knows: boards and operators."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

from mcuq import ops
from mcuq.report import Report
from mcuq.report.formats import formats

if TYPE_CHECKING:
    from mcuq.ops.base import Op


def boards() -> Report:
    """Report the known boards."""
    from mcuq.target.board import board_ids, load_board

    known = [load_board(board_id) for board_id in board_ids()]
    platforms = [{f: [p.name for p in b.platforms[f]] for f in b.frameworks} for b in known]
    data = [
        {"id": b.id, "name": b.name, "chip": b.chip.id, "frameworks": list(b.frameworks), "platforms": each}
        for b, each in zip(known, platforms, strict=True)
    ]
    of_each = [", ".join(dict.fromkeys(name for names in each.values() for name in names)) for each in platforms]
    rows = [[b.id, b.name, b.chip.name, ", ".join(b.frameworks), p] for b, p in zip(known, of_each, strict=True)]
    return Report("boards", {"boards": data}, columns=["board", "name", "chip", "frameworks", "platforms"], rows=rows)


def operators() -> Report:
    """Report the operators: formula and constraints, from their docstrings, and the formats they are read from."""
    data = [
        {"op": op.name, "formula": formula(op), "formats": formats(op.name), "constraints": constraints(op)}
        for op in ops.ALL
    ]
    rows = [[str(d["op"]), str(d["formula"]), ", ".join(d["formats"]), "\n".join(d["constraints"])] for d in data]
    return Report("ops", {"operators": data}, columns=["operator", "meaning", "read from", "constraints"], rows=rows)


def formula(op: type[Op]) -> str:
    """Return the first sentence of an operator's docstring."""
    first = inspect.getdoc(op).split("\n\n")[0]  # type: ignore[union-attr]
    return " ".join(first.split())


def constraints(op: type[Op]) -> list[str]:
    """Return the labelled constraints of an operator's docstring: ["C1: …", …]."""
    text = inspect.getdoc(op) or ""
    return [" ".join(item.split()) for item in re.findall(r"^- (C\d+: .*(?:\n  .*)*)", text, re.MULTILINE)]
