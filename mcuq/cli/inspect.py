"""``mcuq inspect``."""

from __future__ import annotations

import argparse

from mcuq.cli.verb import YES, Verbs, add_model, add_verb


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    what = "list a model's layers, shapes, parameters, MACs and quantization"
    parser = add_verb(verbs, "inspect", what, "model.tflite")
    add_model(parser)
    parser.add_argument("--memory", action="store_true", help="the arena over time: what is live when, and the peak")
    parser.add_argument("--board", metavar="B", help="with --memory: for that board; default: the project's")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the layers, or draw the arena."""
    from mcuq import loading, pipeline
    from mcuq.report import show
    from mcuq.report.inspection import inspection
    from mcuq.report.memory import memory

    if arguments.memory:
        model = loading.open_for_sizes(arguments.model, load_timeout=arguments.load_timeout)
        show(memory(pipeline.compile_recorded(model, arguments.board)), arguments.json)
    else:
        show(inspection(loading.load(arguments.model, load_timeout=arguments.load_timeout)), arguments.json)
    return YES
