"""The verbs of the command line for Python, where they do more than one function of the story: typed, no printing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mcuq import archive, loading
from mcuq.archive import Archive
from mcuq.data import Reading, reading_of, to_integers
from mcuq.errors import UsageError
from mcuq.evaluation import Evaluation, Progress, open_data
from mcuq.evaluation import evaluate as judge
from mcuq.files import write_file
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.quantization.options import DEFAULT, Options
from mcuq.quantization.samples import Batch, batches
from mcuq.samples.task import Kind, Said
from mcuq.search import Outcome, Request, search
from mcuq.search.formats import parse_formats
from mcuq.target.board import Board, load_board
from mcuq.target.setup import PLAIN, Setup
from mcuq.verification import Engine, Verification, verify_project

FORMATS = ("8", "4", "cb4", "2")


def evaluate(
    model: Graph | str | Path,
    data: Any,
    *,
    reference: FloatGraph | None = None,
    samples: Reading | None = None,
    classes: Sequence[str] = (),
    task: Kind | Literal[""] = "",
    threshold: float | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge a quantized model by labels, and by the float model it was made from.

    Args:
        model: what :func:`mcuq.quantize` returned, or a file of a quantized model; a ``.mcuq`` of ``mcuq quantize`` or
            of :func:`save` holds its float model.
        data: an ``.npy`` or ``.npz`` file, or samples as :func:`mcuq.quantize` takes them: arrays, (array, labels),
            iterables of batches.
        reference: the float model that ``model`` was made from.
        samples: what integers of the model's own type in a file are: "real" values, or as the model has them, "stored".
        classes: the labels that the model's outputs stand for, in their order, where they are no numbers of outputs.
        task: what the model does, where it is not what its outputs and the labels look like.
        threshold: from which output on the answer is yes, where one output, or each of several, decides.
        progress: called with the number of samples done.

    Returns:
        accuracy or error, found from outputs and labels; with a float model the noise of every layer too.

    Raises:
        UsageError: for samples or labels that are not of this model.
    """
    content = Archive(model) if isinstance(model, Graph) else _quantized(Path(model))
    content = replace(content, source=reference) if reference else content
    graph, source = content.graph, content.source
    if isinstance(data, str | Path):
        opened = open_data(content, Path(data), samples, tuple(classes), Said(task, threshold))
        return judge(graph, source, opened.batches, progress, opened.task)
    given = batches(source, data) if source else _integers(graph, data, samples)
    return judge(graph, source, given, progress, None, tuple(classes), Said(task, threshold))


def _quantized(path: Path) -> Archive:
    opened = loading.read_model(path)
    if isinstance(opened, FloatGraph):
        raise UsageError(f"{path}: is a float model; mcuq.quantize(model, samples) first")
    return opened


def _integers(graph: Graph, data: Any, samples: Reading | None) -> Iterable[Batch]:
    """Return samples as the simulator takes them: an array, or a tuple of it and labels, for one input."""
    whole = hasattr(data, "__array__") or isinstance(data, tuple) or not isinstance(data, Iterable)
    if len(graph.inputs) > 1:
        raise UsageError("a model with several inputs and without its float model is evaluated with an .npz file")
    name, tensor = graph.inputs[0], graph.values[graph.inputs[0]]
    for item in [data] if whole else data:
        x, labels = item if isinstance(item, tuple | list) else (item, None)
        array = np.asarray(x)
        reading = reading_of(array, tensor, graph.from_float, samples, name)
        integers = to_integers(array, tensor, name, graph.layouts.get(name, ()), reading)
        yield Batch({name: integers}, None if labels is None else np.asarray(labels))


