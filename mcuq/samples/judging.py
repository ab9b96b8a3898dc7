"""Whether a model's answers are right: the task is found from its outputs and the labels, and none is guessed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.tensor import Array, Shape

Kind = Literal["classes", "decisions", "values", "reconstruction"]

# Operators whose output is never negative: 0.5 lies between no and yes, as 0 does with any other.
_POSITIVE = ("logistic", "hard_sigmoid", "relu", "relu6")


@dataclass(frozen=True)
class Task:
    """What a model's first output is judged by.

    Attributes:
        kind: classes: the largest of several outputs names one; decisions: one output, yes from the threshold on;
            values: numbers that should be near the labels; reconstruction: they should be near the inputs.
        outputs: elements of the model's first output.
        threshold: of decisions.
        classes: names of the classes that the labels have, in the order of the outputs; empty: labels are numbers.
        low: the label that stands for no; that of yes is 1.
    """

    kind: Kind
    outputs: int
    threshold: float = 0.0
    classes: tuple[str, ...] = ()
    low: int = 0

    @property
    def counts(self) -> bool:
        """Whether a sample is right or wrong; else there is an error, in the output's unit."""
        return self.kind in ("classes", "decisions")

    @property
    def how(self) -> str:
        """What decides, in words."""
        return {
            "classes": f"the largest of {self.outputs} outputs",
            "decisions": f"one output, yes from {self.threshold:g} on",
            "values": f"{self.outputs} output value{'s' if self.outputs > 1 else ''} against the labels",
            "reconstruction": "output against input",
        }[self.kind]

    def answers(self, outputs: Array) -> Array:
        """Return the class of every sample, of outputs [samples, elements] in real values."""
        return outputs.argmax(axis=1) if self.kind == "classes" else (outputs[:, 0] >= self.threshold).astype(np.int64)

    def truth(self, labels: Array, where: str = "labels") -> Array:
        """Return labels as this task compares them: classes [samples], or values [samples, outputs].

        Raises:
            UsageError: for labels of another task; they are never judged by.
        """
        flat = _numbers(labels, self.classes, where)
        if self.kind == "values":
            if flat.shape[1] != self.outputs:
                raise UsageError(f"{where}: {flat.shape[1]} values per sample, the model has {self.outputs} outputs")
            return flat.astype(np.float64)
        if self.kind == "classes" and flat.shape[1] == self.outputs > 1:
            flat = _one_hot(flat, where)
        if flat.shape[1] != 1:
            raise UsageError(f"{where}: {flat.shape[1]} values per sample, the model has {self.outputs} outputs")
        answers = flat.reshape(len(labels))
        known = (self.low, 1) if self.kind == "decisions" else range(self.outputs)
        if wrong := sorted({float(v) for v in np.unique(answers)} - {float(v) for v in known}):
            raise UsageError(
                f"{where}: hold {_listed(wrong)}; the model's answers are {known[0]} to {known[-1]}; "
                "say which label each of its outputs has, in their order: --classes A,B,..."
            )
        return (answers == 1).astype(np.int64) if self.kind == "decisions" else answers.astype(np.int64)


@dataclass
class Tally:
    """Answers judged so far."""

    task: Task
    samples: int = 0
    right: int = 0
    squares: float = 0.0
    values: int = 0

    def add(self, outputs: Array, truth: Array) -> None:
        """Judge outputs, real values [samples, elements], by their truth: classes, or values of the same shape."""
        self.samples += len(outputs)
        if self.task.counts:
            self.right += int(np.count_nonzero(self.task.answers(outputs) == truth))
        else:
            error = outputs.astype(np.float64) - truth.reshape(outputs.shape)
            self.squares, self.values = self.squares + float(np.square(error).sum()), self.values + error.size

    @property
    def accuracy(self) -> float | None:
        """Share of right answers; None where there is an error instead."""
        return self.right / self.samples if self.task.counts and self.samples else None

    @property
    def rmse(self) -> float | None:
        """Root of the mean squared error, in the output's unit; None where answers are right or wrong."""
        return math.sqrt(self.squares / self.values) if self.values else None

    @property
    def text(self) -> str:
        """The result in words: "97.3 %" or "0.0213"."""
        return f"{100 * self.accuracy:.1f} %" if self.accuracy is not None else f"{self.rmse or 0.0:.4g}"


