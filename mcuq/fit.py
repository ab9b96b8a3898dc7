"""Does a plan fit a board? One row per memory region, with the bytes, their sources, and what would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from mcuq import footprint
from mcuq.board import Board, board_ids, known_partitions, load_board
from mcuq.footprint import Breakdown, total
from mcuq.graph import Graph
from mcuq.plan import Plan, build_plan

MAX_BOARDS_SUGGESTED = 3


@dataclass(frozen=True)
class Row:
    """One memory region: what is needed, of how much, and where the numbers come from."""

    region: str
    breakdown: Breakdown
    available: int
    sources: tuple[str, ...]

    @property
    def needed(self) -> int:
        """Bytes needed."""
        return total(self.breakdown)

    @property
    def free(self) -> int:
        """Bytes left over; negative: the bytes missing."""
        return self.available - self.needed

    @property
    def fits(self) -> bool:
        """Whether nothing is missing."""
        return self.free >= 0

    @property
    def verdict(self) -> str:
        """In words."""
        return "fits" if self.fits else "does not fit"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "region": self.region,
            "needed": self.needed,
            "available": self.available,
            "free": self.free,
            "verdict": self.verdict,
            "breakdown": dict(self.breakdown),
            "sources": list(self.sources),
        }


@dataclass(frozen=True)
class Suggestion:
    """A change after which the model fits, and the bytes then free in the region that was short (the first of them)."""

    change: str
    free: int


@dataclass(frozen=True)
class FitReport:
    """The answer for one model on one board with one framework."""

    model: str
    board: str
    chip: str
    framework: str
    sdk: str
    partition: str
    rows: tuple[Row, ...]
    suggestions: tuple[Suggestion, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether every region fits."""
        return all(row.fits for row in self.rows)

    @property
    def shortfall(self) -> str:
        """What is missing, in one line; empty if it fits."""
        missing = [
            f"{row.region} needs {row.needed} bytes of {row.available}, {-row.free} missing"
            for row in self.rows
            if not row.fits
        ]
        help_ = f"; it fits with {self.suggestions[0].change}" if self.suggestions else ""
        return "; ".join(missing) + help_ if missing else ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "model": self.model,
            "board": self.board,
            "chip": self.chip,
            "framework": self.framework,
            "sdk": self.sdk,
            "partition": self.partition,
            "fits": self.fits,
            "regions": [row.to_dict() for row in self.rows],
            "suggestions": [{"change": s.change, "free": s.free} for s in self.suggestions],
        }


@dataclass(frozen=True)
class Extra:
    """Bytes that the application needs beside the plan: constants in flash, static RAM."""

    constants: int = 0
    ram: int = 0


def check_fit(
    plan: Plan,
    board: Board,
    framework: str = "",
    extra_constant_bytes: int = 0,
    *,
    extra_ram_bytes: int = 0,
    partition: str = "",
) -> FitReport:
    """Compare what a plan needs with what a board has.

    Args:
        plan: lowered for the board's chip.
        board: where it shall run.
        framework: "arduino" or "espidf"; empty: the board's default.
        extra_constant_bytes: constants of the application, such as self-test vectors.
        extra_ram_bytes: static data of the application, such as its input and output.
        partition: a partition table other than the board's, by the name of its CSV file.

    Raises:
        UsageError: a framework or partition table that the board does not have.
        McuqError: a kernel that has not been measured.
    """
    extra = Extra(extra_constant_bytes, extra_ram_bytes)
    report = _report(plan, board, board.framework(framework), partition, extra)
    if report.fits:
        return report
    return replace(report, suggestions=tuple(_suggestions(plan, board, report, extra)))


def compare(graph: Graph, extra_constant_bytes: int = 0, extra_ram_bytes: int = 0) -> tuple[FitReport, ...]:
    """Check a model against every board with its default framework, lowered anew for each chip."""
    plan_for = cache(lambda chip: build_plan(graph, chip))
    extra = Extra(extra_constant_bytes, extra_ram_bytes)
    boards = [load_board(name) for name in board_ids()]
    return tuple(_report(plan_for(b.chip.id), b, b.framework(), "", extra) for b in boards)


