"""``mcuq gate``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mcuq.cli.verb import NO, YES, Verbs, add_verb


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    what = "say whether a model keeps to the limits in mcuq.toml or pyproject.toml"
    parser = add_verb(verbs, "gate", what, "--junit gate.xml")
    help_place = "an mcuq.toml or pyproject.toml, or its folder; default: this one"
    parser.add_argument("place", metavar="PLACE", nargs="?", default=Path(), type=Path, help=help_place)
    parser.add_argument("--junit", metavar="FILE", type=Path, help="write the verdicts as JUnit's XML too")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write them as a table for a pull request too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare a model with its limits."""
    from mcuq.files import write_file
    from mcuq.report import gate, show
    from mcuq.report.progress import stages
    from mcuq.verbs import gating

    with stages() as progress:
        result = gating.gate(arguments.place, progress=progress)
    if arguments.junit:
        write_file(arguments.junit, gate.junit(result))
    if arguments.markdown:
        write_file(arguments.markdown, gate.markdown(result).encode())
    show(gate.gate(result), arguments.json)
    return YES if result.passed else NO
