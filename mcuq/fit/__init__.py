"""Does a model fit a board? The memory regions row by row, and what would help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from mcuq.errors import DoesNotFitError, UsageError
from mcuq.fit import linked, regions
from mcuq.fit.budgets import Budget
from mcuq.fit.chains import planned
from mcuq.fit.elf import Linked
from mcuq.fit.latency import Latency, latency_on
from mcuq.fit.regions import NO_EXTRA, Extra, Place, Row
from mcuq.fit.speed import with_faster_kernels
from mcuq.graph import Graph
from mcuq.plan import Plan, Speedup
from mcuq.target.board import Board, board_ids, load_board
from mcuq.target.setup import PLAIN, Setup

CLEARLY = 0.05  # of the time, by which that of a plan with chains may exceed what was allowed in instructions


@dataclass(frozen=True)
class Suggestion:
    """A change after which the model fits; ``free`` bytes are then left in the region that was short (the first one).

    ``saves`` is what the change itself saves, where it makes the model smaller.
    """

    change: str
    free: int
    saves: int = 0


@dataclass(frozen=True)
class Unchained:
    """What a plan with chains would be without: bytes of arena, inputs and outputs, the time of an inference.

    ``is_slow``: the chains take clearly more time than instructions, ``slower`` percent of which were allowed.
    ``by``: options that give it, in words.
    """

    total_bytes: int
    time: Latency
    is_slow: bool
    by: str = "--slower 0"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "total_bytes": self.total_bytes,
            "milliseconds": round(self.time.milliseconds, 6),
            "is_slow": self.is_slow,
        }


@dataclass(frozen=True)
class FitReport:
    """The answer for one model on one board with one framework.

    ``problem``: why it cannot be asked there at all. ``remarks``: frames that it takes, and what the
    project's own files say otherwise.
    """

    model: str
    board: str
    chip: str
    framework: str
    sdk: str
    partition: str
    arena: str
    rows: tuple[Row, ...]
    suggestions: tuple[Suggestion, ...] = ()
    problem: str = ""
    arena_bytes: int = 0  # without the caller's inputs and outputs
    total_bytes: int = 0  # with them
    speedup: Speedup | None = None
    chains: tuple[str, ...] = ()  # layers that are computed in strips of rows
    unchained: Unchained | None = None
    smaller: tuple[Budget, ...] = ()  # amounts of memory that the model fits in too
    remarks: tuple[str, ...] = ()
    times: tuple[Latency, ...] = ()  # of an inference, by model; never without their error

    def __repr__(self) -> str:
        """Return a line: the verdict, and what is missing or left."""
        free = ", ".join(f"{row.region} {row.free:,} bytes free" for row in self.rows[:3])
        verdict = f"fits {self.board}" if self.fits else f"does not fit {self.board}: {self.shortfall[:120]}"
        return f"<FitReport {self.model} {verdict}{f' ({free})' if self.fits and free else ''}>"

    @property
    def fits(self) -> bool:
        """Whether every region fits."""
        return not self.problem and all(row.fits for row in self.rows)

    @property
    def first_short(self) -> str:
        """The first region that does not fit."""
        return next((row.region for row in self.rows if not row.fits), "")

    def row(self, region: str) -> Row | None:
        """Return the row of a region, or of the first whose name begins like this."""
        return next((row for row in self.rows if row.region.startswith(region)), None)

    @property
    def own_flash(self) -> int | None:
        """Bytes of code, constants and texts without the framework's empty application; None where it is not known."""
        row = self.row("app partition")
        return sum(size for what, size in row.breakdown if not what.startswith("empty ")) if row else None

    @property
    def shortfall(self) -> str:
        """What is missing, in one line; empty if it fits."""
        missing = [
            f"{row.region} needs {row.needed} bytes of {row.available}, {-row.free} missing"
            for row in self.rows
            if not row.fits
        ]
        help_ = f"; it fits with {self.suggestions[0].change}" if self.suggestions else ""
        return "; ".join(missing) + help_ if missing else self.problem

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        without = self.unchained
        return {
            "model": self.model,
            "board": self.board,
            "chip": self.chip,
            "framework": self.framework,
            "sdk": self.sdk,
            "partition": self.partition,
            "arena": self.arena,
            "arena_bytes": self.arena_bytes,
            "total_bytes": self.total_bytes,
            "fits": self.fits,
            "problem": self.problem,
            "regions": [row.to_dict() for row in self.rows],
            "speed": asdict(self.speedup) if self.speedup else None,
            "chains": {"layers": list(self.chains), "without": without.to_dict()} if without else None,
            "smaller": [asdict(budget) for budget in self.smaller],
            "suggestions": [{"change": s.change, "free": s.free, "saves": s.saves} for s in self.suggestions],
            "remarks": list(self.remarks),
            "times": [time.to_dict() for time in self.times],
        }


