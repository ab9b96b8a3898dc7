"""Fit reports as tables for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mcuq.fit import FitReport
from mcuq.fit.budgets import Budget
from mcuq.fit.latency import Latency
from mcuq.fit.regions import Row
from mcuq.plan import Speedup
from mcuq.report import Report, thousands

COMPARED = {  # region: what the column is called
    "static RAM": "static RAM",
    "memory at run time": "run time",
    "largest block": "block",
    "PSRAM": "PSRAM",
    "app partition": "app",
    "stack": "stack",
}


def fit(report: FitReport, sources: bool = False) -> Report:
    """Report a fit check, region by region; with ``sources``, where each number comes from."""
    several = " and " in report.model  # a name has no spaces
    verdict = ("fit" if several else "fits") if report.fits else f"{'do' if several else 'does'} not fit"
    title = (
        f"{report.model} {verdict} {report.board} ({report.chip}, {report.framework} {report.sdk}, "
        f"{report.partition}, {report.arena} arena); bytes:"
    )
    lines = []
    if linked := [row.region for row in report.rows if row.is_linked]:
        estimated = [row.region for row in report.rows if not row.is_linked]
        lines.append(f"read from the linked firmware: {', '.join(linked)}; estimated: {', '.join(estimated)}")
    if report.total_bytes:
        lines.append(
            f"arena {thousands(report.arena_bytes)} bytes, {with_borders(report.arena_bytes, report.total_bytes)}"
        )
    lines += time_lines(report.times)
    lines += chain_lines(report)
    lines += budget_lines(report.smaller)
    if report.speedup:
        lines += speed_lines(report.speedup)
    for s in report.suggestions:
        saves = f"saves {thousands(s.saves)}, " if s.saves else ""
        lines.append(f"it fits with {s.change} ({saves}{thousands(s.free)} bytes free then)")
    lines += report.remarks
    if sources:
        lines += [f"{row.region}: {source}" for row in report.rows for source in row.sources]
        lines += [f"time of {time.model}: {source}" for time in report.times for source in time.sources]
    columns = ["region", ">needed", ">available", ">free", "verdict", "of which"]
    return Report("check", report.to_dict(), title, columns, [_cells(row) for row in report.rows], lines)


def time_lines(times: Sequence[Latency]) -> Iterator[str]:
    """Say how long an inference takes, model by model."""
    for time in times:
        of = f" of {time.model}" if len(times) > 1 else ""
        yield f"an inference{of}: {time.text}"


def chain_lines(report: FitReport) -> Iterator[str]:
    """Say which layers are computed in strips, or that kernels have less scratch, and what it was without."""
    if report.chains:
        yield f"in strips of a few rows: {', '.join(report.chains)}{_unchained(report)}"
    elif report.unchained:
        yield f"kernels with less scratch{_unchained(report)}"


def _unchained(report: FitReport) -> str:
    without = report.unchained
    if without is None:
        return ""
    time = f" and estimated {without.time.short} ms" if without.is_slow else ""
    why = ": strips read weights from flash again" if without.is_slow else ""
    return f"; {thousands(without.total_bytes)} bytes{time} without ({without.by}){why}"


def budget_lines(budgets: Sequence[Budget]) -> Iterator[str]:
    """Say in how much less memory a model fits, and for how many more instructions."""
    if budgets:
        found = [f"{thousands(b.ram)} bytes for {max(0.0, 100 * (b.instructions - 1)):.0f} %" for b in budgets]
        yield f"also fits in {', '.join(found)} more instructions (--ram N)"


def with_borders(arena: int, total: int) -> str:
    """Say what inputs and outputs add to the arena."""
    return f"{thousands(total)} with input and output" if total > arena else "input and output lie inside"


def speed_lines(speedup: Speedup) -> Iterator[str]:
    """Say what faster kernels cost, and which have no room."""
    if speedup.layers:
        yield (
            f"--speed: faster kernels for {', '.join(speedup.layers)}; {thousands(speedup.flash)} bytes of flash and "
            f"{thousands(speedup.arena)} of arena more, about {thousands(speedup.instructions)} instructions less"
        )
    if speedup.kept_back:
        yield f"--speed: no memory is left for the faster kernels of {', '.join(speedup.kept_back)}"
    if not (speedup.layers or speedup.kept_back):
        yield "--speed: nothing to gain, no layer has a faster kernel on this chip"


def _cells(row: Row) -> list[str]:
    numbers = [thousands(number) for number in (row.needed, row.available, row.free)]
    return [row.region, *numbers, row.verdict, ", ".join(f"{what} {thousands(size)}" for what, size in row.breakdown)]


def comparison(reports: Sequence[FitReport]) -> Report:
    """Report the fit check over many boards: what is free in each region."""
    regions = [name for name in COMPARED if any(report.row(name) for report in reports)]
    rows = [
        [
            report.board,
            report.chip,
            report.framework,
            "fits" if report.fits else "no",
            *(thousands(row.free) if (row := report.row(name)) else "" for name in regions),
            report.times[0].short if report.times else "",
        ]
        for report in reports
    ]
    columns = ["board", "chip", "framework", "verdict", *(f">{COMPARED[name]}" for name in regions), ">estimated ms"]
    problems = [report.problem for report in reports if report.problem]
    title = f"{reports[0].model}; bytes free:"
    data = {"boards": [report.to_dict() for report in reports]}
    return Report("check-boards", data, title, columns, rows, problems)
