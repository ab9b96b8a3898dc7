"""A page that was written, in a few lines, and what it shows as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcuq.page.gathering import Page
from mcuq.report import Report, thousands
from mcuq.report.fit import fit


def page(shown: Page, path: Path, size: int, notes: Sequence[str] = ()) -> Report:
    """Report a page of so many bytes."""
    data: dict[str, Any] = {"model": shown.fit.model, "output": str(path), "bytes": size, "fit": shown.fit.to_dict()}
    data["layers"] = [_layer(row) for row in shown.rows]
    data |= {"totals": shown.totals, "notes": list(notes)}
    absent = [text for text in dataclasses.astuple(shown.absent) if text]
    lines = [*notes, fit(shown.fit).title.removesuffix("; bytes:"), *absent]
    return Report("report", data, lines=[*lines, f"{path}: {thousands(size)} bytes"])


def _layer(row: Any) -> dict[str, Any]:
    plain = {key: value for key, value in vars(row).items() if key != "facts"}
    return {"name": row.name, **vars(row.facts), **plain}
