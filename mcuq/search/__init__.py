"""The fewest bits per layer within a loss of accuracy.

A float model's layers are stored in few bits, scored on labelled samples, and raised where it hurts; ``strategy`` says
in which order. The loss counts in points of accuracy from the same model with 8 bits throughout.

The samples that score are those that the choice is made by, and who tries a hundred candidates finds a lucky one: other
samples lose more. So the loss must stay some standard errors below the limit (``margin``), the more samples score the
better, and what counts is ``mcuq evaluate`` on samples that had no part in the choice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from mcuq import __version__, archive, loading
from mcuq.archive import Archive
from mcuq.data import Reading
from mcuq.errors import CannotQuantizeError, ClearNoError, DoesNotFitError, McuqError, UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.limits import LOAD_SECONDS
from mcuq.passes.split_channels import is_splittable
from mcuq.quantization.calibrate import Progress
from mcuq.quantization.options import Options
from mcuq.search import workers
from mcuq.search.candidate import Candidate, Measurement
from mcuq.search.journal import Journal
from mcuq.search.ladder import Layer
from mcuq.search.measuring import built
from mcuq.search.start import start_within
from mcuq.search.strategy import Found, Limits, Search
from mcuq.search.task import Task, prepare
from mcuq.search.threads import one_thread
from mcuq.target.board import Board
from mcuq.target.setup import Setup
from mcuq.tensor import QConstant


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        model: a float model, or a ``.mcuq`` file that holds its own.
        data: labelled samples.
        calibration: samples to calibrate with; None: the first tenth of ``data``, which then does not score.
        place: board, framework and setup.
        options: of quantization; 8 bits.
        max_drop: points of accuracy that may be lost against 8 bits.
        margin: standard errors of the loss by which it must stay below that.
        formats: of weights to choose from.
        out: the ``.mcuq`` file to write; the journal lies beside it.
        samples: what integers of the quantized model's type are, where ``model`` is one; see ``data.reading_of``.
        classes: the labels that the model's outputs stand for, in their order, where labels are no such numbers.
        jobs: processes at a time; -1: as many as there are processors.
        dask: address of a cluster to use instead.
        weight_bytes: that all weights may take, "50%" or "24K", of the bits that the search begins with; empty: it
            looks at every layer alone instead.
    """

    model: Path
    data: Path
    calibration: Path | None
    place: tuple[Board, str, Setup]
    options: Options
    max_drop: float
    margin: float
    out: Path
    formats: tuple[str, ...]
    samples: Reading | None = None
    classes: tuple[str, ...] = ()
    jobs: int = -1
    dask: str = ""
    weight_bytes: str = ""
    load_timeout: float = LOAD_SECONDS

    @property
    def journal(self) -> Path:
        """Where measurements are kept."""
        return self.out.with_name(f"{self.out.name}.journal")


@dataclass(frozen=True)
class Outcome:
    """What was found: the candidate to take, its model, and all that was measured; ``new`` of it just now."""

    task: Task
    layers: tuple[Layer, ...]
    limits: Limits
    best: Candidate
    model: Archive
    found: Found
    journal: Journal
    new: int

    def __repr__(self) -> str:
        """Return a line: the model, what was measured, what was taken."""
        taken = self.found.measured[self.best]
        return (
            f"<Outcome for {self.model.graph.name}: {len(self.found.measured)} measured, flash {taken.flash:,} bytes>"
        )


