"""How much accuracy the integers cost, and where: a float model and its integers on the same samples (contract N6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mcuq import float_run, simulator
from mcuq.archive import Archive
from mcuq.data import Reading, open_samples, read_samples, real_samples
from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph, Node
from mcuq.plan import Plan, Step
from mcuq.plan.builder import build_plan
from mcuq.quantization.arrays import decibels
from mcuq.quantization.samples import Batch, batches
from mcuq.samples.judging import Tally, Task, find_task, truth_of
from mcuq.tensor import Array, QConstant

CHUNK = 32  # samples whose activations are held at once

Progress = Callable[[int], None]


@dataclass
class Error:
    """Sums of squares of a signal and of its error, over all samples so far."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, real: Array, approximation: Array) -> None:
        """Add samples of a value and what stands for it, same shape."""
        self.signal += float(np.square(real, dtype=np.float64).sum())
        self.noise += float(np.square(real.astype(np.float64) - approximation).sum())

    @property
    def sqnr(self) -> float | None:
        """Signal to quantization noise ratio in dB; None where there is no noise or no signal."""
        ratio = decibels(self.signal, self.noise)
        return ratio if np.isfinite(ratio) else None


@dataclass
class Layer:
    """One layer of the integer model against the float one.

    Attributes:
        name: of the layer.
        weights: SQNR of its weights in dB; None without weights.
        output: its output against the float model's, with the errors of all layers before it.
        own: the same when its inputs are the float model's, rounded to integers: what this layer alone loses.
        clipped: share of the float model's values more than one step outside the output's range.
    """

    name: str
    op: str
    weights: float | None = None
    output: Error = field(default_factory=Error)
    own: Error = field(default_factory=Error)
    beyond: int = 0
    values: int = 0

    @property
    def clipped(self) -> float:
        """Share of the float model's values that the integers cannot reach."""
        return self.beyond / self.values if self.values else 0.0


@dataclass(frozen=True)
class Evaluation:
    """A quantized model judged by labels, and by the float model it was made from.

    Attributes:
        samples: how many.
        task: what the model was judged by; None where the samples say nothing about right and wrong.
        integer_accuracy, float_accuracy: share of right answers; None where the task has none, or without the float
            model.
        integer_rmse, float_rmse: error of values or of a reconstruction, in the output's unit; None likewise.
        agreement: share of samples where both give the same answer; None without the float model, or answers.
        difference: root of the mean squared difference of both models' outputs; None without the float model.
        layers: in execution order; empty without the float model.
    """

    samples: int
    task: Task | None
    integer_accuracy: float | None
    float_accuracy: float | None
    integer_rmse: float | None
    float_rmse: float | None
    agreement: float | None
    difference: float | None
    layers: tuple[Layer, ...] = ()

    def __repr__(self) -> str:
        """Return a line: samples, and how good the answers are."""
        names = ("float_accuracy", "integer_accuracy", "float_rmse", "integer_rmse", "agreement", "difference")
        found = [f"{name} {value:.4g}" for name in names if (value := getattr(self, name)) is not None]
        return f"<Evaluation of {self.samples:,} samples: {', '.join(found) or 'nothing to judge by'}>"

    @property
    def worst(self) -> Layer | None:
        """The layer to look at first: the one that adds most noise of its own."""
        judged = [layer for layer in self.layers if layer.own.sqnr is not None]
        return min(judged, key=lambda layer: layer.own.sqnr or 0.0, default=None)


@dataclass(frozen=True, eq=False)
class Data:
    """Samples as :func:`evaluate` takes them, what they are judged by, and how their file was read."""

    batches: Iterable[Batch]
    task: Task | None
    notes: tuple[str, ...] = ()


