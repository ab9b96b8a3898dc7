"""``mcuq compare``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mcuq.cli.options import add_reading
from mcuq.cli.verb import YES, Verbs, add_verb


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    what = "compare two quantized models, or reports: bytes, accuracy, instructions, layer by layer"
    parser = add_verb(verbs, "compare", what, "old.mcuq new.mcuq --board esp32dev")
    parser.add_argument(
        "before", metavar="A", type=Path, help="a quantized model, a project with one, or a report.html"
    )
    parser.add_argument("after", metavar="B", type=Path, help="the same, to compare with it")
    parser.add_argument("--board", default="", metavar="ID", help="where bytes are compared; default: the models' own")
    parser.add_argument("--data", metavar="D", type=Path, help="labelled samples, for accuracy")
    add_reading(parser)
    what = "count those of an inference on the emulated chip"
    parser.add_argument("--instructions", action="store_true", help=what)
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write tables for a pull request too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show both, side by side."""
    from mcuq.files import write_file
    from mcuq.report import comparing, show
    from mcuq.report.progress import stages
    from mcuq.verbs.comparing import compare

    with stages() as progress:
        found = compare(
            arguments.before,
            arguments.after,
            arguments.board,
            data=arguments.data,
            samples=arguments.samples,
            instructions=arguments.instructions,
            progress=progress,
        )
    if arguments.markdown:
        write_file(arguments.markdown, comparing.markdown(found).encode())
    show(comparing.comparison(found), arguments.json)
    return YES
