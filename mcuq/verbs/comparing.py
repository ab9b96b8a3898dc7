"""Two models side by side: what a change of one costs or saves, in all and layer by layer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from mcuq import archive, loading, pipeline
from mcuq.archive import Archive
from mcuq.checking import check_model, project_of
from mcuq.data import Reading
from mcuq.errors import UsageError
from mcuq.evaluation import Evaluation, evaluate, open_data
from mcuq.loading import Progress
from mcuq.page.figures import Figures, LayerFacts, by_layer, figures, read_page
from mcuq.reading import printable
from mcuq.target.board import load_board
from mcuq.verification import instructions_on, model_files

PAGE = ".html"
SPENT = ("instructions", "microseconds")  # of a layer, where they are known


@dataclass(frozen=True)
class Change:
    """A figure before and after; None where one of the two has none."""

    what: str
    unit: str
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        """After minus before."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class LayerChange:
    """A layer before and after; None where one of the two models has none of this name."""

    name: str
    before: LayerFacts | None
    after: LayerFacts | None


@dataclass(frozen=True)
class Comparison:
    """Two models side by side.

    Attributes:
        names: of both, as they were given.
        board: where bytes and instructions are those of.
        figures: of the whole models.
        layers: of both, in execution order; what is known of one model alone is left out of both.
        notes: what else is not the same.
    """

    names: tuple[str, str]
    board: str
    figures: tuple[Change, ...]
    layers: tuple[LayerChange, ...]
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[LayerChange, ...]:
        """The layers that are not the same."""
        return tuple(layer for layer in self.layers if layer.before != layer.after)

    def __repr__(self) -> str:
        """Return a line: the models, and how many figures and layers differ."""
        figures = sum(change.before != change.after for change in self.figures)
        return f"<Comparison of {' and '.join(self.names)}: {figures} figures and {len(self.changed)} layers differ>"


def compare(
    before: str | Path,
    after: str | Path,
    board: str = "",
    *,
    data: str | Path | None = None,
    samples: Reading | None = None,
    instructions: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two quantized models.

    Args:
        before: a file of a quantized model, a project with one model, or a report (``.html``), which says what it said
            when it was written.
        after: the same, to compare with it.
        board: for which bytes and instructions are compared; default: the report's or project's, or each model's own.
        data: labelled samples, for accuracy; of models, not of reports.
        samples: what integers of a model's own type in it are.
        instructions: count those of an inference on the emulated chip, layer by layer; of models too.
        progress: called with what is measured, the steps done, and in all where that is known.

    Raises:
        UsageError: for a project with several models, no board anywhere, or a report of another board.
        MalformedModelError: for a page that is no report.
        ToolMissingError: without the emulator that counts instructions.
    """
    paths = (Path(before), Path(after))
    given = [read_page(path) if path.suffix == PAGE else _opened(path) for path in paths]
    place = board or next((side.board for side in reversed(given) if side.board), "")
    if not place:
        raise UsageError("a board is needed, for which bytes are compared: --board B; `mcuq boards` lists them")
    for path, side in zip(paths, given, strict=True):
        if isinstance(side, Figures) and side.board != place:
            raise UsageError(f"{path}: is of {printable(side.board)}, not of {place}: give the model itself")
    asked = _Asked(
        place, Path(data) if data else None, samples, instructions, progress or (lambda what, done, whole: None)
    )
    sides = [
        side if isinstance(side, Figures) else _measured(side, path, asked)
        for path, side in zip(paths, given, strict=True)
    ]
    return _compared((str(before), str(after)), place, sides[0], sides[1])


class _Asked(NamedTuple):
    """What is compared of models: see :func:`compare`."""

    board: str
    data: Path | None
    samples: Reading | None
    instructions: bool
    told: Progress


def _opened(path: Path) -> Archive:
    if not path.is_dir() or not any(path.glob("*.mcuq")):
        return loading.open_model(path)
    files = model_files(path)
    if len(files) > 1:
        raise UsageError(f"{path}: holds {len(files)} models; give one of its .mcuq files")
    return archive.read(files[0])


def _measured(model: Archive, path: Path, asked: _Asked) -> Figures:
    counted: Mapping[str, int] = {}
    if asked.instructions:
        asked.told("counting instructions", 0, None)
        plan = pipeline.compile_recorded(model, asked.board)
        counted = by_layer(plan, instructions_on(load_board(asked.board).chip.emulated, plan))
    judged = _judged(model, asked.data, asked) if asked.data else None
    return figures(model.graph, check_model(model, asked.board, folder=project_of(path)), counted, judged)


def _judged(model: Archive, path: Path, asked: _Asked) -> Evaluation:
    opened = open_data(model, path, asked.samples)

    def progress(done: int) -> None:
        asked.told("evaluating", done, None)

    return evaluate(model.graph, model.source, opened.batches, progress, opened.task)


def _compared(names: tuple[str, str], board: str, before: Figures, after: Figures) -> Comparison:
    sides = [{(figure.what, figure.unit): figure.value for figure in side.whole} for side in (before, after)]
    keys = dict.fromkeys([*sides[0], *sides[1]])
    changes = tuple(Change(*key, sides[0].get(key), sides[1].get(key)) for key in keys)
    known = {name for name in SPENT if _has(before.layers, name) and _has(after.layers, name)}
    layers = [{name: _only(layer, known) for name, layer in side.layers.items()} for side in (before, after)]
    names_of_all = dict.fromkeys([*layers[0], *layers[1]])
    found = tuple(LayerChange(name, layers[0].get(name), layers[1].get(name)) for name in names_of_all)
    return Comparison(names, board, changes, found, tuple(_notes(before, after)))


def _has(layers: Mapping[str, LayerFacts], name: str) -> bool:
    return any(getattr(layer, name) is not None for layer in layers.values())


def _only(layer: LayerFacts, known: Collection[str]) -> LayerFacts:
    """Return a layer without what is known of one model alone."""
    instructions = layer.instructions if "instructions" in known else None
    microseconds = layer.microseconds if "microseconds" in known else None
    return replace(layer, instructions=instructions, microseconds=microseconds)


def _notes(before: Figures, after: Figures) -> Iterator[str]:
    if before.framework != after.framework:
        yield f"frameworks differ, and with them what flash and RAM hold: {before.framework} and {after.framework}"