def open_data(model: Archive, path: Path, chosen: Reading | None = None, classes: tuple[str, ...] = ()) -> Data:
    """Open a file of samples to evaluate a model with.

    Args:
        model: a quantized model.
        path: the file.
        chosen: what its integers are; see :func:`mcuq.data.reading_of`.
        classes: the labels that the model's outputs stand for, in their order; default: those in the file.

    Raises:
        UsageError: for samples, or labels, that are not of this model.
    """
    graph = model.graph
    if model.source is None:
        samples = read_samples(path, graph, chosen)
        task = find_task(graph, samples.labels, classes or samples.classes, f"{path}: labels")
        return Data([Batch(samples.inputs, samples.labels)], task, samples.notes)
    file = open_samples(path, graph.inputs)
    task = find_task(graph, file.labels, classes or file.classes, f"{path}: labels")
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
        self.same, self.squares, self.values = 0, 0.0, 0

    def add(self, inputs: Mapping[str, Array], integers: Array, real: Array | None, labels: Array | None) -> None:
        """Add outputs of both models, real values [samples, elements], on the same samples."""
        truth = truth_of(self.task, inputs, labels) if self.task else None
        if self.integer and truth is not None:
            self.integer.add(integers, truth)
        if real is None:
            return
        if self.real and truth is not None:
            self.real.add(real, truth)
        self.same += int(np.count_nonzero(self.answers.answers(integers) == self.answers.answers(real)))
        self.squares += float(np.square(integers.astype(np.float64) - real).sum())
        self.values += real.size

    def result(self, samples: int, layers: Iterable[Layer]) -> Evaluation:
        """Return what was found."""
        integer, real, compared = self.integer, self.real, self.values > 0
        several = self.answers.counts and (self.task is not None or self.answers.outputs > 1)
        return Evaluation(
            samples,
            self.task,
            integer.accuracy if integer else None,
            real.accuracy if real else None,
            integer.rmse if integer else None,
            real.rmse if real else None,
            self.same / samples if compared and several else None,
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
) -> Evaluation:
    """Run samples through both models.

    Args:
        graph: the quantized model.
        source: the float model it was made from, value for value under the same names; None: only labels count.
        data: samples, streamed: real values in the graph's layout with a source, else integers.
        progress: called with the number of samples done.
        task: what the model is judged by; default: found from the first samples and their labels.
        classes: the labels that the model's outputs stand for, in their order, where they are no numbers of outputs.

    Raises:
        UsageError: for no samples, or labels that are not of this model.
    """
    plan = build_plan(graph)
    layers = {node.outputs[0]: Layer(node.name, node.op.name) for node in source.nodes} if source else {}
    scores, samples = None, 0
    for batch in data:
        scores = scores or _Scores(graph, task or find_task(graph, batch.labels, classes))
        chunk = len(batch) if graph.states else CHUNK  # samples are the steps of a sequence
        for start in range(0, len(batch), chunk):
            part = batch.part(start, start + chunk)
            integers, real = _chunk(plan, source, part.inputs, layers)
            inputs = part.inputs if source else {n: graph.values[n].dequantize(x) for n, x in part.inputs.items()}
            scores.add(inputs, integers, real, part.labels)
            samples += len(part)
            if progress:
                progress(samples)
    if scores is None or not samples:
        raise UsageError("there are no samples to evaluate with")
    if source:
        _judge_weights(graph, source, layers)
    return scores.result(samples, layers.values())


def _chunk(
    plan: Plan, source: FloatGraph | None, inputs: Mapping[str, Array], layers: Mapping[str, Layer]
) -> tuple[Array, Array | None]:
    """Return the first output of both models, real [samples, elements] each, and add to the layers' errors."""
    graph, output = plan.graph, plan.graph.outputs[0]
    samples, tensor = len(next(iter(inputs.values()))), plan.graph.values[output]
    if source is None:
        return tensor.dequantize(simulator.simulate(plan, inputs)[output]).reshape(samples, -1), None
    integers = {name: graph.values[name].quantize(x) for name, x in inputs.items()}
    computed = {name: x.reshape(len(x), -1) for name, x in integers.items()}
    for step, raw in simulator.trace(plan, integers):
        computed[step.outputs[0]] = raw.view(graph.values[step.outputs[0]].dtype)
    real = {name: np.asarray(x, np.float32) for name, x in inputs.items()}
    real |= {name: x for name, x, _ in float_run.trace(source, real)}
    for step in plan.steps:
        if step.outputs[0] in layers:
            _judge(plan, step, layers[step.outputs[0]], computed, real)
    if output not in computed:  # a reshape, or parts that were written where they belong
        computed[output] = simulator.simulate(plan, integers)[output]
    return tensor.dequantize(computed[output]).reshape(samples, -1), real[output].reshape(samples, -1)


def _judge(plan: Plan, step: Step, layer: Layer, computed: Mapping[str, Array], real: Mapping[str, Array]) -> None:
    name = step.outputs[0]
    tensor, wanted = plan.graph.values[name], real[name].reshape(len(real[name]), -1)
    layer.output.add(wanted, tensor.dequantize(computed[name]))
    if alone := _alone(plan, step, real):
        layer.own.add(wanted, tensor.dequantize(alone[0]))
    low, high = (tensor.scale * (limit - tensor.zero_point) for limit in tensor.limits)
    margin = 1.0001 * tensor.scale  # a softmax of 1 is 255/256, as near as its integers come
    layer.beyond += int(np.count_nonzero((wanted < low - margin) | (wanted > high + margin)))
    layer.values += wanted.size


def _alone(plan: Plan, step: Step, real: Mapping[str, Array]) -> list[Array]:
    """Return what a step makes of the float model's values, or nothing where one of them is not in the float model."""
    samples = len(real[step.outputs[0]])
    operands = []
    for name in step.inputs:
        tensor = plan.graph.tensor(name)
        if isinstance(tensor, QConstant):
            operands.append(np.broadcast_to(tensor.values.reshape(1, -1), (samples, tensor.elements)))
        elif name in real:
            operands.append(tensor.quantize(real[name]).reshape(samples, -1))
        else:
            return []
    result = step.params.run(*(np.ascontiguousarray(x) for x in operands))
    return [np.ascontiguousarray(result).view(plan.graph.values[step.outputs[0]].dtype)]


def _judge_weights(graph: Graph, source: FloatGraph, layers: Mapping[str, Layer]) -> None:
    quantized = {node.name: node for node in graph.nodes}
    for node, weights in _weighted(source):
        error = Error()
        error.add(source.real(weights), graph.constants[quantized[node.name].inputs[1]].real())
        layers[node.outputs[0]].weights = error.sqnr


def _weighted(source: FloatGraph) -> Iterator[tuple[Node, str]]:
    return ((node, node.inputs[1]) for node in source.nodes if node.op.weights_axis is not None)
