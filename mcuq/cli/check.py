"""``mcuq check``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mcuq.cli.options import add_board, add_calibration, add_setup, quantization_options, setup_options
from mcuq.cli.verb import NO, YES, Verbs, add_model, add_verb, opened
from mcuq.errors import UsageError

if TYPE_CHECKING:
    from mcuq.archive import Archive


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    example = "model.tflite --board esp32dev --wifi"
    parser = add_verb(verbs, "check", "say whether a model fits a board, before or after it is built", example)
    add_model(parser, "a model, or a project: all its models together")
    add_board(parser, required=False)
    parser.add_argument("--compare", action="store_true", help="a table over all boards instead of one")
    parser.add_argument("--elf", metavar="FILE", type=Path, help="read a linked firmware that holds the model")
    parser.add_argument("--sources", action="store_true", help="say where every number comes from")
    add_calibration(parser)
    add_setup(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Say whether it fits."""
    from mcuq import checking
    from mcuq.report import show
    from mcuq.report.fit import comparison, fit

    board, framework, options = arguments.board or "", arguments.framework, setup_options(arguments)
    if arguments.compare and (board or arguments.elf):
        raise UsageError("--compare asks all boards, before anything is built: give neither --board nor --elf with it")
    is_project = arguments.model.is_dir() and any(arguments.model.glob("*.mcuq"))
    if is_project and arguments.compare:
        raise UsageError(f"{arguments.model}: --compare takes a model, not a project")
    if not (board or arguments.compare or arguments.elf or is_project):
        raise UsageError("check needs --board B, --compare or --elf FILE")
    if arguments.compare:
        reports = checking.check_boards(_sized(arguments), framework, options)
        show(comparison(reports), arguments.json)
        return YES if any(r.fits for r in reports) else NO
    if arguments.elf:
        result = checking.check_built(arguments.model, arguments.elf, board, framework, options)
    elif is_project:
        result = checking.check_project(arguments.model, board, framework, options)
    else:
        result = checking.check_model(_sized(arguments), board, framework, options)
    show(fit(result, arguments.sources), arguments.json)
    return YES if result.fits else NO


def _sized(arguments: argparse.Namespace) -> Archive:
    """Read a model for its sizes; those of a float model are known without samples."""
    from mcuq import loading

    if arguments.calibration:
        return opened(arguments)
    return loading.open_for_sizes(arguments.model, quantization_options(arguments), arguments.load_timeout)
