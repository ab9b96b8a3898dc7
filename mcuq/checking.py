"""Fit checks beyond one model on one board: every board, and firmware that has been linked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcuq import archive, fit, loading, pipeline
from mcuq.archive import Archive
from mcuq.errors import UsageError
from mcuq.fit import FitReport
from mcuq.fit.check import check_fit
from mcuq.fit.elf import read_elf
from mcuq.verification import model_files

NO_OPTIONS: Mapping[str, Any] = {}


def check_model(
    content: Archive, board: str, framework: str = "", options: Mapping[str, Any] = NO_OPTIONS
) -> FitReport:
    """Compare what a model needs with what a board has.

    Args:
        content: the model, with the setup of its project if it has one.
        board: an id, or a ``.toml`` file.
        framework: default: the board's first.
        options: fields of ``Setup`` that replace the recorded ones; None is none.
    """
    found, framework, setup = pipeline.placed(content, board, framework, options)
    plan = pipeline.compile_for(content, found, framework, setup)
    return pipeline.check_fit(plan, found, framework, setup)


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
    return check_fit(plan, found, framework, setup, pipeline.application_extra(plan), beside=beside)


def check_boards(
    content: Archive, framework: str = "", options: Mapping[str, Any] = NO_OPTIONS
) -> tuple[FitReport, ...]:
    """Compare what a model needs with what every board has, with this framework (default: each board's)."""
    plan = pipeline.compile(content.graph)
    setup = content.setup_for("", "").updated(options)
    return fit.compare(plan.graph, setup, pipeline.application_extra(plan), framework)


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
    return fit.check_linked(plans, read_elf(elf), found, framework, setup)
