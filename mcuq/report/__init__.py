"""Results as tables for people and as JSON for programs."""

from __future__ import annotations

import io
import json as json_module
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from mcuq.report.text import clean, put

Kind = Literal[
    "boards",
    "build",
    "check",
    "check-boards",
    "compare",
    "doctor",
    "evaluate",
    "gate",
    "inspect",
    "memory",
    "ops",
    "quantize",
    "report",
    "search",
    "simulate",
    "verify",
]
VERSIONS: Mapping[Kind, int] = dict.fromkeys(get_args(Kind), 1)  # counts up when a reader of the last would misread
PIPE_WIDTH = 120  # columns of a table that does not go to a terminal


@dataclass(frozen=True)
class Report:
    """A table with a title and lines around it, and the same as data.

    ``kind`` names the data's schema, ``mcuq/schemas/<kind>.json``; docs/json.md says when its version counts up.
    """

    kind: Kind
    data: Mapping[str, Any]
    title: str = ""
    columns: Sequence[str] = ()  # a leading ">" right-aligns
    rows: Sequence[Sequence[str]] = ()
    lines: Sequence[str] = field(default_factory=tuple)


def document(kind: Kind, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return data as a document that says which schema it has."""
    return {"schema": f"mcuq/{kind}/{VERSIONS[kind]}", **data}


def show(report: Report, json: bool) -> None:
    """Print a report to stdout, as JSON or as text."""
    if json:
        put(json_module.dumps(document(report.kind, report.data), indent=2))
        return
    if report.title:
        put(clean(report.title))
    if report.rows:
        _print_table(report)
    for line in report.lines:
        put(clean(line))


def _print_table(report: Report) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in report.columns:
        table.add_column(name.lstrip(">"), justify="right" if name.startswith(">") else "left", overflow="fold")
    for row in report.rows:
        table.add_row(*(escape(clean(cell)) for cell in row))
    text = io.StringIO()
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH
    Console(file=text, highlight=False, width=width).print(table)
    put("\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip()))


def thousands(number: int) -> str:
    """Return the number with separators: 12,345."""
    return f"{number:,}"
