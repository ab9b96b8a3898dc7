"""How much accuracy the integers cost, and where: a float model and its integers on the same samples (contract N6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mcuq.archive import Archive
from mcuq.data import Reading, open_samples, read_samples, real_samples
from mcuq.errors import UsageError
from mcuq.evaluation.layers import Layer, Memory, judge_weights, run_both
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.page.rendering import fragment
from mcuq.plan.builder import build_plan
from mcuq.quantization.samples import Batch, batches
from mcuq.samples import judging
from mcuq.samples.judging import Tally
from mcuq.samples.metrics import Figure, Metrics, paired_difference
from mcuq.samples.task import UNSAID, Said, Task, find_task
from mcuq.tensor import Array

CHUNK = 32  # samples whose activations are held at once

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Evaluation:
    """A quantized model judged by labels, and by the float model it was made from.

    Attributes:
        samples: how many.
        task: what the model was judged by; None where the samples say nothing about right and wrong.
        integer, real: how good the answers of the integers and of the float model are; None without a task, or without
            the float model.
        gain: how much larger the integers' share of right answers is, on the same samples; None without either.
        agreement: share of answers that both give; None without the float model, or answers.
        difference: root of the mean squared difference of both models' outputs; None without the float model.
        layers: in execution order; empty without the float model.
    """

    samples: int
    task: Task | None
    integer: Metrics | None
    real: Metrics | None
    gain: Figure | None
    agreement: float | None
    difference: float | None
    layers: tuple[Layer, ...] = ()

    @property
    def integer_accuracy(self) -> float | None:
        """Share of the integers' right answers; None where the task has none."""
        return _value(self.integer, "accuracy")

    @property
    def float_accuracy(self) -> float | None:
        """Share of the float model's right answers; None where the task has none, or without the float model."""
        return _value(self.real, "accuracy")

    @property
    def integer_rmse(self) -> float | None:
        """Error of values or of a reconstruction, in the output's unit; None where answers are right or wrong."""
        return _value(self.integer, "rmse")

    @property
    def float_rmse(self) -> float | None:
        """The same of the float model."""
        return _value(self.real, "rmse")

    def __repr__(self) -> str:
        """Return a line: samples, and how good the answers are."""
        names = ("float_accuracy", "integer_accuracy", "float_rmse", "integer_rmse", "agreement", "difference")
        found = [f"{name} {value:.4g}" for name in names if (value := getattr(self, name)) is not None]
        return f"<Evaluation of {self.samples:,} samples: {', '.join(found) or 'nothing to judge by'}>"

    def _repr_html_(self) -> str:
        """Return what a report shows of it, for a notebook."""
        return fragment("judged.html.j2", {"judged": self, "layers": self.noisiest})

    @property
    def noisiest(self) -> list[Layer]:
        """The layers that were judged by how much noise they add, the worst first; those without any last."""
        layers = [layer for layer in self.layers if layer.values]
        return sorted(layers, key=lambda layer: (layer.own.sqnr is None, layer.own.sqnr or 0.0))

    @property
    def worst(self) -> Layer | None:
        """The layer to look at first: the one that adds most noise of its own."""
        judged = [layer for layer in self.layers if layer.own.sqnr is not None]
        return min(judged, key=lambda layer: layer.own.sqnr or 0.0, default=None)


def _value(metrics: Metrics | None, name: str) -> float | None:
    figure: Figure | None = getattr(metrics, name, None)
    return figure.value if figure else None


@dataclass(frozen=True, eq=False)
class Data:
    """Samples as :func:`evaluate` takes them, what they are judged by, and how their file was read."""

    batches: Iterable[Batch]
    task: Task | None
    notes: tuple[str, ...] = ()


