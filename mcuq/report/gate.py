"""A gate's verdicts as a table, as Markdown for a pull request, and as JUnit's XML for a build server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from mcuq.report import Report
from mcuq.report.text import clean
from mcuq.verbs.gating import Gate, Verdict


def gate(result: Gate) -> Report:
    """Report every limit, and whether it holds."""
    data: dict[str, Any] = {"model": result.model, "passed": result.passed}
    data["limits"] = [{**vars(verdict), "name": verdict.name} for verdict in result.verdicts]
    rows = [[verdict.limit, verdict.board, _word(verdict), verdict.text] for verdict in result.verdicts]
    return Report("gate", data, _title(result), ["limit", "board", "verdict", "found"], rows)


def markdown(result: Gate) -> str:
    """Return a table for a pull request."""
    rows = [(v.limit, v.board, f"**{_word(v)}**" if not v.holds else _word(v), v.text) for v in result.verdicts]
    lines = [_title(result), "", "| limit | board | verdict | found |", "|---|---|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(map(_cell, row)) + " |" for row in rows), ""])


def junit(result: Gate) -> bytes:
    """Return a test suite with a case per limit."""
    count: Mapping[str, str] = {"tests": str(len(result.verdicts)), "failures": str(len(result.broken))}
    suite = ElementTree.Element("testsuite", {"name": "mcuq", **count, "errors": "0", "skipped": "0"})
    for verdict in result.verdicts:
        named = {"classname": f"mcuq.{result.model}", "name": clean(verdict.name)}
        case = ElementTree.SubElement(suite, "testcase", named)
        if not verdict.holds:
            ElementTree.SubElement(case, "failure", {"message": clean(verdict.text)}).text = clean(verdict.text)
        else:
            ElementTree.SubElement(case, "system-out").text = clean(verdict.text)
    ElementTree.indent(suite)
    return bytes(ElementTree.tostring(suite, "utf-8", xml_declaration=True)) + b"\n"


def _title(result: Gate) -> str:
    count = len(result.verdicts)
    if result.passed:
        return f"{result.model}: {'all ' if count > 1 else ''}{count} limit{'s' if count > 1 else ''} kept"
    return f"{result.model}: {len(result.broken)} of {count} limits broken"


def _word(verdict: Verdict) -> str:
    return "kept" if verdict.holds else "broken"


def _cell(text: str) -> str:
    return clean(text).replace("|", "\\|")
