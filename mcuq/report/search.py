"""A search as a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcuq.report import Report, thousands
from mcuq.search import Outcome
from mcuq.search.candidate import Candidate
from mcuq.search.table import Row


def search(outcome: Outcome, found: tuple[list[Row], str], out: Path, size: int) -> Report:
    """Report what ``mcuq search`` found, in a file of so many bytes."""
    shown, uncounted = found
    data = _data(outcome, shown) | {"output": str(out), "bytes": size}
    columns = [">flash", ">weights", ">of int8", ">instructions", ">accuracy", ">lost", "layers by format", ""]
    lines = [*_lines(outcome), *([uncounted] if uncounted else []), *_chosen(outcome, out, size)]
    return Report("search", data, outcome.model.graph.name, columns, [_cells(outcome, row) for row in shown], lines)


def _cells(outcome: Outcome, row: Row) -> list[str]:
    plain = _row(outcome, row)
    counts = row.candidate.formats(len(outcome.layers))
    return [
        thousands(plain["flash"]),
        thousands(plain["weights"]),
        f"{100 * plain['weights'] / outcome.limits.widest.weights:.1f} %",
        "-" if row.instructions is None else thousands(row.instructions),
        f"{100 * plain['accuracy']:.1f} %",
        f"{plain['lost']:.1f} ± {plain['lost_error']:.1f}",
        ", ".join(f"{count} x {name}" for name, count in sorted(counts.items())),
        "<- taken" if row.candidate == outcome.best else "does not fit" if row.measurement.problem else "",
    ]


def _row(outcome: Outcome, row: Row) -> dict[str, Any]:
    m, widest, samples = row.measurement, outcome.limits.widest, len(outcome.task.labels)
    return {
        "flash": m.flash,
        "weights": m.weights,
        "instructions": row.instructions,
        "accuracy": m.hits / samples,
        "lost": 100 * (widest.hits - m.hits) / samples,
        "lost_error": 100 * m.doubt(widest) / samples,
        "layers": _layers(outcome, row.candidate),
        "taken": row.candidate == outcome.best,
    }


def _layers(outcome: Outcome, candidate: Candidate) -> dict[str, str]:
    return {layer.name: str(candidate.choice(layer.name)) for layer in outcome.layers}


def _data(outcome: Outcome, shown: list[Row]) -> dict[str, Any]:
    task = outcome.task
    return {
        "model": outcome.model.graph.name,
        "board": task.board.id,
        "samples": len(task.labels),
        "notes": [*task.notes],
        "float_accuracy": task.float_hits / len(task.labels),
        "int8_accuracy": outcome.limits.widest.hits / len(task.labels),
        "max_drop": 100 * outcome.limits.lost / len(task.labels),
        "margin": outcome.limits.margin,
        "measured": len(outcome.found.measured),
        "from_journal": len(outcome.found.measured) - outcome.new,
        "rows": [_row(outcome, row) for row in shown],
    }


def _lines(outcome: Outcome) -> Iterator[str]:
    task, samples = outcome.task, len(outcome.task.labels)
    yield from task.notes
    hits = {"float": task.float_hits, "int8": outcome.limits.widest.hits}
    known = ", ".join(f"{name} {100 * count / samples:.1f} %" for name, count in hits.items())
    yield f"accuracy on {thousands(samples)} samples, by which the choice was made: {known}"
    yield "lost: points of int8's, and their standard error: what other samples would say differs by that and more"
    most, margin = 100 * outcome.limits.lost / samples, outcome.limits.margin
    yield f"taken: the least flash whose loss and {margin:g} standard errors make at most {most:g} points"
    yield f"flash: bytes of the model on {task.board.id}, its kernels and weights as they are stored among them"
    yield "instructions: of one inference on the emulated chip"
    count = len(outcome.found.measured)
    resumed = f", {thousands(count - outcome.new)} of them by an earlier run" if outcome.new < count else ""
    yield f"{thousands(count)} candidates measured{resumed}"


def _chosen(outcome: Outcome, out: Path, size: int) -> Iterator[str]:
    for layer, choice in _layers(outcome, outcome.best).items():
        yield f"  {layer}: {choice}"
    yield f"{thousands(size)} bytes written to {out}"
    yield f"next: mcuq evaluate {out} --data OTHER, samples that had no part in the choice"
