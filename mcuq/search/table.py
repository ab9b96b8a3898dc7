"""The rows of a search: what is not both larger and worse than something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcuq.errors import ToolMissingError
from mcuq.quantization.calibrate import Progress
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
