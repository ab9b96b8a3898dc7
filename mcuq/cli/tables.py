"""``mcuq boards`` and ``mcuq ops``."""

from __future__ import annotations

import argparse

from mcuq.cli.verb import YES, Verbs, add_verb


def add(verbs: Verbs) -> None:
    """Add the verbs."""
    add_verb(verbs, "boards", "list the boards and what they have", "").set_defaults(run=run)
    add_verb(verbs, "ops", "list the operators and their constraints", "").set_defaults(run=_ops)


def run(arguments: argparse.Namespace) -> int:
    """List the boards."""
    from mcuq.report import show
    from mcuq.report.catalogue import boards

    show(boards(), arguments.json)
    return YES


def _ops(arguments: argparse.Namespace) -> int:
    from mcuq.report import show
    from mcuq.report.catalogue import operators

    show(operators(), arguments.json)
    return YES
