"""Figures that say how good answers are, each with its standard error where a formula is known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mcuq.tensor import Array

TOP = (2, 3, 5)  # so many largest outputs may hold the class


@dataclass(frozen=True)
class Figure:
    """A number that was measured on some samples, and its standard error: what other samples would change it by."""

    value: float
    error: float


@dataclass(frozen=True)
class Metrics:
    """How good a model's answers are; None, or empty, for what its task does not have.

    Attributes:
        answers: how many: one per sample, or per step of a sequence.
        accuracy: share of right answers; of several labels all must be right.
        auc: area under the curve of true over false alarms: of yes against no; of several classes or labels the mean of
            each one's against the others; of a reconstruction of its error, where labels tell odd samples.
        best: threshold between no and yes at which most answers are right, and their share; of decisions.
        top: share of answers whose class is among so many largest outputs.
        confusion: answers [true class, answered class].
        labels: of several labels: share of right answers to each, [outputs].
        rmse, mae: error of values or of a reconstruction, in the output's unit.
        r2: part of the values' variance that is explained.
    """

    answers: int
    accuracy: Figure | None = None
    auc: Figure | None = None
    best: tuple[float, float] | None = None
    top: Mapping[int, float] | None = None
    confusion: tuple[tuple[int, ...], ...] = ()
    labels: tuple[float, ...] = ()
    rmse: Figure | None = None
    mae: float | None = None
    r2: float | None = None

    @property
    def recall(self) -> Array:
        """Share of each true class that is answered, [classes]; NaN where no sample is of it."""
        return _shares(self._counted.diagonal(), self._counted.sum(axis=1))

    @property
    def precision(self) -> Array:
        """Share of each answered class that is true, [classes]; NaN where it is never answered."""
        return _shares(self._counted.diagonal(), self._counted.sum(axis=0))

    @property
    def _counted(self) -> Array:
        return np.array(self.confusion, np.int64).reshape(len(self.confusion), -1)


def share(right: int, answers: int) -> Figure:
    """Return a share and its standard error, as Agresti and Coull (The American Statistician 52, 1998) take it.

    Two right and two wrong answers more: of nothing but right ones, too, another sample may be wrong.

    >>> share(98, 100)
    Figure(value=0.98, error=0.01885732068636384)
    """
    taken = (right + 2) / (answers + 4)
    return Figure(right / answers, math.sqrt(taken * (1 - taken) / (answers + 4)))


def area(scores: Array, truth: Array) -> Figure | None:
    """Return the area under the receiver operating characteristic, ties counted half.

    Args:
        scores: [samples], larger for yes.
        truth: [samples], 0 or 1.

    Returns:
        the area with the standard error of Hanley and McNeil (Radiology 143, 1982); None where all are the same.
    """
    yes = int(truth.sum())
    no = len(truth) - yes
    if not (yes and no):
        return None
    _, index, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    value = (float(ranks[index][truth == 1].sum()) - yes * (yes + 1) / 2) / (yes * no)
    two_yes, two_no = value / (2 - value), 2 * value**2 / (1 + value)
    variance = value * (1 - value) + (yes - 1) * (two_yes - value**2) + (no - 1) * (two_no - value**2)
    return Figure(value, math.sqrt(max(variance, 0.0) / (yes * no)))


def best_threshold(scores: Array, truth: Array, usual: float) -> tuple[float, float]:
    """Return where to part no from yes so that most answers are right, and their share.

    Args:
        scores: [samples]; from the threshold on they say yes.
        truth: [samples], 0 or 1.
        usual: taken where no other is better; else the middle between two scores.
    """
    values, index = np.unique(scores, return_inverse=True)
    yes = np.bincount(index, truth, len(values))
    no = np.bincount(index, 1 - truth, len(values))
    right = yes.sum() + np.concatenate([[0], np.cumsum(no - yes)])  # with no below each of the values, and below all
    at = int(right.argmax())
    if np.count_nonzero((scores >= usual) == truth) == right[at]:
        return usual, float(right[at] / len(truth))
    around = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2, np.nextafter(values[-1:], np.inf)])
    return float(around[at]), float(right[at] / len(truth))


def top_shares(scores: Array, truth: Array) -> dict[int, float]:
    """Return the share of answers whose class is among the largest k of outputs [answers, classes], for some k.

    Of equal outputs the first counts as the larger one, as in an arg-max.
    """
    own = scores[np.arange(len(truth)), truth][:, np.newaxis]
    before = np.arange(scores.shape[1]) < truth[:, np.newaxis]
    above = np.count_nonzero((scores > own) | ((scores == own) & before), axis=1)
    return {k: float((above < k).mean()) for k in TOP if k < scores.shape[1]}


def confusion(answers: Array, truth: Array, classes: int) -> tuple[tuple[int, ...], ...]:
    """Return how many answers [answers] of each kind there are: [true class][answered class]."""
    counts = np.bincount(truth * classes + answers, minlength=classes * classes).reshape(classes, classes)
    return tuple(tuple(row) for row in counts.tolist())


def mean_area(scores: Array, truth: Array) -> Figure | None:
    """Return the mean area of columns against 0 or 1, both [answers, columns], where a column has both.

    The standard errors are taken for independent, which makes that of the mean a lower bound.
    """
    areas = [area(scores[:, i], truth[:, i]) for i in range(scores.shape[1])]
    found = [a for a in areas if a is not None]
    if not found:
        return None
    error = math.sqrt(sum(a.error**2 for a in found)) / len(found)
    return Figure(sum(a.value for a in found) / len(found), error)


def root_mean(squares: Array) -> Figure:
    """Return the root of the mean of squared errors, one per sample, and its standard error to first order."""
    mean = float(squares.mean())
    error = float(squares.std()) / math.sqrt(len(squares))
    return Figure(math.sqrt(mean), error / (2 * math.sqrt(mean)) if mean else 0.0)


def paired_difference(first: Array, second: Array) -> Figure:
    """Return how much larger the share of right answers is in the second, of the same answers [answers], bool."""
    difference = second.astype(np.int64) - first.astype(np.int64)
    return Figure(float(difference.mean()), float(difference.std()) / math.sqrt(len(difference)))


def _shares(parts: Array, wholes: Array) -> Array:
    return np.asarray(np.divide(parts, wholes, out=np.full(len(parts), np.nan), where=wholes > 0))
