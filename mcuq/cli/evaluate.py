"""``mcuq evaluate``."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from mcuq.cli.options import add_calibration, add_task
from mcuq.cli.verb import NO, YES, Verbs, add_model, add_verb, opened
from mcuq.errors import UsageError


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    what = "compare a quantized model with its float model: accuracy, and the noise of every layer"
    parser = add_verb(verbs, "evaluate", what, "model.mcuq --data X.npz")
    add_model(parser)
    help_data = "samples as the model was trained; .npz: key X, labels Y"
    parser.add_argument("--data", required=True, metavar="D", type=Path, help=help_data)
    add_task(parser)
    help_least = "share of right answers of the integers, 0 to 1, below which the exit status is 1"
    parser.add_argument("--min-accuracy", type=_share, metavar="A", help=help_least)
    add_calibration(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Judge the integers by the float model."""
    from mcuq import evaluation
    from mcuq.report import show
    from mcuq.report.evaluation import evaluation as table
    from mcuq.report.progress import progress
    from mcuq.samples.task import Said

    model = opened(arguments)
    said = Said(arguments.task or "", arguments.threshold)
    data = evaluation.open_data(model, arguments.data, arguments.samples, arguments.classes, said)
    with progress("evaluating", None) as advance:
        result = evaluation.evaluate(model.graph, model.source, data.batches, advance, data.task)
    show(table(model.graph, result, (*model.notes, *data.notes)), arguments.json)
    least, found = arguments.min_accuracy, result.integer_accuracy
    if least is not None and found is None:
        raise UsageError(f"{arguments.data}: gives no accuracy, which --min-accuracy asks for")
    return NO if least is not None and found < least else YES


def _share(text: str) -> float:
    with suppress(ValueError):
        if 0 <= (number := float(text)) <= 1:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no share from 0 to 1")
