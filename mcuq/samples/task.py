"""What a model does, found from its outputs and the labels, or said: none is guessed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.tensor import Array, Shape

Kind = Literal["classes", "decisions", "multilabel", "values", "reconstruction"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# Operators whose output is never negative: 0.5 lies between no and yes, as 0 does with any other.
_POSITIVE = ("logistic", "hard_sigmoid", "relu", "relu6")


@dataclass(frozen=True)
class Said:
    """What the user says of the task: its kind, empty for none, and the threshold between no and yes."""

    kind: Kind | Literal[""] = ""
    threshold: float | None = None


UNSAID = Said()


@dataclass(frozen=True)
class Task:
    """What a model's first output is judged by.

    Attributes:
        kind: classes: the largest of several outputs names one; decisions: one output, yes from the threshold on;
            multilabel: so is each of several; values: numbers that should be near the labels; reconstruction: they
            should be near the inputs.
        outputs: elements of the model's first output, of one step of it where there are several.
        threshold: of decisions and several labels.
        classes: names of the classes that the labels have, in the order of the outputs; empty: labels are numbers.
        low: the label that stands for no; that of yes is 1.
        steps: answers per sample: of a sequence one for each of its steps.
        names: of what the outputs stand for, in their order, also where labels are numbers; empty: not known.
    """

    kind: Kind
    outputs: int
    threshold: float = 0.0
    classes: tuple[str, ...] = ()
    low: int = 0
    steps: int = 1
    names: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether an answer is right or wrong; else there is an error, in the output's unit."""
        return self.kind in ("classes", "decisions", "multilabel")

    @property
    def how(self) -> str:
        """What decides, in words."""
        return {
            "classes": f"the largest of {self.outputs} outputs{f' at each of {self.steps} steps' * (self.steps > 1)}",
            "decisions": f"one output, yes from {self.threshold:g} on",
            "multilabel": f"all of {self.outputs} outputs, each yes from {self.threshold:g} on",
            "values": f"{self.outputs} output value{'s' if self.outputs > 1 else ''} against the labels",
            "reconstruction": "output against input",
        }[self.kind]

    def answers(self, outputs: Array) -> Array:
        """Return what outputs say.

        Args:
            outputs: real values [samples, elements].

        Returns:
            the class of every sample, or of every step [samples * steps]; of several labels 0 or 1 [samples, outputs].
        """
        if self.kind == "classes":
            return np.asarray(outputs.reshape(-1, self.outputs).argmax(axis=1))
        said = (outputs >= self.threshold).astype(np.int64)
        return said if self.kind == "multilabel" else said[:, 0]

    def right(self, outputs: Array, truth: Array) -> Array:
        """Return whether every answer is right, all its labels where it has several: [samples * steps]."""
        equal = self.answers(outputs) == truth
        return np.asarray(equal.all(axis=1) if equal.ndim > 1 else equal)

    def truth(self, labels: Array, where: str = "labels") -> Array:
        """Return labels as this task compares them: classes [samples * steps], or values [samples, outputs].

        Raises:
            UsageError: for labels of another task; they are never judged by.
        """
        flat = _numbers(labels, self.classes, where)
        if self.kind == "values":
            if flat.shape[1] != self.outputs:
                raise UsageError(f"{where}: {flat.shape[1]} values per sample, the model has {self.outputs} outputs")
            return flat.astype(np.float64)
        if self.kind == "classes" and self.steps == 1 and flat.shape[1] == self.outputs > 1:
            flat = _one_hot(flat, where)
        if flat.shape[1] != (self.outputs if self.kind == "multilabel" else self.steps):
            raise UsageError(f"{where}: {flat.shape[1]} values per sample, the model has {self.outputs} outputs")
        if self.kind == "multilabel":
            return _yes_no(flat, where)
        answers = flat.ravel()
        known = (self.low, 1) if self.kind == "decisions" else range(self.outputs)
        if wrong := sorted({float(v) for v in np.unique(answers)} - {float(v) for v in known}):
            raise UsageError(
                f"{where}: hold {_listed(wrong)}; the model's answers are {known[0]} to {known[-1]}; "
                "say which label each of its outputs has, in their order: --classes A,B,..."
            )
        return (answers == 1).astype(np.int64) if self.kind == "decisions" else answers.astype(np.int64)


