"""What the verbs share: exit statuses, how a verb is declared, how its model is opened."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from mcuq.cli.options import quantization_options
from mcuq.limits import LOAD_SECONDS

if TYPE_CHECKING:
    from mcuq.archive import Archive

YES, NO, BAD_INPUT = 0, 1, 2
MAX_SECONDS = 1e6
MODEL = "a .tflite, .onnx, .pt2, .keras, .h5 or .mcuq file, a SavedModel folder, or a C file with a TFLite array"

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_verb(verbs: Verbs, name: str, what: str, example: str) -> argparse.ArgumentParser:
    """Add a verb that reports, with its help and an example of its arguments."""
    parser = verbs.add_parser(
        name, help=what, description=f"{what[0].upper()}{what[1:]}.", epilog=f"example: mcuq {name} {example}"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def add_model(parser: argparse.ArgumentParser, what: str = MODEL) -> None:
    """Add the model, by default as any supported file, and how long it may take to open it."""
    parser.add_argument("model", metavar="MODEL", type=Path, help=what)
    text = f"seconds that a framework may take to open the model; default: {LOAD_SECONDS:g}"
    parser.add_argument("--load-timeout", type=_seconds, default=LOAD_SECONDS, metavar="S", help=text)


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 < (number := float(text)) <= MAX_SECONDS:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")


def opened(arguments: argparse.Namespace, recorded: Mapping[str, Any] = MappingProxyType({})) -> Archive:
    """Read the model; quantize it, with a progress bar, if it is a float model.

    Args:
        arguments: of a verb that has :func:`mcuq.cli.options.add_calibration`.
        recorded: how the model was quantized before, in place of options that are not given.
    """
    from mcuq import loading
    from mcuq.report.progress import stages

    options = quantization_options(arguments)
    with stages() as progress:
        return loading.open_model(
            arguments.model,
            arguments.calibration,
            options,
            progress,
            recorded=recorded,
            load_timeout=arguments.load_timeout,
            samples=arguments.samples,
            classes=arguments.classes,
        )
