"""``mcuq build``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mcuq.cli.options import add_board, add_calibration, add_setup, setup_options
from mcuq.cli.verb import YES, Verbs, add_model, add_verb, opened


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    example = "model.tflite --board esp32dev --out project"
    parser = add_verb(verbs, "build", "check a model, simulate it and write its PlatformIO project", example)
    add_model(parser)
    add_board(parser, required=True)
    parser.add_argument("--out", required=True, metavar="DIR", type=Path, help="the project; a second model is added")
    parser.add_argument("--name", default="", metavar="N", help="the model's name in C; default: the file's")
    add_calibration(parser)
    add_setup(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the project; say what was decided."""
    from mcuq import pipeline
    from mcuq.report import show
    from mcuq.report.build import build
    from mcuq.target.board import load_board

    model = opened(arguments)
    board = load_board(arguments.board)
    framework = board.framework(arguments.framework)
    setup = model.setup_for(board.id, framework).updated(setup_options(arguments))
    written = pipeline.write_project(model, board, arguments.out, framework, arguments.name, setup=setup)
    show(build(written, arguments.out), arguments.json)
    return YES