def verify(
    project: str | Path,
    engine: Engine = "host",
    *,
    port: str = "",
    data: str | Path | None = None,
    samples: Reading | None = None,
    classes: Sequence[str] = (),
) -> list[Verification]:
    """Run a project's C and compare every byte with the simulator, model by model.

    Args:
        project: a folder that :func:`mcuq.write_project` or ``mcuq build`` wrote.
        engine: where it is built and run: "host", or an emulated chip: "rv32", "xtensa", or "s3", which is
            xtensa with the vector unit of the ESP32-S3.
        port: instead of an engine, the serial port of a board that runs it, as a pyserial URL.
        data: a file of samples to use instead of the project's vectors; only for a project with one model.
        samples: what integers of the model's own type in it are; see :func:`evaluate`.
        classes: the labels that the model's outputs stand for; see :func:`evaluate`.

    Raises:
        ToolMissingError: without the compiler or emulator.
        McuqError: for a folder that is no project, C that does not compile, firmware that does not answer.
    """
    path = None if data is None else Path(data)
    return verify_project(Path(project), engine, port, path, samples=samples, classes=tuple(classes))


def save(model: Graph, path: str | Path, *, reference: FloatGraph | None = None) -> None:
    """Keep a quantized model in a ``.mcuq`` file, which :func:`mcuq.load` and every command open.

    Args:
        model: the quantized model.
        path: the file, whose name ends with ``.mcuq``.
        reference: the float model that it was made from, kept too, so that the integers can be judged by it.

    Raises:
        UsageError: for another name, or a file that cannot be written; what was there stays then.
    """
    path = Path(path)
    if path.suffix != ".mcuq":
        raise UsageError(f"{path}: the quantized model is written to a .mcuq file")
    write_file(path, archive.dump(Archive(model, source=reference)))


def fewest_bits(
    model: str | Path,
    data: str | Path,
    board: Board | str,
    out: str | Path,
    *,
    calibration: str | Path | None = None,
    framework: str = "",
    setup: Setup = PLAIN,
    options: Options = DEFAULT,
    max_drop: float = 1.0,
    margin: float = 1.0,
    formats: Sequence[str] = FORMATS,
    samples: Reading | None = None,
    classes: Sequence[str] = (),
    jobs: int = -1,
    dask: str = "",
) -> Outcome:
    """Find the fewest bits per layer within a loss of accuracy, by measuring, and keep the model in a ``.mcuq`` file.

    Args:
        model: a file of a float model, or a ``.mcuq`` file that holds its own.
        data: a file of labelled samples that score.
        board: where the model shall run.
        out: the ``.mcuq`` file; a journal beside it lets a search that was ended go on.
        calibration: samples to calibrate with; None: the first tenth of ``data``, which then does not score.
        framework: default: the board's first.
        setup: what surrounds the model.
        options: of quantization; 8 bits.
        max_drop: points of accuracy that may be lost against 8 bits.
        margin: standard errors of the loss by which it must stay below that.
        formats: of weights to choose from: bits, and codebooks as "cb4".
        samples: what integers of the model's own type are, where a ``.mcuq`` is given; see :func:`evaluate`.
        classes: the labels that the model's outputs stand for; see :func:`evaluate`.
        jobs: processes at a time; -1: as many as there are processors.
        dask: address of a cluster to use instead.

    Raises:
        ClearNoError: nothing that was tried fits the board, or what fits it loses more.
        McuqError: for bad input.
    """
    request = Request(
        model=Path(model),
        data=Path(data),
        calibration=None if calibration is None else Path(calibration),
        place=_placed(board, framework, setup),
        options=options,
        max_drop=max_drop,
        margin=margin,
        out=Path(out),
        formats=parse_formats(",".join(formats)),
        samples=samples,
        classes=tuple(classes),
        jobs=jobs,
        dask=dask,
    )
    outcome = search(request)
    write_file(request.out, archive.dump(outcome.model))
    return outcome


def _placed(board: Board | str, framework: str, setup: Setup) -> tuple[Board, str, Setup]:
    found = load_board(board) if isinstance(board, str) else board
    found = found.on(setup.platform, framework)
    return found, found.framework(framework), setup
