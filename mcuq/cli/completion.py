"""``mcuq completion``."""

from __future__ import annotations

import argparse

from mcuq.cli.verb import YES, Verbs

WHERE = {
    "bash": 'eval "$(mcuq completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(mcuq completion zsh)" in ~/.zshrc, behind compinit',
    "fish": "mcuq completion fish > ~/.config/fish/completions/mcuq.fish",
}


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    what = "print a script that completes commands, options and boards in a shell"
    epilog = "; ".join(WHERE.values())
    parser = verbs.add_parser("completion", help=what, description=f"{what.capitalize()}.", epilog=f"example: {epilog}")
    parser.add_argument("shell", choices=list(WHERE), help="which shell")
    parser.set_defaults(run=run, verbs=verbs)


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    from mcuq.cli.completing import SHELLS, verbs_of
    from mcuq.report.text import put
    from mcuq.target.board import board_ids

    known = {"board": board_ids(), "framework": ("arduino", "espidf")}
    put(SHELLS[arguments.shell]("mcuq", verbs_of(arguments.verbs, known)))
    return YES