def find_task(
    graph: Graph | FloatGraph,
    labels: Array | None,
    classes: tuple[str, ...] = (),
    where: str = "labels",
    said: Said = UNSAID,
) -> Task | None:
    """Find what a model does; None where nothing says whether it is right.

    Args:
        graph: the model; its first output is judged.
        labels: of all samples, or of the first ones: [samples], or [samples, ...] with as many elements as the output.
        classes: the labels that the outputs stand for, in their order, where labels are no numbers of outputs.
        where: names the labels in messages.
        said: what the user says.

    Raises:
        UsageError: for labels that cannot be of this model; they are never taken for wrong answers.
    """
    task = _said(graph, labels, said.kind, where) if said.kind else _found(graph, labels, classes, where)
    if task is None:
        return None
    if classes and task.kind in ("classes", "decisions", "multilabel"):
        task = replace(task, names=classes)
    if said.threshold is not None:
        if task.kind not in ("decisions", "multilabel"):
            raise UsageError(f"a threshold decides between yes and no; judged is {task.how}")
        task = replace(task, threshold=said.threshold)
    if labels is not None and task.kind != "reconstruction":
        task.truth(labels, where)
    return task


def _said(graph: Graph | FloatGraph, labels: Array | None, kind: Kind, where: str) -> Task:
    """Return a task of the kind that the user says."""
    shape = [d for d in _shape(graph, graph.outputs[0]) if d > 1]
    outputs = math.prod(shape)
    if labels is None and kind != "reconstruction":
        raise UsageError(f"{where}: there are none, and {kind} are judged by them")
    if kind == "decisions" and outputs > 1:
        raise UsageError(f"one output decides between yes and no, the model has {outputs}; multilabel has one for each")
    if kind == "reconstruction" and not _mirrors(graph):
        raise UsageError("a reconstruction looks like the model's only input; the first output does not")
    if kind in ("classes", "multilabel") and outputs == 1:
        raise UsageError(f"the model has one output; {kind} have several: its task is decisions, or values")
    steps = shape[0] if kind == "classes" and len(shape) == 2 else 1
    threshold = usual_threshold(last_operator(graph))
    return Task(kind, outputs // steps, threshold if kind in ("decisions", "multilabel") else 0.0, steps=steps)


def _found(graph: Graph | FloatGraph, labels: Array | None, classes: tuple[str, ...], where: str) -> Task | None:
    """Return the task that outputs and labels tell of."""
    shape, last = [d for d in _shape(graph, graph.outputs[0]) if d > 1], last_operator(graph)
    outputs = math.prod(shape)
    mirrors = outputs > 2 and last != "softmax" and _mirrors(graph)
    if labels is None:
        return Task("reconstruction", outputs) if mirrors else None
    steps = shape[0] if len(shape) == 2 and [d for d in labels.shape[1:] if d > 1] == shape[:1] else 1
    if classes and len(classes) != max(outputs // steps, 2):
        raise UsageError(f"{where}: {len(classes)} classes are named, the model tells {max(outputs // steps, 2)} apart")
    mapping = classes if _named(labels, classes) else ()
    flat = _numbers(labels, mapping, where)
    found = {float(value) for value in np.unique(flat)[:3]}
    binary = found <= {0.0, 1.0}
    if outputs == 1:
        return _one_output(flat, found, last, mapping)
    if mirrors and flat.shape[1] == 1 and binary:
        return Task("reconstruction", outputs)  # such labels tell ordinary from odd, which has to be found first
    if flat.shape[1] == outputs and not (binary and _integral(flat)):
        if [d for d in labels.shape[1:] if d > 1] != shape:
            raise UsageError(f"{where}: of shape {list(labels.shape)}, the model's output is {shape}")
        return Task("values", outputs)
    if len(shape) == 1 and flat.shape[1] == outputs and last in _POSITIVE and not (flat.sum(axis=1) == 1).all():
        return Task("multilabel", outputs, 0.5)
    if len(shape) > 1 and steps == 1:
        raise UsageError(f"{where}: of shape {list(labels.shape)}, but the output, {shape}, names no class per sample")
    return Task("classes", outputs // steps, classes=mapping, steps=steps)


def _one_output(flat: Array, found: set[float], last: str, mapping: tuple[str, ...]) -> Task:
    threshold = usual_threshold(last)
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


def _yes_no(flat: Array, where: str) -> Array:
    if wrong := sorted({float(v) for v in np.unique(flat)} - {0.0, 1.0}):
        raise UsageError(f"{where}: hold {_listed(wrong)}; each of several labels is 0 or 1")
    return flat.astype(np.int64)


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


def usual_threshold(last: str) -> float:
    """Return what lies between no and yes behind an operator, as :func:`last_operator` names it."""
    return 0.5 if last in _POSITIVE else 0.0


def last_operator(graph: Graph | FloatGraph) -> str:
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
