"""``mcuq report``."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from mcuq.cli.options import add_board, add_calibration, add_setup, add_task, setup_options
from mcuq.cli.verb import YES, Verbs, add_model, add_verb, opened


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    what = "write a page of a model on a board: memory, layers, accuracy, values, graph"
    parser = add_verb(verbs, "report", what, "model.mcuq --board esp32dev --data X.npz --out report.html")
    add_model(parser)
    add_board(parser, required=False)
    parser.add_argument("--out", default=Path("report.html"), metavar="FILE", type=Path, help="default: report.html")
    what = "samples as the model was trained, to judge its answers and layers by; .npz: key X, labels Y"
    parser.add_argument("--data", metavar="D", type=Path, help=what)
    what = "count instructions on the emulated chip; default: where the emulator is there"
    parser.add_argument("--instructions", action=argparse.BooleanOptionalAction, default=None, help=what)
    add_task(parser)
    add_calibration(parser)
    add_setup(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the page."""
    from mcuq.checking import project_of
    from mcuq.errors import UsageError
    from mcuq.files import write_file
    from mcuq.page.gathering import html
    from mcuq.report import show
    from mcuq.report.page import page as said
    from mcuq.report.progress import stages
    from mcuq.samples.task import Said
    from mcuq.verbs.reporting import Asked, report

    model = opened(arguments)
    board = arguments.board or model.board
    if not board:
        raise UsageError("report needs --board B; `mcuq boards` lists them")
    files = {"model": arguments.model, "data": arguments.data, "calibration": arguments.calibration}
    asked = Asked(
        data=arguments.data,
        samples=arguments.samples,
        classes=arguments.classes,
        said=Said(arguments.task or "", arguments.threshold),
        instructions=arguments.instructions,
        command=_command(sys.argv[1:]),
        files={what: path for what, path in files.items() if path},
        folder=project_of(arguments.model),
    )
    with stages() as progress:
        page = report(model, board, asked, progress, framework=arguments.framework, options=setup_options(arguments))
    content = html(page)
    write_file(arguments.out, content)
    show(said(page, arguments.out, len(content), model.notes), arguments.json)
    return YES


def _command(words: Sequence[str]) -> str:
    """Return the command without folders, which are different everywhere."""
    return shlex.join(["mcuq", *(Path(word).name if "/" in word or "\\" in word else word for word in words)])