def check_linked(
    plans: Sequence[Plan], elf: Linked, board: Board, framework: str = "", setup: Setup = PLAIN
) -> FitReport:
    """Compare a linked firmware that holds these models with what a board has.

    Raises:
        UsageError: the firmware is for another kind of chip, or does not hold the models.
    """
    place = Place(board, board.framework(framework), setup)
    rows = linked.rows(plans, elf.require(board.chip), place)
    return replace(_report(" and ".join(plan.graph.name for plan in plans), place, rows), times=times(plans, place))


def times(plans: Sequence[Plan], place: Place) -> tuple[Latency, ...]:
    """Return how long an inference of each model is estimated to take."""
    return tuple(latency_on(plan, place.board, place.framework, place.setup.arena) for plan in plans)


def compare(
    graph: Graph,
    setup: Setup = PLAIN,
    extra: Extra = NO_EXTRA,
    framework: str = "",
    boards: Sequence[Board] = (),
) -> tuple[FitReport, ...]:
    """Check a model against boards, with the kernels of its chip.

    Args:
        graph: the model.
        setup: what surrounds it.
        extra: what the application needs.
        framework: another one than each board's default.
        boards: default: every board that mcuq knows.
    """
    plan_for = cache(lambda kernels: planned(graph, kernels, setup))
    boards = boards or [load_board(name) for name in board_ids()]
    return tuple(_report_or_problem(graph.name, plan_for, Place(b, framework, setup, extra)) for b in boards)


def estimate(plan: Plan, place: Place) -> FitReport:
    """Return the report on a firmware that has not been built, without suggestions."""
    models = " and ".join(p.graph.name for p in (plan, *(model.plan for model in place.beside)))
    report = _report(models, place, regions.estimate(plan, place))
    return replace(
        report,
        arena_bytes=plan.arena_bytes,
        total_bytes=plan.total_bytes,
        speedup=plan.speedup,
        chains=plan.strips.spans,
    )


def unchained(plan: Plan, place: Place) -> Unchained | None:
    """Return what a plan would be without its chains; None where it has none."""
    if plan.unchained is None:
        return None
    (with_, without) = times([plan, plan.unchained], place)
    allowed = 1 + place.setup.percent / 100 + CLEARLY
    is_slow = not place.setup.ram and with_.milliseconds > without.milliseconds * allowed
    left_out = [
        f"no --{option}" for option, is_set in (("ram", place.setup.ram), ("push-rows", plan.rows_arrive)) if is_set
    ]
    return Unchained(plan.unchained.total_bytes, without, is_slow, " and ".join([*left_out, "--slower 0"]))


def _report_or_problem(name: str, plan_for: Callable[[tuple[str, ...]], Plan], asked: Place) -> FitReport:
    board = asked.board
    try:
        board = board.on(asked.setup.platform, asked.framework)
        place = replace(asked, board=board, framework=board.framework(asked.framework))
        plan = with_faster_kernels(plan_for(board.chip.kernels), place)
        return replace(estimate(plan, place), times=times([plan], place))
    except (UsageError, DoesNotFitError) as error:
        place = Place(board, board.framework(), replace(asked.setup, partition=""))
        return replace(_report(name, place, ()), problem=str(error))


def _report(model: str, place: Place, rows: tuple[Row, ...]) -> FitReport:
    board, setup = place.board, place.setup
    table = place.partition.table
    return FitReport(model, board.id, board.chip.id, place.framework, place.sdk.version, table, setup.arena, rows)
