"""``mcuq check``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mcuq.cli.options import (
    add_board,
    add_calibration,
    add_frames,
    add_setup,
    frame_options,
    quantization_options,
    setup_options,
)
from mcuq.cli.verb import NO, YES, Verbs, add_model, add_verb, opened
from mcuq.errors import UsageError

if TYPE_CHECKING:
    from mcuq.archive import Archive


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    example = "model.tflite --board esp32dev --wifi"
    parser = add_verb(verbs, "check", "say whether a model fits a board, before or after it is built", example)
    add_model(parser, "a model, or a project: all its models together")
    add_board(parser, required=False, several=True)
    parser.add_argument("--compare", action="store_true", help="a table over all boards instead of one")
    what = "with --compare or several boards: fit any or all of them; default: any of all boards, all of those given"
    parser.add_argument("--require", choices=["any", "all"], help=what)
    parser.add_argument("--elf", metavar="FILE", type=Path, help="read a linked firmware that holds the model")
    parser.add_argument("--sources", action="store_true", help="say where every number comes from")
    add_calibration(parser)
    add_frames(parser)
    add_setup(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Say whether it fits."""
    from mcuq import checking
    from mcuq.report import show
    from mcuq.report.fit import comparison, fit

    boards, framework, options = arguments.board, arguments.framework, setup_options(arguments)
    is_project = arguments.model.is_dir() and any(arguments.model.glob("*.mcuq"))
    _refuse(arguments, is_project)
    if arguments.compare or len(boards) > 1:
        reports = checking.check_boards(_sized(arguments), framework, options, boards)
        show(comparison(reports), arguments.json)
        wanted = any if (arguments.require or ("all" if boards else "any")) == "any" else all
        return YES if wanted(r.fits for r in reports) else NO
    board = "".join(boards)
    if arguments.elf:
        result = checking.check_built(arguments.model, arguments.elf, board, framework, options)
    elif is_project:
        result = checking.check_project(arguments.model, board, framework, options)
    else:
        folder = checking.project_of(arguments.model)
        result = checking.check_model(_sized(arguments), board, framework, options, folder, budgets=True)
    show(fit(result, arguments.sources), arguments.json)
    return YES if result.fits else NO


def _refuse(arguments: argparse.Namespace, is_project: bool) -> None:
    """Refuse what does not go together."""
    boards = arguments.board
    if arguments.compare and (boards or arguments.elf):
        raise UsageError("--compare asks all boards, before anything is built: give neither --board nor --elf with it")
    if len(boards) > 1 and arguments.elf:
        raise UsageError("--elf is firmware for one board: give one --board with it")
    if arguments.require and not (arguments.compare or len(boards) > 1):
        raise UsageError("--require is for --compare, or for several boards")
    if frame_options(arguments) and (is_project or arguments.elf):
        raise UsageError("--pixels is for a model before it is built: a project and its firmware have what was decided")
    if is_project and (arguments.compare or len(boards) > 1):
        raise UsageError(f"{arguments.model}: several boards take a model, not a project")
    if not (boards or arguments.compare or arguments.elf or is_project):
        raise UsageError("check needs --board B, --compare or --elf FILE")


def _sized(arguments: argparse.Namespace) -> Archive:
    """Read a model for its sizes; those of a float model are known without samples."""
    from mcuq import loading
    from mcuq.verbs.forms import behind_camera

    frames = frame_options(arguments)
    if arguments.calibration:
        model = opened(arguments)
    else:
        model = loading.open_for_sizes(arguments.model, quantization_options(arguments), arguments.load_timeout)
    return behind_camera(model, frames) if frames else model
