"""``mcuq doctor``."""

from __future__ import annotations

import argparse

from mcuq.cli.verb import YES, Verbs, add_verb


def add(verbs: Verbs) -> None:
    """Add the verb."""
    what = "say what of extras, compilers, emulators and PlatformIO is installed, and how to get the rest"
    add_verb(verbs, "doctor", what, "").set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Look, and report; what is missing is no failure."""
    from mcuq.engines.installed import installed
    from mcuq.report import show
    from mcuq.report.doctor import doctor

    show(doctor(list(installed())), arguments.json)
    return YES