def open_data(
    model: Archive,
    path: Path,
    chosen: Reading | None = None,
    classes: tuple[str, ...] = (),
    said: Said = UNSAID,
) -> Data:
    """Open a file of samples to evaluate a model with.

    Args:
        model: a quantized model.
        path: the file.
        chosen: what its integers are; see :func:`mcuq.data.reading_of`.
        classes: the labels that the model's outputs stand for, in their order; default: those in the file.
        said: what the user says of the task.

    Raises:
        UsageError: for samples, or labels, that are not of this model.
    """
    graph = model.graph
    if model.source is None:
        samples = read_samples(path, graph, chosen)
        task = find_task(graph, samples.labels, classes or samples.classes or model.classes, f"{path}: labels", said)
        return Data([Batch(samples.inputs, samples.labels)], task, samples.notes)
    file = open_samples(path, graph.inputs)
    task = find_task(graph, file.labels, classes or file.classes or model.classes, f"{path}: labels", said)
    real, notes = real_samples(file, graph, chosen)
    parts = batches(replace(model.source, layouts={}), replace(file, inputs=real))
    return Data(parts, task, tuple(notes))


class _Scores:
    """Answers of both models so far."""

    def __init__(self, graph: Graph, task: Task | None) -> None:
        self.graph, self.task = graph, task
        self.integer = Tally(task) if task else None
        self.real = Tally(task) if task else None
        self.answers = task or Task("classes", graph.values[graph.outputs[0]].elements)
        self.same, self.asked, self.squares, self.values = 0, 0, 0.0, 0

    def add(self, inputs: Mapping[str, Array], integers: Array, real: Array | None, labels: Array | None) -> None:
        """Add outputs of both models, real values [samples, elements], on the same samples."""
        if self.integer:
            judging.add(self.integer, inputs, integers, labels)
        if real is None:
            return
        if self.real:
            judging.add(self.real, inputs, real, labels)
        same = self.answers.right(integers, self.answers.answers(real))
        self.same, self.asked = self.same + int(np.count_nonzero(same)), self.asked + len(same)
        self.squares += float(np.square(integers.astype(np.float64) - real).sum())
        self.values += real.size

    def result(self, samples: int, layers: Iterable[Layer]) -> Evaluation:
        """Return what was found."""
        integer, real, compared = self.integer, self.real, self.values > 0
        several = self.answers.counts and (self.task is not None or self.answers.outputs > 1)
        judged = integer and real and real.samples and integer.task.counts
        return Evaluation(
            samples,
            self.task,
            integer.metrics() if integer else None,
            real.metrics() if real else None,
            paired_difference(real.hits, integer.hits) if integer and real and judged else None,
            self.same / self.asked if compared and several else None,
            math.sqrt(self.squares / self.values) if compared else None,
            tuple(layers),
        )


def evaluate(  # noqa: PLR0917
    graph: Graph,
    source: FloatGraph | None,
    data: Iterable[Batch],
    progress: Progress | None = None,
    task: Task | None = None,
    classes: tuple[str, ...] = (),
    said: Said = UNSAID,
) -> Evaluation:
    """Run samples through both models.

    Args:
        graph: the quantized model.
        source: the float model it was made from, value for value under the same names; None: only labels count.
        data: samples, streamed: real values in the graph's layout with a source, else integers.
        progress: called with the number of samples done.
        task: what the model is judged by; default: found from the first samples and their labels.
        classes: the labels that the model's outputs stand for, in their order, where they are no numbers of outputs.
        said: what the user says of the task.

    Raises:
        UsageError: for no samples, or labels that are not of this model.
    """
    plan = build_plan(graph)
    layers = {node.outputs[0]: Layer(node.name, node.op.name) for node in source.nodes} if source else {}
    scores, samples, memory = None, 0, Memory()
    for batch in data:
        scores = scores or _Scores(graph, task or find_task(graph, batch.labels, classes, said=said))
        chunk = len(batch) if graph.states else CHUNK  # samples are the steps of a sequence
        for start in range(0, len(batch), chunk):
            part = batch.part(start, start + chunk)
            integers, real = run_both(plan, source, part.inputs, layers, memory)
            inputs = part.inputs if source else {n: graph.values[n].dequantize(x) for n, x in part.inputs.items()}
            scores.add(inputs, integers, real, part.labels)
            samples += len(part)
            if progress:
                progress(samples)
    if scores is None or not samples:
        raise UsageError("there are no samples to evaluate with")
    if source:
        judge_weights(graph, source, layers)
    return scores.result(samples, layers.values())
