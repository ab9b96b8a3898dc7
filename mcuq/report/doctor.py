"""What is installed, as a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcuq.report import Report

if TYPE_CHECKING:
    from mcuq.engines.installed import Tool

ALWAYS = "TFLite and .mcuq files need none of these: build, quantize, evaluate, check, inspect, simulate, boards, ops"


def doctor(tools: Sequence[Tool]) -> Report:
    """Report what is there, what works with it, and the line that installs the rest."""
    rows = [[t.name, t.kind, t.found or "missing", t.serves] for t in tools]
    lines = list(dict.fromkeys(f"for {t.serves}: {t.install}" for t in tools if not t.present))
    data = [dataclasses.asdict(tool) | {"present": tool.present} for tool in tools]
    return Report(
        "doctor",
        {"parts": data},
        columns=["what", "kind", "found", "what it serves"],
        rows=rows,
        lines=[ALWAYS, *lines],
    )
