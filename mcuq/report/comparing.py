"""Two models side by side: as a table, as data, and as Markdown for a pull request."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from mcuq.page.figures import LayerFacts
from mcuq.report import Report
from mcuq.report.text import clean
from mcuq.verbs.comparing import Change, Comparison, LayerChange

COLUMNS = ("figure", ">before", ">after", ">difference")


def comparison(found: Comparison) -> Report:
    """Report two models: the figures of both, and the layers that are not the same."""
    data: dict[str, Any] = {"before": found.names[0], "after": found.names[1], "board": found.board}
    data["figures"] = [{**vars(change), "difference": change.difference} for change in found.figures]
    data["layers"] = [dataclasses.asdict(layer) for layer in found.layers]
    data["notes"] = list(found.notes)
    rows = [[_what(c), _number(c.before), _number(c.after), _difference(c)] for c in found.figures]
    return Report("compare", data, _title(found), COLUMNS, rows, [*found.notes, *_layer_lines(found)])


def markdown(found: Comparison) -> str:
    """Return two tables for a pull request."""
    rows = [(_what(c), _number(c.before), _number(c.after), _difference(c)) for c in found.figures]
    lines = [clean(_title(found)), "", "| figure | before | after | difference |", "|---|---:|---:|---:|"]
    lines += [_row(row) for row in rows]
    for note in found.notes:
        lines += ["", clean(note)]
    if found.changed:
        lines += ["", "| layer | what changes |", "|---|---|"]
        lines += [_row((layer.name, _changes(layer))) for layer in found.changed]
    return "\n".join([*lines, ""])


def _layer_lines(found: Comparison) -> Iterator[str]:
    if not found.changed:
        yield f"all {len(found.layers)} layers are the same in shape, constants and cost"
    for layer in found.changed:
        yield f"{layer.name}: {_changes(layer)}"


def _changes(layer: LayerChange) -> str:
    """Return what differs of a layer, or what is said of one that only one model has."""
    said = [_facts(facts) if facts else {} for facts in (layer.before, layer.after)]
    if not all(said):
        return f"{'new' if said[1] else 'gone'}: {', '.join(filter(None, (said[0] or said[1]).values()))}"
    pairs = [(said[0][key] or "none", said[1][key] or "none") for key in said[0]]
    return ", ".join(f"{a} -> {b}" for a, b in pairs if a != b)


def _facts(facts: LayerFacts) -> dict[str, str]:
    """Return what is said of a layer, by its key."""
    return {
        "op": facts.op,
        "shape": " x ".join(map(str, facts.shape)),
        "bits": f"int{facts.bits}" if facts.bits else "",
        "parameters": f"{facts.parameters:,} parameters" if facts.parameters else "",
        "macs": f"{facts.macs:,} MACs" if facts.macs else "",
        "instructions": f"{facts.instructions:,} instructions" if facts.instructions is not None else "",
        "microseconds": f"about {facts.microseconds:,.4g} µs" if facts.microseconds is not None else "",
    }


def _title(found: Comparison) -> str:
    return f"{found.names[0]} and {found.names[1]} on {found.board}"


def _what(change: Change) -> str:
    return f"{change.what}, {change.unit}" if change.unit else change.what


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


def _difference(change: Change) -> str:
    difference = change.difference
    if not difference:
        return "" if difference is None else "0"
    relative = f" ({100 * difference / change.before:+.1f} %)" if change.before and change.unit != "%" else ""
    return f"{'+' if difference > 0 else '-'}{_number(abs(difference))}{relative}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(clean(cell).replace("|", "\\|") for cell in cells) + " |"
