"""Two models side by side: what a change of one costs or saves, in all and layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mcuq import archive, loading, pipeline
from mcuq.archive import Archive
from mcuq.checking import check_model
from mcuq.data import Reading
from mcuq.errors import UsageError
from mcuq.evaluation import Evaluation, evaluate, open_data
from mcuq.fit import FitReport
from mcuq.fit.latency import Latency
from mcuq.graph import Graph
from mcuq.loading import Progress
from mcuq.target.board import load_board
from mcuq.verification import instructions_on, model_files


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
class Facts:
    """What is said of a layer: its operator, output shape, bits of its weights, constants, MACs, instructions.

    ``microseconds`` are measured or estimated, as :class:`mcuq.fit.latency.Latency` of the model says.
    """

    op: str
    shape: tuple[int, ...]
    bits: int | None
    parameters: int
    macs: int
    instructions: int | None = None
    microseconds: float | None = None


@dataclass(frozen=True)
class LayerChange:
    """A layer before and after; None where one of the two models has none of this name."""

    name: str
    before: Facts | None
    after: Facts | None


@dataclass(frozen=True)
class Comparison:
    """Two models side by side.

    Attributes:
        names: of both, as they were given.
        board: where bytes and instructions are those of.
        figures: of the whole models.
        layers: of both, in execution order.
    """

    names: tuple[str, str]
    board: str
    figures: tuple[Change, ...]
    layers: tuple[LayerChange, ...]

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
        before: a file of a quantized model, or a project with one model.
        after: the same, to compare with it.
        board: for which bytes and instructions are compared; default: the project's, or each model's own.
        data: labelled samples, for accuracy.
        samples: what integers of a model's own type in it are.
        instructions: count those of an inference on the emulated chip, layer by layer.
        progress: called with what is measured, the steps done, and in all where that is known.

    Raises:
        UsageError: for a project with several models, or no board anywhere.
        ToolMissingError: without the emulator that counts instructions.
    """
    models = [_opened(Path(path)) for path in (before, after)]
    place = board or models[1].board or models[0].board
    if not place:
        raise UsageError("a board is needed, for which bytes are compared: --board B; `mcuq boards` lists them")
    told: Progress = progress or (lambda what, done, whole: None)
    counted: list[Mapping[str, int]] = [{}, {}]
    if instructions:
        told("counting instructions", 0, 2)
        counted = [_counted(model, place) for model in models]
    judged = [_judged(model, Path(data), samples, told) for model in models] if data else [None, None]
    reports = [check_model(m, place, folder=_folder(Path(p))) for m, p in zip(models, (before, after), strict=True)]
    parts = zip(models, reports, counted, judged, strict=True)
    sides = [_figures(*part) for part in parts]
    keys = list(dict.fromkeys([*sides[0], *sides[1]]))
    figures = tuple(Change(*key, sides[0].get(key), sides[1].get(key)) for key in keys)
    facts = [_facts(m.graph, n, _time(r)) for m, n, r in zip(models, counted, reports, strict=True)]
    names = dict.fromkeys([*facts[0], *facts[1]])
    layers = tuple(LayerChange(name, facts[0].get(name), facts[1].get(name)) for name in names)
    return Comparison((str(before), str(after)), place, figures, layers)


def _opened(path: Path) -> Archive:
    if not path.is_dir() or not any(path.glob("*.mcuq")):
        return loading.open_model(path)
    files = model_files(path)
    if len(files) > 1:
        raise UsageError(f"{path}: holds {len(files)} models; give one of its .mcuq files")
    return archive.read(files[0])


def _counted(model: Archive, board: str) -> Mapping[str, int]:
    return instructions_on(load_board(board).chip.emulated, pipeline.compile_recorded(model, board))


def _judged(model: Archive, path: Path, samples: Reading | None, told: Progress) -> Evaluation:
    opened = open_data(model, path, samples)
    return evaluate(model.graph, model.source, opened.batches, lambda done: told("evaluating", done, None), opened.task)


def _folder(path: Path) -> Path | None:
    """Return the project that a model lies in, which keeps what its board was measured to take."""
    return path if path.is_dir() else path.parent if path.suffix == ".mcuq" else None


def _time(report: FitReport) -> Latency:
    return report.times[0] if report.times else Latency(report.model, "none", problem=report.problem)


def _figures(
    model: Archive, report: FitReport, counted: Mapping[str, int], judged: Evaluation | None
) -> dict[tuple[str, str], float | None]:
    """Return what is said of a whole model, by what it is and its unit."""
    facts = _facts(model.graph, counted, _time(report))
    found: dict[tuple[str, str], float | None] = {
        ("arena", "bytes"): report.arena_bytes,
        ("arena, input and output", "bytes"): report.total_bytes,
        ("state", "bytes"): sum(model.graph.values[s.read].bytes for s in model.graph.states),
        ("flash", "bytes"): report.own_flash,
        ("parameters", ""): sum(f.parameters for f in facts.values()),
        ("multiply-accumulates", ""): sum(f.macs for f in facts.values()),
        ("fits", ""): float(report.fits),
    }
    if counted:
        found["instructions", ""] = sum(counted.values())
    found |= _of_time(_time(report))
    if judged:
        found |= {("accuracy", "%"): _percent(judged.integer_accuracy), ("RMSE", ""): judged.integer_rmse}
        found |= {("accuracy of the float model", "%"): _percent(judged.float_accuracy)}
    return {key: value for key, value in found.items() if value is not None}


def _of_time(time: Latency) -> dict[tuple[str, str], float | None]:
    """Return milliseconds as what they are: measured, estimated with an error, or a range."""
    if time.basis == "none":
        return {}
    if time.basis == "unproved":
        return {("inference, unproved, from", "ms"): time.low, ("inference, unproved, to", "ms"): time.high}
    found: dict[tuple[str, str], float | None] = {(f"inference, {time.basis}", "ms"): time.milliseconds}
    if time.error is not None:
        found["error of the estimate", "%"] = 100 * time.error
    return found


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _facts(graph: Graph, counted: Mapping[str, int], time: Latency) -> dict[str, Facts]:
    found, cycles = {}, dict[str, int]()
    for part in time.layers:
        cycles[part.layer] = cycles.get(part.layer, 0) + part.cycles
    for node in graph.nodes:
        constants = [graph.constants[name] for name in node.inputs if name in graph.constants]
        shapes = [graph.tensor(name).shape for name in node.inputs]
        found[node.name] = Facts(
            node.op.name,
            graph.values[node.outputs[0]].shape,
            constants[0].bits if constants else None,
            sum(constant.elements for constant in constants),
            node.op.macs(*shapes),
            counted.get(node.name),
            round(1e6 * cycles[node.name] / time.clock, 1) if node.name in cycles else None,
        )
    return found
