"""How good a model's answers are, as far as its samples tell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mcuq.errors import UsageError
from mcuq.graph import Graph
from mcuq.samples import metrics
from mcuq.samples.metrics import Figure, Metrics
from mcuq.samples.task import Task
from mcuq.tensor import Array

SCORES = 1 << 24  # outputs that are kept, to be ranked; what needs more of them is left out


@dataclass
class Tally:
    """Answers judged so far."""

    task: Task
    samples: int = 0
    answers: int = 0
    right: int = 0
    squares: float = 0.0
    values: int = 0
    _scores: list[Array] = field(default_factory=list)  # of answers that are right or wrong
    _truth: list[Array] = field(default_factory=list)
    _hits: list[Array] = field(default_factory=list)
    _errors: list[Array] = field(default_factory=list)  # else: the mean squared one of every sample
    _absolute: float = 0.0

    def add(self, outputs: Array, truth: Array) -> None:
        """Judge outputs, real values [samples, elements], by their truth: classes, or values of the same shape."""
        self.samples += len(outputs)
        if self.task.counts:
            hits = self.task.right(outputs, truth)
            self.answers, self.right = self.answers + len(hits), self.right + int(np.count_nonzero(hits))
            self._hits.append(hits)
            if self.answers * self.task.outputs <= SCORES:
                self._scores.append(outputs.reshape(-1, self.task.outputs).astype(np.float32))
        else:
            error = outputs.astype(np.float64) - truth.reshape(outputs.shape)
            self.answers = self.samples
            self.squares, self.values = self.squares + float(np.square(error).sum()), self.values + error.size
            self._errors.append(np.square(error).mean(axis=1))
            self._absolute += float(np.abs(error).sum())
        if self.task.kind != "reconstruction":
            self._truth.append(truth)

    def mark(self, odd: Array) -> None:
        """Say which samples of a reconstruction are odd, 0 or 1 [samples]: their error should be the larger one."""
        self._truth.append(odd)

    @property
    def accuracy(self) -> float | None:
        """Share of right answers; None where there is an error instead."""
        return self.right / self.answers if self.task.counts and self.answers else None

    @property
    def rmse(self) -> float | None:
        """Root of the mean squared error, in the output's unit; None where answers are right or wrong."""
        return math.sqrt(self.squares / self.values) if self.values else None

    @property
    def hits(self) -> Array:
        """Whether every answer is right, [answers]."""
        return np.concatenate(self._hits)

    @property
    def text(self) -> str:
        """The result in words: "97.3 %" or "0.0213"."""
        return f"{100 * self.accuracy:.1f} %" if self.accuracy is not None else f"{self.rmse or 0.0:.4g}"

    def metrics(self) -> Metrics | None:
        """Return all that the answers tell; None without any."""
        if not self.samples:
            return None
        truth = np.concatenate(self._truth) if self._truth else None
        if not self.task.counts or truth is None:
            return self._of_values(truth)
        accuracy = metrics.share(self.right, self.answers)
        scores = np.concatenate(self._scores)
        if len(scores) < self.answers:
            return Metrics(self.answers, accuracy)
        return {"classes": self._of_classes, "decisions": self._of_decisions, "multilabel": self._of_labels}[
            self.task.kind
        ](accuracy, scores, truth)

    def _of_classes(self, accuracy: Figure, scores: Array, truth: Array) -> Metrics:
        classes = self.task.outputs
        return Metrics(
            self.answers,
            accuracy,
            metrics.mean_area(scores, truth[:, np.newaxis] == np.arange(classes)),
            top=metrics.top_shares(scores, truth),
            confusion=metrics.confusion(self.task.answers(scores), truth, classes),
        )

    def _of_decisions(self, accuracy: Figure, scores: Array, truth: Array) -> Metrics:
        return Metrics(
            self.answers,
            accuracy,
            metrics.area(scores[:, 0], truth),
            metrics.best_threshold(scores[:, 0], truth, self.task.threshold),
            confusion=metrics.confusion(self.task.answers(scores), truth, 2),
        )

    def _of_labels(self, accuracy: Figure, scores: Array, truth: Array) -> Metrics:
        each = (self.task.answers(scores) == truth).mean(axis=0)
        return Metrics(self.answers, accuracy, metrics.mean_area(scores, truth), labels=tuple(each.tolist()))

    def _of_values(self, truth: Array | None) -> Metrics:
        squares = np.concatenate(self._errors)
        rmse, mae = metrics.root_mean(squares), self._absolute / self.values
        if truth is None or self.task.kind == "reconstruction":
            auc = None if truth is None else metrics.area(squares, truth)
            return Metrics(self.answers, auc=auc, rmse=rmse, mae=mae)
        spread = float(np.square(truth - truth.mean(axis=0)).sum())
        return Metrics(self.answers, rmse=rmse, mae=mae, r2=1 - self.squares / spread if spread else None)


def judge(task: Task, inputs: Mapping[str, Array], outputs: Array, labels: Array | None) -> Tally:
    """Judge all samples at once.

    Args:
        task: what :func:`mcuq.samples.task.find_task` found.
        inputs: real values [samples, *shape] per model input.
        outputs: of the first output, real values [samples, *shape].
        labels: as they are in the file.
    """
    tally = Tally(task)
    add(tally, inputs, outputs.reshape(len(outputs), -1), labels)
    return tally


def judge_integers(
    task: Task, graph: Graph, inputs: Mapping[str, Array], labels: Array | None, outputs: Mapping[str, Array]
) -> Tally:
    """Judge what a quantized model computes, integers [samples, *shape] per input and output."""
    real = {name: graph.values[name].dequantize(x) for name, x in inputs.items()}
    return judge(task, real, graph.values[graph.outputs[0]].dequantize(outputs[graph.outputs[0]]), labels)


def add(tally: Tally, inputs: Mapping[str, Array], outputs: Array, labels: Array | None) -> None:
    """Judge more samples.

    Args:
        tally: of what was judged before.
        inputs: real values [samples, *shape] per model input.
        outputs: of the first output, real values [samples, elements].
        labels: as they are in the file; of a reconstruction 0 for ordinary and 1 for odd samples, or none.

    Raises:
        UsageError: for no labels where there were some, or labels of another task.
    """
    if tally.task.kind == "reconstruction":
        x = next(iter(inputs.values()))
        tally.add(outputs, x.reshape(len(x), -1))
        if labels is not None and labels.size == len(x):
            tally.mark((labels.ravel() > 0).astype(np.int64))
    elif labels is None:
        raise UsageError("some of the samples have labels and others have none")
    else:
        tally.add(outputs, tally.task.truth(labels))
