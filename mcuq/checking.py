"""Fit checks beyond one model on one board: every board, and firmware that has been linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcuq import archive, fit, loading, pipeline
from mcuq.archive import Archive
from mcuq.emit.names import require_names
from mcuq.errors import UsageError
from mcuq.fit import FitReport
from mcuq.fit.budgets import smaller
from mcuq.fit.check import check_fit
from mcuq.fit.elf import read_elf
from mcuq.fit.latency import Latency, of_measured
from mcuq.passes.frames import frame_notes
from mcuq.plan import Plan
from mcuq.target.board import Board
from mcuq.target.measured import measured_path, read_measured
from mcuq.target.platformio_ini import disagreements
from mcuq.verification import model_files

NO_OPTIONS: Mapping[str, Any] = {}


def check_model(
    content: Archive,
    board: str,
    framework: str = "",
    options: Mapping[str, Any] = NO_OPTIONS,
    folder: Path | None = None,
    *,
    budgets: bool = False,
) -> FitReport:
    """Compare what a model needs with what a board has.

    Args:
        content: the model, with the setup of its project if it has one.
        board: an id, or a ``.toml`` file.
        framework: default: the board's first.
        options: fields of ``Setup`` that replace the recorded ones; None is none.
        folder: of the project that the model lies in.
        budgets: find smaller amounts of memory too, with their price.
    """
    found, framework, setup = pipeline.placed(content, board, framework, options)
    plan = pipeline.compile_for(content, found, framework, setup)
    require_names(plan)
    report = pipeline.check_fit(plan, found, framework, setup)
    report = replace(report, smaller=smaller(plan, setup) if budgets else ())
    return known_in(report, folder, found, [plan])


def project_of(path: Path) -> Path | None:
    """Return the folder that may be the project of a model's file, or is given in its place; None: there is none."""
    return path if path.is_dir() else path.parent if path.suffix == ".mcuq" else None


def known_in(report: FitReport, folder: Path | None, board: Board, plans: Sequence[Plan]) -> FitReport:
    """Return a report with frames that are taken, what ``platformio.ini`` says otherwise, and what the board took.

    Args:
        report: of these plans on this board.
        folder: the project; None: there is none.
        board: where it shall run.
        plans: its models.
    """
    frames = tuple(note for plan in plans for note in frame_notes((plan.unchained or plan).graph))
    if folder is None:
        return replace(report, remarks=frames)
    known = [_measured(folder, plan, board, report.framework) for plan in plans]
    times = tuple(found or time for found, time in zip(known, report.times, strict=True))
    said = disagreements(folder, board, report.framework, report.partition)
    return replace(report, remarks=(*frames, *said), times=times)


def _measured(folder: Path, plan: Plan, board: Board, framework: str) -> Latency | None:
    """Return what a board was measured to take, where that was this model with these kernels on this board."""
    path = measured_path(folder, plan.graph.name)
    found = read_measured(path) if path.exists() else None
    kernels = [(step.name, step.params.kernel) for step in plan.steps]
    if found is None or not found.is_of(archive.digest(plan.graph), kernels):
        return None
    return of_measured(found, plan) if (found.board, found.framework) == (board.id, framework) else None


def check_project(
    project: Path, board: str = "", framework: str = "", options: Mapping[str, Any] = NO_OPTIONS
) -> FitReport:
    """Compare what all models of a project need together with what a board has.

    Args:
        project: a folder that ``mcuq build`` wrote.
        board: default: the one that it was written for.
        framework: default: the project's.
        options: fields of ``Setup`` that replace the recorded ones of the first model; None is none.
    """
    first = archive.read(model_files(project)[0])
    if not board and not first.board:
        raise UsageError("a board is needed; `mcuq boards` lists them")
    found, framework, setup = pipeline.placed(first, board or first.board, framework, options)
    plan = pipeline.compile_for(first, found, framework, setup)
    beside = pipeline.project_neighbours(project, first.graph.name, found)
    report = check_fit(plan, found, framework, setup, pipeline.application_extra(plan), beside=beside)
    return known_in(report, project, found, [plan, *(model.plan for model in beside)])


def check_boards(
    content: Archive, framework: str = "", options: Mapping[str, Any] = NO_OPTIONS, boards: Sequence[str] = ()
) -> tuple[FitReport, ...]:
    """Compare what a model needs with what some boards have, with this framework (default: each board's).

    Args:
        content: the model.
        framework: default: each board's first.
        options: fields of ``Setup`` that replace the recorded ones; None is none.
        boards: ids, or ``.toml`` files; none: every board that mcuq knows.
    """
    plan = pipeline.compile(content.graph)
    require_names(plan)
    setup = content.setup_for("", "").updated(options)
    chosen = [pipeline.board_for(content, board) for board in boards]
    return fit.compare(plan.graph, setup, pipeline.application_extra(plan), framework, chosen)


def check_built(
    path: Path, elf: Path, board: str = "", framework: str = "", options: Mapping[str, Any] = NO_OPTIONS
) -> FitReport:
    """Compare a linked firmware with what a board has.

    Args:
        path: a project, all of whose models the firmware holds, or one model.
        elf: the firmware, as the linker left it.
        board: default: the one that the project was written for.
        framework: default: the project's.
        options: fields of ``Setup`` that replace the project's; None is none.

    Raises:
        UsageError: the firmware is none, is for another chip, or holds other models.
    """
    contents = [loading.open_model(file) for file in (model_files(path) if path.is_dir() else [path])]
    first = contents[0]
    if not board and not first.board:
        raise UsageError("a board is needed; `mcuq boards` lists them")
    found, framework, setup = pipeline.placed(first, board or first.board, framework, options)
    plans = [pipeline.compile_for(content, found, framework, setup) for content in contents]
    report = fit.check_linked(plans, read_elf(elf), found, framework, setup)
    return known_in(report, path if path.is_dir() else None, found, plans)
