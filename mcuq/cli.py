"""The command line: arguments, progress and tables only.

Exit status: 0 = yes, 1 = a clear no (does not fit, bytes differ), 2 = bad input or usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mcuq import __version__, cli_search
from mcuq.cli_options import add_board, add_calibration, add_setup, quantization_options, require_mcuq, setup_options
from mcuq.errors import ClearNoError, McuqError, UsageError

if TYPE_CHECKING:
    from mcuq.archive import Archive
    from mcuq.tensor import Array

YES, NO, BAD_INPUT = 0, 1, 2
MODEL = "a .tflite, .onnx, .pt2, .keras, .h5 or .mcuq file, or a SavedModel folder"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    try:
        arguments = _parser().parse_args(argv)
        return int(arguments.run(arguments))
    except ClearNoError as error:
        return _fail(error, NO)
    except McuqError as error:
        return _fail(error, BAD_INPUT)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NO
    except KeyboardInterrupt:
        print("mcuq: interrupted", file=sys.stderr)
        return 130


def _fail(error: McuqError, status: int) -> int:
    print(f"mcuq: error: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mcuq",
        description="Turn a trained network into integer-only C for an ESP32 board, and know before flashing "
        "that it fits and which bytes it will compute.",
        epilog="example: mcuq build model.tflite --board esp32dev --out project",
    )
    parser.add_argument("--version", action="version", version=f"mcuq {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    _add_build(verbs)
    _add_quantize(verbs)
    _add_evaluate(verbs)
    _add_search(verbs)
    _add_check(verbs)
    _add_inspect(verbs)
    _add_simulate(verbs)
    _add_verify(verbs)
    _add_tables(verbs)
    return parser


def _verb(verbs: Any, name: str, what: str, example: str, json: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=what, description=f"{what[0].upper()}{what[1:]}.", epilog=f"example: mcuq {name} {example}"
    )
    if json:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _add_build(verbs: Any) -> None:
    example = "model.tflite --board esp32dev --out project"
    parser = _verb(verbs, "build", "check a model, simulate it and write its PlatformIO project", example)
    parser.add_argument("model", metavar="MODEL", type=Path, help=MODEL)
    add_board(parser, required=True)
    parser.add_argument("--out", required=True, metavar="DIR", type=Path, help="the project; a second model is added")
    parser.add_argument("--name", default="", metavar="N", help="the model's name in C; default: the file's")
    add_calibration(parser)
    add_setup(parser)
    parser.set_defaults(run=_build)


def _build(arguments: argparse.Namespace) -> int:
    from mcuq import pipeline, report
    from mcuq.target.board import load_board

    model = _opened(arguments)
    board = load_board(arguments.board)
    framework = board.framework(arguments.framework)
    setup = model.setup_for(board.id, framework).updated(setup_options(arguments))
    written = pipeline.write_project(model, board, arguments.out, framework, arguments.name, setup=setup)
    report.show(report.build(written, arguments.out), arguments.json)
    return YES


def _opened(arguments: argparse.Namespace) -> Archive:
    """Read the model; quantize it, with a progress bar, if it is a float model."""
    from mcuq import opening, report

    options = quantization_options(arguments)
    with report.stages() as progress:
        return opening.open_model(arguments.model, arguments.calibration, options, progress)


def _add_quantize(verbs: Any) -> None:
    example = "model.onnx --calibration X.npy --out model.mcuq"
    parser = _verb(verbs, "quantize", "turn a float model into integers and keep them in a .mcuq file", example)
    parser.add_argument("model", metavar="MODEL", type=Path, help=MODEL)
    parser.add_argument("--out", required=True, metavar="M.mcuq", type=Path, help="holds the float model too")
    add_calibration(parser, required=True)
    parser.set_defaults(run=_quantize)


def _quantize(arguments: argparse.Namespace) -> int:
    from mcuq import archive, report
    from mcuq.files import write_file

    require_mcuq(arguments.out)
    model = _opened(arguments)
    content = archive.dump(model)
    write_file(arguments.out, content)
    report.show(report.quantization(model, arguments.out, len(content)), arguments.json)
    return YES


def _add_evaluate(verbs: Any) -> None:
    what = "compare a quantized model with its float model: accuracy, and the noise of every layer"
    parser = _verb(verbs, "evaluate", what, "model.mcuq --data X.npz")
    parser.add_argument("model", metavar="MODEL", type=Path, help=MODEL)
    help_data = "samples as the model was trained; .npz: key X, labels Y"
    parser.add_argument("--data", required=True, metavar="D", type=Path, help=help_data)
    add_calibration(parser)
    parser.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
    from mcuq import evaluation, evaluation_table, report

    model = _opened(arguments)
    data = evaluation.samples_of(model, arguments.data)
    with report.progress("evaluating", None) as advance:
        result = evaluation.evaluate(model.graph, model.source, data, advance)
    report.show(evaluation_table.evaluation(model.graph, result), arguments.json)
    return YES


def _add_search(verbs: Any) -> None:
    example = "model.keras --data D.npz --board esp32dev --max-drop 1.0 --out model.mcuq"
    what = "find the fewest bits per layer within a loss of accuracy"
    cli_search.add_arguments(_verb(verbs, "search", what, example))


def _add_check(verbs: Any) -> None:
    example = "model.tflite --board esp32dev --wifi"
    parser = _verb(verbs, "check", "say whether a model fits a board, before or after it is built", example)
    parser.add_argument("model", metavar="MODEL", type=Path, help="a model; with --elf also a project")
    add_board(parser, required=False)
    parser.add_argument("--compare", action="store_true", help="a table over all boards instead of one")
    parser.add_argument("--elf", metavar="FILE", type=Path, help="read a linked firmware that holds the model")
    parser.add_argument("--sources", action="store_true", help="say where every number comes from")
    add_calibration(parser)
    add_setup(parser)
    parser.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    from mcuq import checking, fit_table, report

    board, framework, options = arguments.board or "", arguments.framework, setup_options(arguments)
    if arguments.compare and (board or arguments.elf):
        raise UsageError("--compare asks all boards, before anything is built: give neither --board nor --elf with it")
    if not (board or arguments.compare or arguments.elf):
        raise UsageError("check needs --board B, --compare or --elf FILE")
    if arguments.compare:
        reports = checking.check_boards(_sized(arguments), framework, options)
        report.show(fit_table.comparison(reports), arguments.json)
        return YES if any(r.fits for r in reports) else NO
    if arguments.elf:
        fit = checking.check_built(arguments.model, arguments.elf, board, framework, options)
    else:
        fit = checking.check_model(_sized(arguments), board, framework, options)
    report.show(fit_table.fit(fit, arguments.sources), arguments.json)
    return YES if fit.fits else NO


def _sized(arguments: argparse.Namespace) -> Archive:
    """Read a model for its sizes; those of a float model are known without samples."""
    from mcuq import opening

    if arguments.calibration:
        return _opened(arguments)
    return opening.open_for_sizes(arguments.model, quantization_options(arguments))


def _add_inspect(verbs: Any) -> None:
    parser = _verb(verbs, "inspect", "list a model's layers, shapes, parameters, MACs and quantization", "model.tflite")
    parser.add_argument("model", metavar="MODEL", type=Path)
    parser.add_argument("--memory", action="store_true", help="the arena over time: what is live when, and the peak")
    parser.add_argument("--board", metavar="B", help="with --memory: for that board; default: the project's")
    parser.set_defaults(run=_inspect)


def _inspect(arguments: argparse.Namespace) -> int:
    from mcuq import inspection_table, opening, pipeline, report

    if arguments.memory:
        model = opening.open_for_sizes(arguments.model)
        report.show(report.memory(pipeline.compile_recorded(model, arguments.board)), arguments.json)
    else:
        report.show(inspection_table.inspection(opening.load(arguments.model)), arguments.json)
    return YES


def _add_simulate(verbs: Any) -> None:
    example = "model.tflite --input X.npy --output Y.npy"
    parser = _verb(verbs, "simulate", "compute the integers the chip will compute", example)
    parser.add_argument("model", metavar="MODEL", type=Path)
    parser.add_argument("--input", required=True, metavar="X.npy", type=Path, help="samples; .npz: key X, labels Y")
    parser.add_argument("--output", metavar="Y.npy", type=Path, help="where the outputs go; several outputs: .npz")
    parser.add_argument("--board", metavar="B", help="use that board's kernels (same bytes); default: the project's")
    engines = ["numpy", "host", "rv32", "xtensa"]
    parser.add_argument("--engine", choices=engines, default="numpy", help="numpy, or C: on the host, an emulated chip")
    parser.add_argument("--float", action="store_true", help="write real values instead of integers")
    parser.set_defaults(run=_simulate)


def _simulate(arguments: argparse.Namespace) -> int:
    from mcuq import data, opening, pipeline, report, simulator, verification

    model = opening.open_model(arguments.model)
    graph, plan = model.graph, pipeline.compile_recorded(model, arguments.board)
    samples = data.read_samples(arguments.input, graph)
    with report.progress("simulating", len(samples)) as advance:
        if arguments.engine == "numpy":
            outputs: Mapping[str, Array] = simulator.simulate(plan, samples.inputs, advance)
        else:
            outputs = verification.simulate_on(arguments.engine, plan, samples.inputs, advance).outputs
    if arguments.output:
        data.write_outputs(arguments.output, graph, outputs, arguments.float)
    report.show(report.simulation(graph, samples, outputs, arguments.engine, arguments.output), arguments.json)
    return YES


def _add_verify(verbs: Any) -> None:
    parser = _verb(verbs, "verify", "run a project's C and compare every byte with the simulator", "project")
    parser.add_argument("project", metavar="DIR", type=Path)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--engine", choices=["host", "rv32", "xtensa"], default="host", help="build it and run it there")
    where.add_argument("--port", default="", metavar="P", help="a board that runs it: /dev/ttyUSB0, COM3, socket://…")
    parser.add_argument("--data", metavar="X.npy", type=Path, help="samples instead of the project's vectors")
    parser.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    from mcuq import report, verification

    with report.progress("verifying", None) as advance:
        results = verification.verify_project(
            arguments.project, arguments.engine, arguments.port, arguments.data, progress=advance
        )
    report.show(report.verification(results), arguments.json)
    return YES if all(result.passed for result in results) else NO


def _add_tables(verbs: Any) -> None:
    _verb(verbs, "boards", "list the boards and what they have", "").set_defaults(run=_boards)
    _verb(verbs, "ops", "list the operators and their constraints", "").set_defaults(run=_ops)


def _boards(arguments: argparse.Namespace) -> int:
    from mcuq import report

    report.show(report.boards(), arguments.json)
    return YES


def _ops(arguments: argparse.Namespace) -> int:
    from mcuq import report

    report.show(report.operators(), arguments.json)
    return YES
