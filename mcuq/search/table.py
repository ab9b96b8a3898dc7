"""A search as a table: what is not both larger and worse than something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcuq.errors import ToolMissingError
from mcuq.quantization.calibrate import Progress
from mcuq.report import Report, thousands
from mcuq.search import Outcome
from mcuq.search.candidate import Candidate, Measurement
from mcuq.search.instructions import instructions
from mcuq.search.strategy import order

SHOWN = 10.0  # points: a row that loses more is of no use to anybody


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    candidate: Candidate
    measurement: Measurement
    instructions: int | None = None


def front(measured: Mapping[Candidate, Measurement], widest: Measurement, most_lost: float) -> list[Candidate]:
    """Return what is smaller than 8 bits and nothing beats in both flash and samples.

    Args:
        measured: all candidates.
        widest: the measurement of 8 bits.
        most_lost: samples; what loses more is left out.
    """
    useful = [
        candidate
        for candidate, m in measured.items()
        if not m.problem and m.flash < widest.flash and widest.hits - m.hits <= most_lost
    ]
    kept: list[Candidate] = []
    for candidate in sorted(useful, key=lambda candidate: order(measured[candidate])):
        if not kept or measured[candidate].hits > measured[kept[-1]].hits:
            kept.append(candidate)
    return kept


def rows(outcome: Outcome, progress: Progress | None = None) -> tuple[list[Row], str]:
    """Return the rows with their instructions, 8 bits throughout always among them; and why there are none of these."""
    measured, limits = outcome.found.measured, outcome.limits
    most_lost = max(SHOWN * len(outcome.task.labels) / 100, limits.lost)
    shown = list(dict.fromkeys([Candidate(), *front(measured, limits.widest, most_lost), outcome.best]))
    shown.sort(key=lambda c: order(measured[c]), reverse=True)
    try:
        _count(outcome, shown, progress)
    except ToolMissingError as error:
        return [Row(c, measured[c]) for c in shown], f"instructions are not counted: {error}"
    return [Row(c, measured[c], outcome.journal.instructions[c]) for c in shown], ""


def _count(outcome: Outcome, shown: list[Candidate], progress: Progress | None) -> None:
    """Count the instructions that the journal does not have."""
    missing = [candidate for candidate in shown if candidate not in outcome.journal.instructions]
    for number, candidate in enumerate(missing, 1):
        outcome.journal.add_instructions(candidate, instructions(outcome.task, candidate))
        if progress:
            progress("instructions", number, len(missing))


def report(outcome: Outcome, found: tuple[list[Row], str], out: Path, size: int) -> Report:
    """Report what ``mcuq search`` found, in a file of so many bytes."""
    shown, uncounted = found
    data = _data(outcome, shown) | {"output": str(out), "bytes": size}
    columns = [">flash", ">weights", ">of int8", ">instructions", ">accuracy", ">lost", "layers by format", ""]
    lines = [*_lines(outcome), *([uncounted] if uncounted else []), *_chosen(outcome, out, size)]
    return Report(data, outcome.model.graph.name, columns, [_cells(outcome, row) for row in shown], lines)


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
