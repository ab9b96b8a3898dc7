"""Integers of few bits for a layer's weights by least squares: coordinate descent over any integer or entry.

With X the inputs that the quantized model computes and Y the float model's outputs, the squared error of a layer's
output is ``w G w - 2 c w`` and a constant, with G = X^T X, c = X^T Y, both about their means: the bias takes those. One
weight after the other becomes the level where the error is least, given all others, until none changes; all output
channels at once. The start is rounding one weight after the other, each of its errors made up for by those still to be
rounded (E. Frantar et al., "GPTQ", ICLR 2023, algorithm 1). Scales are fitted in between: given its integers, a
channel's best scale is a quotient; so are, given indices, the entries of a codebook the solution of a few equations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

BLOCK = 64  # taps that are gone through before the others hear of their changes
FRACTIONS = np.linspace(0.4, 1.0, 6)  # of the scale that clips no weight: where the search for one starts
ROUNDS, PASSES = 2, 4  # of scales and integers in turn, from every start; of descent in a round
LAST_ROUNDS, LAST_PASSES = 6, 20  # for the best of them
BOOK_ROUNDS = 8
LEVEL_LIMIT = 127
TINY = 1e-30

Reals = npt.NDArray[np.float64]
Snap = Callable[[Reals], Reals]  # numbers [groups, outputs], in units of the scales, to the nearest levels


class Quadratic(NamedTuple):
    """The squared error of a layer's outputs, for weights [groups, taps, outputs]; float64."""

    gram: Reals  # [groups, taps, taps], positive definite
    cross: Reals  # [groups, taps, outputs]

    def error(self, weights: Reals) -> Reals:
        """Return what the weights make of it, but for a constant, [groups, outputs]."""
        return np.asarray(((self.gram @ weights - 2 * self.cross) * weights).sum(axis=1))

    def best(self) -> Reals:
        """Return the real weights of the least error."""
        return np.asarray(np.linalg.solve(self.gram, self.cross))

    def scales(self, values: Reals, scale: Reals) -> Reals:
        """Return the scales [groups, outputs] that are best for some integers; where there are none, as they were."""
        along, across = (values * self.cross).sum(axis=1), ((self.gram @ values) * values).sum(axis=1)
        found = (along > 0) & (across > 0)
        return np.where(found, along / np.where(found, across, 1.0), scale)


def uniform(
    problem: Quadratic, largest: Reals, limits: tuple[int, int], least: Reals | None = None
) -> tuple[Reals, Reals]:
    """Return integers [groups, taps, outputs] and scales [groups, outputs] of little error.

    Args:
        problem: what to keep small.
        largest: scales that clip no weight, [groups, outputs].
        limits: smallest and largest integer.
        least: scales [groups, outputs] that no scale may fall below; None: ``largest`` are the scales.
    """

    def snap(wanted: Reals) -> Reals:
        return np.clip(np.rint(wanted), *limits)

    if least is None:
        values = _start(problem, problem.best(), largest, snap)
        _descend(values, largest, problem, snap, LAST_PASSES)
        return values, largest
    scale = np.maximum(largest[..., np.newaxis] * FRACTIONS, least[..., np.newaxis])
    count, outputs = len(FRACTIONS), largest.shape[1]
    scale = scale.reshape(len(largest), -1)
    each = Quadratic(problem.gram, np.repeat(problem.cross, count, axis=2))
    values = _start(each, np.repeat(problem.best(), count, axis=2), scale, snap)
    many = np.repeat(least, count, axis=1)
    for _ in range(ROUNDS):
        scale = np.maximum(each.scales(values, scale), many)
        _descend(values, scale, each, snap, PASSES)
    error = each.error(values * scale[:, np.newaxis]).reshape(-1, outputs, count)
    taken = np.arange(outputs) * count + error.argmin(axis=2)  # [groups, outputs]
    values = np.take_along_axis(values, taken[:, np.newaxis], axis=2)
    scale = np.take_along_axis(scale, taken, axis=1)
    for _ in range(LAST_ROUNDS):
        scale = np.maximum(problem.scales(values, scale), least)
        if not _descend(values, scale, problem, snap, LAST_PASSES):
            break
    return values, scale


def from_codebooks(
    problem: Quadratic, scale: Reals, levels: Reals, size: int, least: Reals
) -> tuple[Reals, Reals, Reals]:
    """Return integers [groups, taps, outputs], scales [groups, outputs] and codebooks of little error.

    Args:
        problem: what to keep small.
        scale: to start from, [groups, outputs].
        levels: codebooks to start from, whole numbers [channels, entries], rising; channels are outputs group by group.
        size: consecutive channels that share a codebook.
        least: scales that no scale may fall below.
    """
    values = _start(problem, problem.best(), scale, _nearest_of(levels, scale.shape))
    best = (np.inf, values, scale, levels)
    for round_ in range(BOOK_ROUNDS):
        snap = _nearest_of(levels, scale.shape)
        _descend(values, scale, problem, snap, PASSES)
        scale = np.maximum(problem.scales(values, scale), least)
        _descend(values, scale, problem, snap, PASSES)
        error = float(problem.error(values * scale[:, np.newaxis]).sum())
        if error < best[0]:
            best = (error, values.copy(), scale, levels)
        if round_ < BOOK_ROUNDS - 1:
            levels, scale = _levels(problem, values, scale, levels, size)
    return best[1:]


