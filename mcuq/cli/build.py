"""``mcuq build``."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mcuq.cli.options import (
    add_board,
    add_calibration,
    add_frames,
    add_setup,
    add_stateful,
    frame_options,
    quantization_options,
    setup_options,
)
from mcuq.cli.verb import YES, Verbs, add_model, add_verb, opened
from mcuq.errors import DoesNotFitError, UsageError

if TYPE_CHECKING:
    from mcuq.plan import Plan
    from mcuq.target.board import Board


def add(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    example = "model.tflite --board esp32dev --out project"
    parser = add_verb(verbs, "build", "check a model, simulate it and write its PlatformIO project", example)
    add_model(parser)
    add_board(parser, required=True)
    parser.add_argument("--out", metavar="DIR", type=Path, help="the project; a second model is added")
    what = "an Arduino library of the project's models, or of this one without a project"
    parser.add_argument("--arduino-zip", metavar="FILE", type=Path, help=what)
    parser.add_argument("--name", default="", metavar="N", help="the model's name in C; default: the file's")
    what = "make a causal network a streaming one: AXIS of its input (0 is the batch), FRAMES per call"
    parser.add_argument("--stream", type=_stream, metavar="AXIS[:FRAMES]", help=what)
    add_calibration(parser)
    add_stateful(parser)
    add_frames(parser)
    add_setup(parser)
    parser.set_defaults(run=run)


def _stream(text: str) -> str:
    from mcuq.target.record import STREAM

    if not STREAM.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not AXIS or AXIS:FRAMES")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Write the project, an Arduino library, or both; say what was decided."""
    if arguments.arduino_zip and arguments.arduino_zip.suffix != ".zip":
        raise UsageError(f"{arguments.arduino_zip}: an Arduino library is written to a .zip file")
    if arguments.out:
        return _built(arguments, arguments.out)
    if not arguments.arduino_zip:
        raise UsageError("--out DIR for a project, --arduino-zip FILE for an Arduino library, or both")
    arguments.framework = arguments.framework or "arduino"
    if arguments.framework == "arduino" and arguments.platform is None:
        arguments.platform = "pioarduino"  # Arduino core 3, as the Arduino IDE installs it
    with TemporaryDirectory(prefix="mcuq-") as folder:
        return _built(arguments, Path(folder))


def _built(arguments: argparse.Namespace, folder: Path) -> int:
    from mcuq import pipeline
    from mcuq.files import finish
    from mcuq.fit import FitReport
    from mcuq.passes.frames import takes_frames
    from mcuq.report import show
    from mcuq.report.build import build, not_built
    from mcuq.target.record import read_record, record_path, recorded_name
    from mcuq.verbs.forms import behind_camera, in_steps, streamed

    finish(folder)
    frames = frame_options(arguments)
    name = arguments.name or recorded_name(folder, arguments.model.name)
    record = read_record(record_path(folder, name)) if name else None
    before = record.quantization if record else {}
    model = opened(arguments, before)
    if arguments.stateful and arguments.stream:
        raise UsageError("--stateful is for recurrent layers, --stream for windows of others; give one of them")
    model = in_steps(model) if arguments.stateful else model
    stream = arguments.stream or (record.stream if record and not model.graph.states else "")
    if stream and frames:
        raise UsageError(
            "--stream is for models that see some frames of a longer time, --pixels for pictures; not both"
        )
    model = streamed(model, *map(int, stream.split(":"))) if stream else model
    frames = frames or (dict(record.frames) if record and not takes_frames(model.graph) else {})
    model = behind_camera(model, frames) if frames else model
    model = pipeline.remembered(model, folder, name or model.graph.name)
    board, framework, setup = pipeline.placed(model, arguments.board, arguments.framework, setup_options(arguments))
    try:
        written = pipeline.write_project(
            model,
            board,
            folder,
            framework,
            name,
            setup=setup,
            file=arguments.model.name,
            quantization={**before, **quantization_options(arguments)},
            stream=stream or (record.stream if record else ""),
            frames=frames or (record.frames if record else {}),
        )
    except DoesNotFitError as error:
        if arguments.json and isinstance(error.report, FitReport):
            show(not_built(error.report, arguments.out, model.notes), json=True)
        raise
    if arguments.arduino_zip:
        _write_library(arguments.arduino_zip, folder, board, written.plan, setup.arena)
    show(build(written, arguments.out, model.notes, arguments.arduino_zip), arguments.json)
    return YES


def _write_library(path: Path, project: Path, board: Board, plan: Plan, arena: str) -> None:
    from mcuq.emit.arduino import arduino_zip
    from mcuq.emit.border import run_call
    from mcuq.files import write_file

    call = run_call(plan.graph, arena, bool(plan.graph.states))
    write_file(path, arduino_zip(project, board, plan.graph.name, call))
