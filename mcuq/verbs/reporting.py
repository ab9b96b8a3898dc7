"""A model on a board as a page: fit, arena, layers, accuracy, values, graph."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcuq import loading, pipeline
from mcuq.archive import Archive
from mcuq.checking import NO_OPTIONS, known_in, project_of
from mcuq.data import Reading
from mcuq.emit.names import require_names
from mcuq.errors import ToolMissingError
from mcuq.evaluation import Evaluation, evaluate, open_data
from mcuq.files import write_file
from mcuq.loading import Progress
from mcuq.page.gathering import Absent, Origin, Page, gather, html
from mcuq.plan import Plan
from mcuq.samples.task import UNSAID, Said
from mcuq.tensor import Array
from mcuq.verification import instructions_on

NO_DATA = "No samples were given: --data D.npz, of `mcuq report`, judges the answers, and says what layers lose."
NO_VALUES = "No samples were given, so outputs of layers are not known: --data D.npz, of `mcuq report`."
NOT_ASKED = "Instructions were not counted."


@dataclass(frozen=True)
class Asked:
    """What a page shall show beside a model on a board.

    Attributes:
        data: samples to judge with; None: answers are not judged.
        samples: what integers of the model's own type in it are.
        classes: the labels that the model's outputs stand for.
        said: what the user says of the task.
        instructions: count them; None: where the emulator is there.
        command: what makes the page again.
        files: what went in, by what it is.
        folder: the project that the model lies in, which keeps what its board was measured to take.
    """

    data: Path | None = None
    samples: Reading | None = None
    classes: tuple[str, ...] = ()
    said: Said = UNSAID
    instructions: bool | None = None
    command: str = ""
    files: Mapping[str, Path] | None = None
    folder: Path | None = None


def report(
    model: Archive,
    board: str,
    asked: Asked,
    progress: Progress | None = None,
    *,
    framework: str = "",
    options: Mapping[str, Any] = NO_OPTIONS,
) -> Page:
    """Gather a page.

    Args:
        model: quantized, with its float model if it has one.
        board: an id, or a ``.toml`` file.
        asked: what else it shall show.
        progress: called with what is measured, the steps done, and in all where that is known.
        framework: default: the recorded one on its board, else the board's first.
        options: fields of ``Setup`` that replace the recorded ones; None is none.

    Raises:
        UsageError: for samples or labels that are not of this model.
        ToolMissingError: instructions are asked for, and the emulator is missing.
    """
    told: Progress = progress or (lambda what, done, whole: None)
    found, framework, setup = pipeline.placed(model, board, framework, options)
    plan = pipeline.compile_for(model, found, framework, setup)
    require_names(plan)
    fit = known_in(pipeline.check_fit(plan, found, framework, setup), asked.folder, found, [plan])
    counted, uncounted = _counted(plan, found.chip.emulated, asked.instructions, told)
    judged = _judged(model, asked, told) if asked.data else None
    inputs = _integers(model, asked) if asked.data else None
    absent = Absent("" if asked.data else NO_VALUES, "" if asked.data else NO_DATA, uncounted)
    hashes = tuple((f"{what} {path.name}, SHA-256", _digest(path)) for what, path in (asked.files or {}).items())
    return gather(
        model,
        plan,
        fit,
        Origin(asked.command, (("framework", f"{framework} {fit.sdk}"), *hashes)),
        inputs=inputs,
        judged=judged,
        counted=counted,
        absent=absent,
    )


def _counted(plan: Plan, engine: Any, wanted: bool | None, told: Progress) -> tuple[Mapping[str, int] | None, str]:
    """Return the instructions by step, or why there are none."""
    if wanted is False:
        return None, NOT_ASKED
    told("counting instructions", 0, None)
    try:
        return instructions_on(engine, plan), ""
    except ToolMissingError as error:
        if wanted:
            raise
        return None, f"Instructions cannot be counted here: {error}"


def _judged(model: Archive, asked: Asked, told: Progress) -> Evaluation:
    assert asked.data
    data = open_data(model, asked.data, asked.samples, asked.classes, asked.said)
    return evaluate(model.graph, model.source, data.batches, lambda done: told("evaluating", done, None), data.task)


def _integers(model: Archive, asked: Asked) -> dict[str, Array]:
    """Return the first samples as integers of the model's inputs."""
    assert asked.data
    data = open_data(model, asked.data, asked.samples, asked.classes, asked.said)
    first = next(iter(data.batches)).inputs
    if not model.source:
        return dict(first)
    return {name: model.graph.values[name].quantize(x) for name, x in first.items()}


def _digest(path: Path) -> str:
    if not path.is_file():
        return "a folder"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_report(
    model: str | Path,
    board: str,
    out: str | Path,
    *,
    data: str | Path | None = None,
    framework: str = "",
    setup: Mapping[str, Any] | None = None,
    calibration: str | Path | None = None,
    samples: Reading | None = None,
    classes: tuple[str, ...] = (),
    instructions: bool | None = None,
    progress: Progress | None = None,
) -> Page:
    """Write a model on a board as one page of HTML that needs no other file.

    Args:
        model: a file of a quantized model, or of a float model with ``calibration``.
        board: where it shall run.
        out: the page.
        data: labelled samples, for accuracy, noise and values of layers.
        framework: "arduino" or "espidf"; default: the board's first.
        setup: fields of :class:`mcuq.Setup` that replace the recorded ones.
        calibration: samples to quantize a float model with.
        samples: what integers of the model's own type in ``data`` are.
        classes: the labels that the model's outputs stand for.
        instructions: count them on the emulated chip; None: where the emulator is there.
        progress: called with what is measured, the steps done, and in all where that is known.

    Returns:
        what the page shows.

    Raises:
        McuqError: for bad input.
        ToolMissingError: instructions are asked for, and the emulator is missing.
    """
    path = Path(model)
    opened = loading.open_model(path, Path(calibration) if calibration else None, progress=progress)
    given = {"model": path} | ({"data": Path(data)} if data else {})
    words = ["mcuq report", path.name, f"--board {board}", *([f"--data {Path(data).name}"] if data else [])]
    asked = Asked(
        Path(data) if data else None, samples, classes, UNSAID, instructions, " ".join(words), given, project_of(path)
    )
    page = report(opened, board, asked, progress, framework=framework, options=setup or {})
    write_file(Path(out), html(page))
    return page
