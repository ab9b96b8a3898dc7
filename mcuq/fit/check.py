"""The fit check of one model on one board, with what would help where it does not fit."""

from __future__ import annotations

from dataclasses import replace

from mcuq.fit import FitReport, estimate, times, unchained
from mcuq.fit.regions import NO_EXTRA, Extra, Neighbour, Place
from mcuq.fit.suggestions import suggestions
from mcuq.plan import Plan
from mcuq.target.board import Board
from mcuq.target.setup import PLAIN, Setup


def check_fit(
    plan: Plan,
    board: Board,
    framework: str = "",
    setup: Setup = PLAIN,
    extra: Extra = NO_EXTRA,
    *,
    beside: tuple[Neighbour, ...] = (),
) -> FitReport:
    """Compare what a plan needs with what a board has.

    Args:
        plan: lowered for the board's chip.
        board: where it shall run.
        framework: "arduino" or "espidf"; empty: the board's default.
        setup: what surrounds the model there.
        extra: what the application in lib/mcuq needs beside it.
        beside: the other models of the firmware.

    Raises:
        UsageError: a framework, partition table or radio that the board does not have.
        McuqError: a kernel that has not been measured.
    """
    place = Place(board, board.framework(framework), setup, extra, beside)
    plans = [plan, *(model.plan for model in beside)]
    report = replace(estimate(plan, place), times=times(plans, place), unchained=unchained(plan, place))
    return report if report.fits else replace(report, suggestions=tuple(suggestions(plan, place, report)))