def search(request: Request, progress: Progress | None = None) -> Outcome:
    """Find what takes the least flash within the loss.

    Raises:
        DoesNotFitError: nothing that was tried fits the board.
        ClearNoError: what fits it loses more.
        McuqError: for bad input.
    """
    graph, integers = float_model(request.model, request.load_timeout)
    layers = searchable(graph)
    if not layers:
        raise UsageError(f"{request.model}: has no layer with real weights, so there are no bits to choose")
    task = prepare(
        graph,
        request.data,
        request.calibration,
        request.options,
        place=request.place,
        integers=integers,
        samples=request.samples,
        classes=request.classes,
        progress=progress,
    )
    with one_thread():
        limit = request.weight_bytes
        start = start_within(task, layers, limit, request.formats, progress) if limit else None
    journal = Journal(request.journal, _about(request, graph))
    engine: AbstractContextManager[None] = workers.cluster(request.dask, task) if request.dask else workers.local()
    with engine:
        measure = _Measuring(task, journal, request.jobs, progress)
        (widest,) = measure("network", [Candidate()])
        if not widest.weights:
            raise CannotQuantizeError(widest.problem)
        limits = Limits(widest, request.max_drop * len(task.labels) / 100, request.margin)
        found = Search(layers, request.formats, limits, measure, start).run()
    best = _required(found, limits, request)
    model = _model(task, found, best, journal)
    return Outcome(task, layers, limits, best, model, found, journal, measure.new)


def float_model(path: Path, load_timeout: float = LOAD_SECONDS) -> tuple[FloatGraph, Graph | None]:
    """Read a float model, or the one that a ``.mcuq`` file was made from and what was made of it.

    Raises:
        UsageError: for a quantized model without one.
    """
    opened = loading.read_model(path, load_timeout)
    if isinstance(opened, FloatGraph):
        return opened, None
    if opened.source is None:
        raise UsageError(
            f"{path}: is quantized already and does not hold its float model, which the search starts from"
        )
    return opened.source, opened.graph


def searchable(graph: FloatGraph) -> tuple[Layer, ...]:
    """Return the layers whose weights are real numbers."""
    return tuple(
        Layer(node.name, graph.shape(node.inputs[1])[node.op.weights_axis], is_splittable(graph, node))
        for node in graph.nodes
        if node.op.weights_axis is not None and not isinstance(graph.constants[node.inputs[1]], QConstant)
    )


class _Measuring:
    """Measures what the journal does not have, and keeps it there."""

    def __init__(self, task: Task, journal: Journal, jobs: int, progress: Progress | None) -> None:
        self.task, self.journal, self.jobs, self.progress = task, journal, jobs, progress
        self.new = 0

    def __call__(self, stage: str, candidates: Sequence[Candidate]) -> list[Measurement]:
        known = self.journal.measurements
        missing = [candidate for candidate in candidates if candidate not in known]
        done = len(candidates) - len(missing)
        for number, (candidate, measurement) in enumerate(workers.measure(self.task, missing, self.jobs), done + 1):
            self.journal.add(candidate, measurement)
            self.new += 1
            if self.progress:
                self.progress(stage, number, len(candidates))
        return [known[candidate] for candidate in candidates]


def _about(request: Request, graph: FloatGraph) -> dict[str, str]:
    files = [request.data, *([request.calibration] if request.calibration else [])]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return {
        "version of mcuq": __version__,
        "model": archive.float_digest(graph),
        "set of samples": " ".join([*digests, *([request.samples] if request.samples else [])]),
        "board or setup": hashlib.sha256(repr(request.place).encode()).hexdigest(),
        "set of quantization options": json.dumps(asdict(request.options), sort_keys=True),
    }


def _required(found: Found, limits: Limits, request: Request) -> Candidate:
    if found.best is not None:
        return found.best
    board = request.place[0].id
    fitting = [m for m in found.measured.values() if not m.problem]
    if not fitting:
        smallest = min(found.measured.values(), key=lambda m: (not m.flash, m.flash))
        raise DoesNotFitError(f"no choice of bits fits {board}; the smallest: {smallest.problem}")
    lost = limits.widest.hits - max(m.hits for m in fitting)
    samples = f"{lost} samples of at most {limits.lost:g}"
    raise ClearNoError(f"what fits {board} loses more than {request.max_drop:g} points: at the least {samples}")


def _model(task: Task, found: Found, best: Candidate, journal: Journal) -> Archive:
    """Return the quantized model, which must be the one that was measured."""
    with one_thread():
        model = built(task, best)
    if archive.digest(model.graph) != found.measured[best].digest:
        raise McuqError(f"{journal.path}: was measured by a computer whose last digits differ; remove it, search again")
    return model
