"""``mcuq verify``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mcuq.cli.options import add_classes, add_reading
from mcuq.cli.verb import NO, YES, Verbs, add_verb
from mcuq.errors import UsageError


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    what = "run a project's C and compare every byte with the simulator"
    parser = add_verb(verbs, "verify", what, "project")
    parser.add_argument("project", metavar="DIR", type=Path)
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--engine", choices=["host", "rv32", "xtensa", "s3"], default="host", help="build it and run it there"
    )
    where.add_argument("--port", default="", metavar="P", help="a board that runs it: /dev/ttyUSB0, COM3, socket://…")
    parser.add_argument("--record", metavar="FILE", type=Path, help="with --port: what the board took, as JSON to send")
    parser.add_argument("--data", metavar="X.npy", type=Path, help="samples instead of the project's vectors")
    add_reading(parser)
    add_classes(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare the project's C with the simulator."""
    from mcuq import verification
    from mcuq.report import runs, show
    from mcuq.report.progress import progress
    from mcuq.verbs import recording

    if arguments.record and not arguments.port:
        raise UsageError("--record is of a board: give its --port with it")

    with progress("verifying", None) as advance:
        results = verification.verify_project(
            arguments.project,
            arguments.engine,
            arguments.port,
            arguments.data,
            samples=arguments.samples,
            classes=arguments.classes,
            progress=advance,
        )
    kept = recording.keep(arguments.project, results, arguments.record) if arguments.port else []
    show(runs.verification(results, kept), arguments.json)
    return YES if all(result.passed for result in results) else NO