def _nearest_of(levels: Reals, shape: tuple[int, ...]) -> Snap:
    rising = levels.T.reshape(-1, *shape)
    middles = (rising[1:] + rising[:-1]) / 2

    def snap(wanted: Reals) -> Reals:
        index = (wanted > middles).sum(axis=0)
        return np.asarray(np.take_along_axis(rising, index[np.newaxis], axis=0)[0])

    return snap


def _levels(problem: Quadratic, values: Reals, scale: Reals, levels: Reals, size: int) -> tuple[Reals, Reals]:
    """Return codebooks that fit the choice of entries best, as whole numbers as fine as int8 has them, and scales."""
    groups, _, outputs = values.shape
    entries, levels, scale = levels.shape[1], levels.copy(), scale.copy()
    for first in range(0, groups * outputs, size):
        normal, right = np.zeros((entries, entries)), np.zeros(entries)
        channels = range(first, min(first + size, groups * outputs))
        for channel in channels:
            g, o = divmod(channel, outputs)
            index = np.searchsorted(levels[channel], values[g, :, o])
            chosen = np.zeros((len(index), entries))
            chosen[np.arange(len(index)), index] = scale[g, o]
            normal += chosen.T @ (problem.gram[g] @ chosen)
            right += chosen.T @ problem.cross[g, :, o]
        ridge = 1e-6 * max(np.trace(normal) / entries, TINY)  # entries that nobody takes stay
        fitted = np.linalg.solve(normal + ridge * np.eye(entries), right + ridge * levels[first])
        fitted[levels[first] == 0] = 0.0  # weights of 0 stay so
        factor = LEVEL_LIMIT / max(np.abs(fitted).max(), TINY)
        levels[channels] = np.sort(np.rint(fitted * factor))
        for channel in channels:
            scale[divmod(channel, outputs)] /= factor
    return levels, scale


def _start(problem: Quadratic, wanted: Reals, scale: Reals, snap: Snap) -> Reals:
    """Round real weights [groups, taps, outputs] one after the other, those of strong inputs first."""
    order = np.argsort(-np.diagonal(problem.gram, axis1=1, axis2=2), axis=1, kind="stable")
    gram = np.take_along_axis(np.take_along_axis(problem.gram, order[:, :, np.newaxis], 1), order[:, np.newaxis], 2)
    factor = np.swapaxes(np.linalg.cholesky(np.linalg.inv(gram)), 1, 2)  # rows: what the later ones make up for
    left = np.take_along_axis(wanted, order[:, :, np.newaxis], 1)
    values = np.zeros_like(left)
    for first in range(0, left.shape[1], BLOCK):
        end = min(first + BLOCK, left.shape[1])
        errors = np.zeros((len(left), end - first, left.shape[2]))
        for t in range(first, end):
            values[:, t] = snap(left[:, t] / scale)
            error = errors[:, t - first] = (left[:, t] - values[:, t] * scale) / factor[:, t, t, np.newaxis]
            left[:, t + 1 : end] -= factor[:, t, t + 1 : end, np.newaxis] * error[:, np.newaxis]
        left[:, end:] -= np.swapaxes(factor[:, first:end, end:], 1, 2) @ errors
    found = np.empty_like(values)
    np.put_along_axis(found, order[:, :, np.newaxis], values, 1)
    return found


def _descend(values: Reals, scale: Reals, problem: Quadratic, snap: Snap, passes: int) -> bool:
    """Go through all taps until none changes; ``values`` [groups, taps, outputs] in place; return whether any did."""
    gram, ever = problem.gram, False
    slope = problem.cross - gram @ (values * scale[:, np.newaxis])
    for _ in range(passes):
        changed = False
        for first in range(0, values.shape[1], BLOCK):
            block = slice(first, first + BLOCK)
            before = values[:, block].copy()
            _descend_block(values[:, block], scale, gram[:, block, block], slope[:, block].copy(), snap)
            step = (values[:, block] - before) * scale[:, np.newaxis]
            if step.any():
                changed = True
                slope -= gram[:, :, block] @ step
        ever |= changed
        if not changed:
            break
    return ever


def _descend_block(values: Reals, scale: Reals, gram: Reals, slope: Reals, snap: Snap) -> None:
    for t in range(values.shape[1]):
        wanted = values[:, t] + slope[:, t] / (scale * gram[:, t, t, np.newaxis])
        new = snap(wanted)
        step = (new - values[:, t]) * scale
        values[:, t] = new
        slope[:, t + 1 :] -= gram[:, t + 1 :, t, np.newaxis] * step[:, np.newaxis]
