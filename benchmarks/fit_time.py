"""Fit cycles to instructions and to lines fetched from flash; write boards/time.json, print the error of every model.

    python benchmarks/fit_time.py           write boards/time.json, print the table
    python benchmarks/fit_time.py --check   exit 1 if it is stale

    cycles = cycles_per_instruction * instructions + line_factor * lines * (what a line takes by flash's datasheet)

Two figures for a chip, of least relative error over what was measured on it: by others (boards/published.json), and
records that `mcuq verify --record` wrote (boards/measured/*.json). The error is that of a model whose measurements were
all left out. A chip of which fewer than three models are known has no figures of its own: its estimates lie between the
best and the worst cycles per instruction that are known at all.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mcuq.target.cache import Cache
from mcuq.target.chip import load_chip
from mcuq.target.measured import Measured, read_measured

BOARDS = Path(__file__).resolve().parents[1] / "boards"
TABLE = BOARDS / "time.json"
OURS = "mcuq"
FEWEST = 3  # models for figures of a chip's own


@dataclass(frozen=True)
class Point:
    """One measurement: cycles, the instructions, and cycles that flash takes for the lines by its datasheet."""

    model: str
    chip: str
    engine: str
    cycles: float
    instructions: float
    flash: float

    def estimate(self, per_instruction: float, factor: float) -> float:
        """Return estimated by measured cycles."""
        return (per_instruction * self.instructions + factor * self.flash) / self.cycles

    def per_instruction(self, factor: float) -> float:
        """Return its own cycles per instruction."""
        return (self.cycles - factor * self.flash) / self.instructions


def points() -> Iterator[Point]:
    """Yield everything that was measured on boards."""
    for record in json.loads((BOARDS / "published.json").read_text())["records"]:
        cache, hertz = load_chip(record["chip"]).cache, record["mhz"] * 1e6
        per_line = cache.line_seconds(record["flash_mode"], record["flash_mhz"] * 1_000_000) * hertz
        lines = cache.fetched(record["constants"] + record["code"], record["swept"])
        cycles = record["milliseconds"] / 1000 * hertz
        yield Point(record["model"], record["chip"], record["engine"], cycles, record["instructions"], lines * per_line)
    for path in sorted((BOARDS / "measured").glob("*.json")):
        yield _of_ours(read_measured(path))


def _of_ours(record: Measured) -> Point:
    cache: Cache = load_chip(record.chip).cache
    per_line = cache.line_seconds(record.flash_mode, record.flash_frequency) * record.clock
    lines = cache.fetched(record.constants + record.code, [(step.bytes, step.sweeps) for step in record.layers])
    instructions = sum(step.instructions for step in record.layers)
    return Point(record.model, record.chip, OURS, record.cycles, instructions, lines * per_line)


def fitted(known: Sequence[Point]) -> tuple[float, float]:
    """Return cycles per instruction and the factor of a line, of least relative error."""
    rows = np.array([[p.instructions / p.cycles, p.flash / p.cycles] for p in known])
    per_instruction, factor = np.linalg.lstsq(rows, np.ones(len(known)), rcond=None)[0]
    return float(per_instruction), float(factor)


def left_out(known: Sequence[Point]) -> list[float]:
    """Return the relative error of every point when all of its model are left out."""
    errors = []
    for point in known:
        others = [p for p in known if p.model != point.model]
        errors.append(point.estimate(*fitted(others)) - 1)
    return errors


def table(known: Sequence[Point]) -> dict[str, Any]:
    """Return the content of boards/time.json."""
    chips: dict[str, list[Point]] = defaultdict(list)
    for point in known:
        chips[point.chip].append(point)
    own = {chip: found for chip, found in chips.items() if len({p.model for p in found}) >= FEWEST}
    if not own:
        raise SystemExit(f"no chip has {FEWEST} models that were measured: there is nothing to fit")
    figures = {chip: _figures(found) for chip, found in own.items()}
    factor = statistics.mean(entry["line_factor"] for entry in figures.values())
    each = [(p.per_instruction(figures.get(p.chip, {"line_factor": factor})["line_factor"]), p) for p in known]
    best, worst = min(each, key=lambda pair: pair[0]), max(each, key=lambda pair: pair[0])
    shares = json.loads((BOARDS / "published.json").read_text())["lx6_share"]
    return {
        "source": "benchmarks/fit_time.py: boards/published.json, boards/measured/*.json",
        "chips": figures,
        "known": {
            "best": _known(*best),
            "worst": _known(*worst),
            "line_factor": round(factor, 4),
            "models": {chip: len({p.model for p in found}) for chip, found in sorted(chips.items())},
        },
        "lx6_share": round(statistics.mean(shares["models"].values()), 4),
    }


def _figures(known: Sequence[Point]) -> dict[str, Any]:
    per_instruction, factor = fitted(known)
    errors, ours = [abs(error) for error in left_out(known)], sum(p.engine == OURS for p in known)
    return {
        "cycles_per_instruction": round(per_instruction, 4),
        "line_factor": round(factor, 4),
        "models": len({p.model for p in known}),
        "measurements": {"others": len(known) - ours, "mcuq": ours},
        "median_error": round(statistics.median(errors), 4),
        "largest_error": round(max(errors), 4),
    }


def _known(per_instruction: float, point: Point) -> dict[str, Any]:
    where = f"{point.model} on {point.chip}, {point.engine}"
    return {"cycles_per_instruction": round(per_instruction, 4), "where": where}


def report(known: Sequence[Point], found: dict[str, Any]) -> Iterator[str]:
    """Yield the table, model by model."""
    yield "| chip | model | engine | M instructions | M cycles measured | of that flash | left out |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for chip in dict.fromkeys(p.chip for p in known):
        of_chip = [p for p in known if p.chip == chip]
        figures = found["chips"].get(chip)
        errors = left_out(of_chip) if figures else [None] * len(of_chip)
        factor = (figures or found["known"])["line_factor"]
        for point, error in zip(of_chip, errors, strict=True):
            said = f"{100 * error:+.1f} %" if error is not None else f"{point.per_instruction(factor):.2f} a piece"
            cells = (chip, point.model, point.engine, f"{point.instructions / 1e6:.2f}", f"{point.cycles / 1e6:.2f}")
            yield f"| {' | '.join(cells)} | {factor * point.flash / 1e6:.2f} | {said} |"
    for chip, figures in found["chips"].items():
        yield (
            f"{chip}: {figures['cycles_per_instruction']} cycles per instruction, lines {figures['line_factor']} times "
            f"their datasheet's; left out: median error {100 * figures['median_error']:.1f} %, largest "
            f"{100 * figures['largest_error']:.1f} %"
        )
    best, worst = found["known"]["best"], found["known"]["worst"]
    yield (
        f"other chips: {best['cycles_per_instruction']} ({best['where']}) to "
        f"{worst['cycles_per_instruction']} ({worst['where']}) cycles per instruction, unproved"
    )


def main() -> int:
    """Write or check the figures; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the figures are stale")
    arguments = parser.parse_args()
    known = list(points())
    found = table(known)
    print("\n".join(report(known, found)))
    if not arguments.check:
        TABLE.write_text(json.dumps(found, indent=1) + "\n")
        return 0
    is_stale = not TABLE.exists() or json.loads(TABLE.read_text()) != found
    print(f"{TABLE}: {'stale' if is_stale else 'up to date'}")
    return 1 if is_stale else 0


if __name__ == "__main__":
    sys.exit(main())
