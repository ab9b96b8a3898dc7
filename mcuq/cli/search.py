"""``mcuq search``."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mcuq.cli.options import (
    add_board,
    add_classes,
    add_reading,
    add_scheme,
    add_setup,
    quantization_options,
    require_mcuq,
    setup_options,
)
from mcuq.cli.verb import YES, Verbs, add_model, add_verb

if TYPE_CHECKING:
    from mcuq.search import Request

FORMATS = "8,4,cb4,2"  # not cb16: as large as 4 bits, for which chips have kernels of their own


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    example = "model.keras --data D.npz --board esp32dev --max-drop 1.0 --out model.mcuq"
    parser = add_verb(verbs, "search", "find the fewest bits per layer within a loss of accuracy", example)
    add_model(parser, "a float model, or a .mcuq file made from one")
    add_board(parser, required=True)
    what = "labelled samples (.npz: X, Y) that score; without --calibration the first tenth calibrates instead"
    parser.add_argument("--data", required=True, metavar="D", type=Path, help=what)
    what = "the model; M.mcuq.journal keeps what was measured, and a search that was killed goes on from there"
    parser.add_argument("--out", required=True, metavar="M.mcuq", type=Path, help=what)
    what = "points of accuracy that may be lost, counted from the same model with 8 bits throughout; default: 1.0"
    parser.add_argument("--max-drop", type=_points, default=1.0, metavar="P", help=what)
    what = "standard errors by which the loss must stay below that, against lucky choices; default: 1"
    parser.add_argument("--margin", type=_margin, default=1.0, metavar="K", help=what)
    what = f"bits (8, 4, 2) and codebooks (cb16, cb4) to choose from; default: {FORMATS}"
    parser.add_argument("--formats", default=FORMATS, metavar="F,…", help=what)
    what = "begin with bits by estimate whose weights take so much (50%% of 8 bits', or 24K), and refine these"
    parser.add_argument("--weight-bytes", default="", metavar="N", help=what)
    add_reading(parser)
    add_classes(parser)
    engine = parser.add_mutually_exclusive_group()
    engine.add_argument("--jobs", type=_jobs, default=-1, metavar="N", help="processes; default: one per processor")
    engine.add_argument("--dask", default="", metavar="ADDRESS", help="measure on a Dask cluster: tcp://host:8786")
    group = parser.add_argument_group("quantization")
    group.add_argument("--calibration", metavar="C", type=Path, help="samples to calibrate with; all of D score then")
    add_scheme(group)
    add_setup(parser)
    parser.set_defaults(run=run)


def _points(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (number := float(text)) <= 100:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number of points, 0 to 100")


def _margin(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (number := float(text)) <= 10:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number of standard errors, 0 to 10")


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes; give 1 or more")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Search; write the model that was found."""
    from mcuq import archive
    from mcuq.files import write_file
    from mcuq.report import show
    from mcuq.report.progress import stages
    from mcuq.report.search import search as table_of
    from mcuq.search import search, table

    request = _request(arguments)
    with stages() as progress:
        outcome = search(request, progress)
        content = archive.dump(outcome.model)
        write_file(request.out, content)
        rows = table.rows(outcome, progress)
    show(table_of(outcome, rows, request.out, len(content)), arguments.json)
    return YES


def _request(arguments: argparse.Namespace) -> Request:
    from mcuq.quantization import Options
    from mcuq.search import Request
    from mcuq.search.formats import parse_formats
    from mcuq.target.board import load_board
    from mcuq.target.setup import Setup

    require_mcuq(arguments.out)
    setup = Setup().updated(setup_options(arguments))
    board = load_board(arguments.board).on(setup.platform, arguments.framework)
    return Request(
        model=arguments.model,
        data=arguments.data,
        calibration=arguments.calibration,
        place=(board, board.framework(arguments.framework), setup),
        options=Options(**{**quantization_options(arguments), "weight_bytes": ""}),
        max_drop=arguments.max_drop,
        margin=arguments.margin,
        out=arguments.out,
        formats=parse_formats(arguments.formats),
        samples=arguments.samples,
        classes=arguments.classes,
        jobs=arguments.jobs,
        dask=arguments.dask,
        weight_bytes=arguments.weight_bytes,
        load_timeout=arguments.load_timeout,
    )
