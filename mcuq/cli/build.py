"""``mcuq build``."""

from __future__ import annotations

import argparse
from pathlib import Path

from mcuq.cli.options import (
    add_board,
    add_calibration,
    add_setup,
    add_stateful,
    quantization_options,
    setup_options,
)
from mcuq.cli.verb import YES, Verbs, add_model, add_verb, opened


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    example = "model.tflite --board esp32dev --out project"
    parser = add_verb(verbs, "build", "check a model, simulate it and write its PlatformIO project", example)
    add_model(parser)
    add_board(parser, required=True)
    parser.add_argument("--out", required=True, metavar="DIR", type=Path, help="the project; a second model is added")
    parser.add_argument("--name", default="", metavar="N", help="the model's name in C; default: the file's")
    what = "make a causal network a streaming one: AXIS of its input (0 is the batch), FRAMES per call"
    parser.add_argument("--stream", type=_stream, metavar="AXIS[:FRAMES]", help=what)
    add_calibration(parser)
    add_stateful(parser)
    add_setup(parser)
    parser.set_defaults(run=run)


def _stream(text: str) -> str:
    from mcuq.target.record import STREAM

    if not STREAM.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not AXIS or AXIS:FRAMES")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Write the project; say what was decided."""
    from mcuq import pipeline
    from mcuq.errors import UsageError
    from mcuq.files import finish
    from mcuq.report import show
    from mcuq.report.build import build
    from mcuq.target.record import read_record, record_path, recorded_name
    from mcuq.verbs.forms import in_steps, streamed

    finish(arguments.out)
    name = arguments.name or recorded_name(arguments.out, arguments.model.name)
    record = read_record(record_path(arguments.out, name)) if name else None
    before = record.quantization if record else {}
    model = opened(arguments, before)
    if arguments.stateful and arguments.stream:
        raise UsageError("--stateful is for recurrent layers, --stream for windows of others; give one of them")
    model = in_steps(model) if arguments.stateful else model
    stream = arguments.stream or (record.stream if record and not model.graph.states else "")
    model = streamed(model, *map(int, stream.split(":"))) if stream else model
    model = pipeline.remembered(model, arguments.out, name or model.graph.name)
    board, framework, setup = pipeline.placed(model, arguments.board, arguments.framework, setup_options(arguments))
    written = pipeline.write_project(
        model,
        board,
        arguments.out,
        framework,
        name,
        setup=setup,
        file=arguments.model.name,
        quantization={**before, **quantization_options(arguments)},
        stream=stream or (record.stream if record else ""),
    )
    show(build(written, arguments.out, model.notes), arguments.json)
    return YES