def _report(plan: Plan, board: Board, framework: str, partition: str, extra: Extra) -> FitReport:
    sdk, table = board.sdk(framework), board.partition(framework, partition)
    rows = (
        _static_ram(plan, board, framework, extra),
        _app_partition(plan, board, framework, table.table, extra),
        _const_window(plan, board, framework, extra),
        _stack(plan, board, framework),
    )
    return FitReport(plan.graph.name, board.id, board.chip.id, framework, sdk.version, table.table, rows)


def _static_ram(plan: Plan, board: Board, framework: str, extra: Extra) -> Row:
    """Arena and static data of an empty application, and the IRAM code that shares their memory."""
    sdk = board.sdk(framework)
    amounts = [sdk.static_limit, sdk.base_static, *(a for a in (sdk.base_iram, sdk.iram_apart) if a)]
    parts = _parts(
        ("arena", plan.arena_bytes),
        ("input and output", extra.ram),
        (f"empty {framework} application", sdk.base_static.bytes),
        ("code in IRAM", sdk.iram_spill),
    )
    return Row("static RAM", parts, sdk.static_limit.bytes, tuple(a.source for a in amounts))


def _app_partition(plan: Plan, board: Board, framework: str, partition: str, extra: Extra) -> Row:
    """Everything flashed as the application: constants, code, and the framework's image."""
    sdk, app = board.sdk(framework), board.partition(framework, partition).app
    isa = board.chip.isa
    parts = _parts(
        *footprint.constants(plan),
        ("self-test vectors", extra.constants),
        *footprint.code(plan, isa),
        (f"empty {framework} application", sdk.base_image.bytes),
    )
    sources = (app.source, sdk.base_image.source, f"code: {footprint.measured(isa).source}")
    return Row("app partition", parts, app.bytes, sources)


def _const_window(plan: Plan, board: Board, framework: str, extra: Extra) -> Row:
    """Constants that the chip must map from flash; code too where both share one window.

    The framework's whole image is counted, an upper bound of its read-only data.
    """
    sdk, chip = board.sdk(framework), board.chip
    parts = _parts(
        *footprint.constants(plan),
        ("self-test vectors", extra.constants),
        *(footprint.code(plan, chip.isa) if chip.code_shares_const_window else ()),
        (f"empty {framework} application", sdk.base_image.bytes),
    )
    return Row("constant window", parts, chip.const_window.bytes, (chip.const_window.source, sdk.base_image.source))


def _stack(plan: Plan, board: Board, framework: str) -> Row:
    sdk, isa = board.sdk(framework), board.chip.isa
    sources = (sdk.task_stack.source, f"frames: {footprint.measured(isa).source}")
    return Row(f"stack of {sdk.task}", footprint.stack(plan, isa), sdk.task_stack.bytes, sources)


def _suggestions(plan: Plan, board: Board, report: FitReport, extra: Extra) -> Iterator[Suggestion]:
    """Yield changes that were checked to help: the least effort first, then other boards by name."""
    short = next(index for index, row in enumerate(report.rows) if not row.fits)
    tables = ((t, _report(plan, board, report.framework, t, extra)) for t in _larger_partitions(board, report))
    frameworks = ((f, _report(plan, board, f, "", extra)) for f in board.frameworks if f != report.framework)
    for table, found in tables:
        if found.fits:
            yield Suggestion(f"board_build.partitions = {table} in platformio.ini", found.rows[short].free)
            break
    for framework, found in frameworks:
        if found.fits:
            yield Suggestion(f"--framework {framework}", found.rows[short].free)
    others = [r for r in compare(plan.graph, extra.constants, extra.ram) if r.board != board.id and r.fits]
    for found in others[:MAX_BOARDS_SUGGESTED]:
        yield Suggestion(f"--board {found.board}", found.rows[short].free)


def _larger_partitions(board: Board, report: FitReport) -> list[str]:
    """Return partition tables of the framework that the board's flash holds and that give more room, smallest first."""
    current = board.partition(report.framework, report.partition).app.bytes
    known = known_partitions(report.framework).values()
    larger = [p for p in known if p.app.bytes > current and p.flash.bytes <= board.flash.bytes]
    return [p.table for p in sorted(larger, key=lambda p: p.app.bytes)]


def _parts(*parts: tuple[str, int]) -> Breakdown:
    return tuple(part for part in parts if part[1])
