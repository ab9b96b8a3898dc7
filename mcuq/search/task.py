"""What all candidates of a search share: the calibrated model, the samples that score, and the board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mcuq import float_run
from mcuq.data import Reading, open_samples, reading_note, real_samples
from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.quantization.calibrate import Calibration, Progress, calibrate
from mcuq.quantization.equalization import equalize
from mcuq.quantization.options import Options
from mcuq.quantization.quantizer import quantize_graph
from mcuq.quantization.samples import Batch, batches
from mcuq.quantization.scheme import Range
from mcuq.samples.keys import Named
from mcuq.samples.task import Task as Judged
from mcuq.samples.task import find_task
from mcuq.search.threads import one_thread
from mcuq.target.board import Board
from mcuq.target.setup import Setup
from mcuq.tensor import Array

SHARE = 10  # one sample of so many calibrates where one file is for both
FEWEST, MOST = 32, 256  # that do


@dataclass(frozen=True, eq=False)
class Task:
    """Everything that a worker needs to measure a candidate.

    Attributes:
        source: the float model, equalized if the options say so.
        ranges: of its activations.
        options: of quantization, with 8 bits.
        kept: calibration samples, float32 [kept, *shape] per model input.
        inputs: samples that score, integers [samples, *shape] per model input.
        judged: what decides whether a sample is right.
        labels: their classes, [samples].
        wanted: the first output of the float model for them, float32 [samples, elements].
        board, framework, setup: where the model shall run.
        notes: for people: how the files of samples were read.
    """

    source: FloatGraph
    ranges: Mapping[str, Range]
    options: Options
    kept: Mapping[str, Array]
    inputs: Mapping[str, Array]
    judged: Judged
    labels: Array
    wanted: Array
    board: Board
    framework: str
    setup: Setup
    notes: tuple[str, ...] = ()

    @property
    def float_hits(self) -> int:
        """Samples that the float model gets right."""
        return int(self.judged.right(self.wanted, self.labels).sum())


def prepare(
    graph: FloatGraph,
    data: Path,
    calibration: Path | None,
    options: Options,
    *,
    place: tuple[Board, str, Setup],
    integers: Graph | None = None,
    samples: Reading | None = None,
    classes: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Task:
    """Calibrate once, and turn the samples that score into integers.

    Args:
        graph: the float model.
        data: labelled samples; without ``calibration`` the first tenth calibrates and the others score.
        calibration: samples to calibrate with instead; all of ``data`` score then.
        options: of quantization; 8 bits.
        place: board, framework and setup.
        integers: the quantized model that the float model comes with, if it does.
        samples: what integers of that one's type are among the samples; see :func:`mcuq.data.reading_of`.
        classes: the labels that the model's outputs stand for, in their order, where labels are no such numbers.
        progress: see :func:`calibrate`.

    Raises:
        UsageError: for samples that do not fit the model, or have no labels.
    """
    file = open_samples(data, graph.inputs)
    if file.labels is None:
        raise UsageError(f"{data}: has no labels (key Y), by which the search measures accuracy")
    judged = find_task(graph, file.labels, classes or file.classes, f"{data}: labels")
    if judged is None or not judged.counts:
        raise UsageError(f"{data}: the labels are values, not answers that are right or wrong, which the search counts")
    given, notes = _whole(graph, file, integers, samples)
    count = 0 if calibration else calibrating(len(given))
    observed, scored = given.part(0, count), given.part(count, len(given))
    if calibration:
        observed, more = _whole(graph, open_samples(calibration, graph.inputs), integers, samples)
        notes = [*more, *notes]
    with one_thread():
        seen = _calibrated(graph, observed, options, progress)
        wanted = _float_outputs(seen.graph, scored)
    ranges = seen.ranges(options.fixed_method, options.kind, options.layer_methods)
    values = quantize_graph(seen.graph, ranges, options.kind).values
    inputs = {name: values[name].quantize(x) for name, x in scored.inputs.items()}
    labels = judged.truth(np.asarray(scored.labels))
    return Task(
        replace(seen.graph, layouts=graph.layouts),
        ranges,
        options,
        seen.kept,
        inputs,
        judged,
        labels,
        wanted,
        *place,
        (*notes, *seen.remarks, *seen.warnings),
    )


def calibrating(samples: int) -> int:
    """Return how many of so many samples calibrate: a tenth, within bounds, and never more than half.

    >>> [calibrating(n) for n in (40, 540, 1000, 10_000)]
    [20, 54, 100, 256]
    """
    return min(max(samples // SHARE, FEWEST), MOST, samples // 2)


def _whole(graph: FloatGraph, file: Named, integers: Graph | None, samples: Reading | None) -> tuple[Batch, list[str]]:
    """Return all samples of a file, real values in the graph's layout, and how they were read."""
    if integers:
        inputs, notes = real_samples(file, integers, samples)
        graph, file = replace(graph, layouts={}), replace(file, inputs=inputs)
    elif samples == "stored":
        raise UsageError(f"{file.where}: a float model's samples are real values; none can be stored integers")
    else:
        notes = [reading_note(file, dict.fromkeys(graph.inputs, "real"))]
    parts = list(batches(graph, file))
    labels: Any = [part.labels for part in parts]
    inputs = {name: np.concatenate([part.inputs[name] for part in parts]) for name in graph.inputs}
    return Batch(inputs, None if any(part is None for part in labels) else np.concatenate(labels)), notes


def _calibrated(graph: FloatGraph, observed: Batch, options: Options, progress: Progress | None) -> Calibration:
    arranged = replace(graph, layouts={})  # as the samples are already
    source = equalize(arranged) if "equalization" in options.fixed_corrections else arranged
    if not len(observed):
        raise UsageError("one sample cannot both calibrate and score; give more, or --calibration")
    return calibrate(source, observed.inputs, progress)


def _float_outputs(graph: FloatGraph, scored: Batch) -> Array:
    """Run the samples in batches of bounded size."""
    parts = (float_run.run(graph, batch.inputs) for batch in batches(graph, scored.inputs))
    return np.concatenate([part[graph.outputs[0]].reshape(len(part[graph.outputs[0]]), -1) for part in parts])
