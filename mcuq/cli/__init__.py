"""The command line: one file per verb, with ``add(verbs)`` for its arguments and ``run(arguments)``; no other logic.

Exit status: 0 = yes, 1 = a clear no (does not fit, bytes differ), 2 = bad input or usage.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from mcuq import __version__
from mcuq.cli import (
    build,
    check,
    compare,
    completion,
    doctor,
    evaluate,
    gate,
    inspect,
    quantize,
    report,
    search,
    simulate,
    tables,
    verify,
)
from mcuq.cli.stopping import INTERRUPTED, TERMINATED, Terminated, terminable
from mcuq.cli.verb import BAD_INPUT, NO, YES
from mcuq.errors import ClearNoError, McuqError
from mcuq.report.text import complain, flush, prepare_streams

VERBS = (
    build,
    quantize,
    evaluate,
    search,
    check,
    inspect,
    simulate,
    verify,
    compare,
    gate,
    report,
    tables,
    doctor,
    completion,
)


class _Once(argparse.Action):
    """An option with one value: a second one would silently drop the first, so it is refused."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        given: frozenset[str] = getattr(namespace, "_given", frozenset())
        if option and self.dest in given:
            parser.error(f"{option} is given twice, and takes one value")
        namespace._given = given | {self.dest}
        setattr(namespace, self.dest, values)


class _Parser(argparse.ArgumentParser):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.register("action", None, _Once)

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    prepare_streams()
    try:
        with terminable():
            status = _run(argv)
            flush()
            return status
    except ClearNoError as error:
        return _fail(error, NO)
    except McuqError as error:
        return _fail(error, BAD_INPUT)
    except OSError as error:  # such as a path that the system does not take
        complain(f"mcuq: error: {error.filename or 'mcuq'}: {error.strerror or error}")
        return BAD_INPUT
    except KeyboardInterrupt as stop:
        complain("mcuq: interrupted")
        return TERMINATED if isinstance(stop, Terminated) else INTERRUPTED


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit:
        flush()
        raise
    return int(arguments.run(arguments))


def _fail(error: McuqError, status: int) -> int:
    complain(f"mcuq: error: {error}")
    return status


def _help(parser: argparse.ArgumentParser) -> int:
    parser.print_help()
    return YES


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mcuq",
        description="Turn a trained network into integer-only C for an ESP32 board, and know before flashing "
        "that it fits and which bytes it will compute.",
        epilog="example: mcuq build model.tflite --board esp32dev --out project",
    )
    parser.add_argument("--version", action="version", version=f"mcuq {__version__}")
    parser.set_defaults(run=lambda arguments: _help(parser))
    verbs = parser.add_subparsers(metavar="VERB")
    for verb in VERBS:
        verb.add(verbs)
    return parser