def judge(task: Task, inputs: Mapping[str, Array], outputs: Array, labels: Array | None) -> Tally:
    """Judge all samples at once.

    Args:
        task: what :func:`find_task` found.
        inputs: real values [samples, *shape] per model input.
        outputs: of the first output, real values [samples, *shape].
        labels: as they are in the file.
    """
    tally, samples = Tally(task), len(outputs)
    tally.add(outputs.reshape(samples, -1), truth_of(task, inputs, labels))
    return tally


def judge_integers(
    task: Task, graph: Graph, inputs: Mapping[str, Array], labels: Array | None, outputs: Mapping[str, Array]
) -> Tally:
    """Judge what a quantized model computes, integers [samples, *shape] per input and output."""
    real = {name: graph.values[name].dequantize(x) for name, x in inputs.items()}
    return judge(task, real, graph.values[graph.outputs[0]].dequantize(outputs[graph.outputs[0]]), labels)


def truth_of(task: Task, inputs: Mapping[str, Array], labels: Array | None) -> Array:
    """Return what outputs are compared with: labels as the task has them, or inputs [samples, elements].

    Raises:
        UsageError: for no labels where there were some, or labels of another task.
    """
    if task.kind == "reconstruction":
        x = next(iter(inputs.values()))
        return x.reshape(len(x), -1)
    if labels is None:
        raise UsageError("some of the samples have labels and others have none")
    return task.truth(labels)


def find_task(
    graph: Graph | FloatGraph, labels: Array | None, classes: tuple[str, ...] = (), where: str = "labels"
) -> Task | None:
    """Find what a model does; None where nothing says whether it is right.

    Args:
        graph: the model; its first output is judged.
        labels: of all samples, or of the first ones: [samples], or [samples, ...] with as many elements as the output.
        classes: the labels that the outputs stand for, in their order, where labels are no numbers of outputs.
        where: names the labels in messages.

    Raises:
        UsageError: for labels that cannot be of this model; they are never taken for wrong answers.
    """
    shape, last = [d for d in _shape(graph, graph.outputs[0]) if d > 1], _last(graph)
    outputs = math.prod(shape)
    mirrors = outputs > 2 and last != "softmax" and _mirrors(graph)
    if labels is None:
        return Task("reconstruction", outputs) if mirrors else None
    if classes and len(classes) != max(outputs, 2):
        raise UsageError(f"{where}: {len(classes)} classes are named, the model tells {max(outputs, 2)} apart")
    mapping = classes if _named(labels, classes) else ()
    flat = _numbers(labels, mapping, where)
    found = {float(value) for value in np.unique(flat)[:3]}
    if outputs == 1:
        task = _one_output(flat, found, last, mapping)
    elif mirrors and flat.shape[1] == 1 and found <= {0.0, 1.0}:
        return Task("reconstruction", outputs)  # such labels tell ordinary from odd, which has to be found first
    elif flat.shape[1] == outputs and not (found <= {0.0, 1.0} and _integral(flat)):
        if [d for d in labels.shape[1:] if d > 1] != shape:
            raise UsageError(f"{where}: of shape {list(labels.shape)}, the model's output is {shape}")
        task = Task("values", outputs)
    elif len(shape) > 1:
        raise UsageError(f"{where}: of shape {list(labels.shape)}, but the output, {shape}, names no class per sample")
    else:
        task = Task("classes", outputs, classes=mapping)
    task.truth(labels, where)
    return task


def _one_output(flat: Array, found: set[float], last: str, mapping: tuple[str, ...]) -> Task:
    threshold = 0.5 if last in _POSITIVE else 0.0
    if mapping or found <= {0.0, 1.0}:
        return Task("decisions", 1, threshold, mapping)
    if found <= {-1.0, 1.0}:
        return Task("decisions", 1, threshold, low=-1)
    if last in ("logistic", "hard_sigmoid") and (flat.min() < 0 or flat.max() > 1):
        return Task("decisions", 1, threshold)  # which refuses them
    return Task("values", 1)


def class_numbers(labels: Array, classes: tuple[str, ...], where: str) -> Array:
    """Return labels, any shape, as their places among the classes.

    Raises:
        UsageError: for a label that is none of them.
    """
    places = {name: place for place, name in enumerate(classes)}
    given, index = np.unique(labels, return_inverse=True)
    if unknown := [str(v) for v in given if str(v) not in places]:
        raise UsageError(f"{where}: hold {_listed(unknown)}, which is none of the classes {_listed(classes)}")
    return np.asarray(np.array([places[str(v)] for v in given], np.int64)[index].reshape(labels.shape))


def _numbers(labels: Array, classes: tuple[str, ...], where: str) -> Array:
    """Return labels as numbers [samples, values]; classes become their places."""
    flat = labels.reshape(len(labels), -1)
    if classes:
        return class_numbers(flat, classes, where)
    if flat.dtype.kind in "US":
        held = _listed([str(v) for v in np.unique(flat)])
        raise UsageError(
            f"{where}: are text ({held}); say which label each of the model's outputs has, in their order: "
            "--classes A,B,..."
        )
    if flat.dtype.kind not in "fiub" or not np.all(np.isfinite(flat)):
        raise UsageError(f"{where}: hold values that are no numbers")
    return flat


def _one_hot(flat: Array, where: str) -> Array:
    ones = np.isin(flat, (0, 1)).all(axis=1) & (flat.sum(axis=1) == 1)
    if not ones.all():
        sample = int(np.flatnonzero(~ones)[0])
        raise UsageError(f"{where}: those of sample {sample} do not name one class; one in each row is wanted")
    return np.asarray(flat.argmax(axis=1).reshape(-1, 1))


def _named(labels: Array, classes: tuple[str, ...]) -> bool:
    """Whether labels are names of classes, not the numbers of their outputs."""
    if not classes or labels.dtype.kind in "US":
        return bool(classes)
    return {str(v) for v in np.unique(labels)} <= set(classes)


def _integral(x: Array) -> bool:
    return x.dtype.kind != "f" or bool(np.all(x == np.floor(x)))


def _listed(values: Iterable[str | float]) -> str:
    shown = [f"{v:g}" if isinstance(v, float) else v[:40] for v in values]
    return f"{', '.join(shown[:6])}{', ...' if len(shown) > 6 else ''}"


def _shape(graph: Graph | FloatGraph, name: str) -> Shape:
    return graph.shape(name) if isinstance(graph, FloatGraph) else graph.tensor(name).shape


def _last(graph: Graph | FloatGraph) -> str:
    """Return the name of the operator that computes the first output; what only moves or requantizes is passed over."""
    makers = {node.outputs[0]: node for node in graph.nodes}
    name = graph.outputs[0]
    while name in makers and (makers[name].op.only_moves or makers[name].op.name == "requantize"):
        name = makers[name].inputs[0]
    if name not in makers:
        return ""
    activation = getattr(makers[name].op, "activation", "none")
    return makers[name].op.name if activation == "none" else activation


def _mirrors(graph: Graph | FloatGraph) -> bool:
    """Whether the first output looks like the only input."""
    shapes = [_shape(graph, name) for name in (*graph.inputs, graph.outputs[0])]
    return len(graph.inputs) == 1 and [d for d in shapes[0] if d > 1] == [d for d in shapes[1] if d > 1]
