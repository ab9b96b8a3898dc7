"""Quantization of plain arrays: to integers, to a codebook; and how good it is."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mcuq.errors import UsageError

Integers = npt.NDArray[np.int8]
Reals = npt.NDArray[np.float64]
SMALLEST = 1e-30  # of a scale; arrays of zeros have one too
LEAST_SHARE = 1e-12  # of the largest weight: numbers that do not count still have a place


def linear_quantize(
    x: npt.ArrayLike,
    bits: int = 8,
    scheme: Literal["affine", "scale", "fixed-point"] = "affine",
    axis: int | None = None,
) -> tuple[Integers, Reals, Integers]:
    """Quantize real numbers to integers q with ``x = scale * (q - zero_point)``, ties rounded away from zero.

    Args:
        x: real numbers, any shape.
        bits: 2 to 8.
        scheme: "affine" uses all of -2^(b-1)..2^(b-1)-1 for the range of x and 0; "scale" is symmetric, scale =
            max|x| / (2^(b-1) - 1), and uses ±(2^(b-1) - 1); "fixed-point" is that with the scale rounded up to a
            power of two.
        axis: one scale per index along it; None: one for all.

    Returns:
        (q, scale, zero_point): int8 of x's shape, and float64 and int8, without dimensions or [indices along axis].

    >>> q, scale, zero_point = linear_quantize([-1.0, 0.0, 0.5, 1.0], scheme="scale")
    >>> q.tolist(), round(float(1 / scale), 6), int(zero_point)
    ([-127, 0, 64, 127], 127.0, 0)
    >>> q, scale, zero_point = linear_quantize([0.0, 1.0, 2.0, 3.0], bits=2)
    >>> q.tolist(), float(scale), int(zero_point)
    ([-2, -1, 0, 1], 1.0, -2)
    >>> q, scale, _ = linear_quantize([[0.6, -1.0], [30.0, 100.0]], bits=4, scheme="fixed-point", axis=0)
    >>> q.tolist(), scale.tolist()
    ([[2, -4], [2, 6]], [0.25, 16.0])
    """
    x = _reals(x)
    if scheme not in ("affine", "scale", "fixed-point") or bits not in range(2, 9):
        raise UsageError(f"scheme {scheme!r} with {bits!r} bits: affine, scale and fixed-point exist, with 2 to 8 bits")
    others = None if axis is None else tuple(d for d in range(x.ndim) if d != axis % x.ndim)
    low, high = (np.asarray(f(x, axis=others, keepdims=True), np.float64) for f in (np.min, np.max))
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if scheme == "affine":
        scale = np.maximum((high - low) / (most - least), SMALLEST)
        zero_point = np.clip(_rounded(least - low / scale), least, most)
    else:
        least = -most
        scale = np.maximum(np.maximum(-low, high) / most, SMALLEST)
        scale = 2.0 ** np.ceil(np.log2(scale)) if scheme == "fixed-point" else scale
        zero_point = np.zeros_like(scale)
    q = np.clip(_rounded(x / scale) + zero_point, least, most).astype(np.int8)
    shape = () if axis is None else (-1,)
    return q, scale.reshape(shape), zero_point.reshape(shape).astype(np.int8)


def kmeans_quantize(
    x: npt.ArrayLike, clusters: int = 16, weights: npt.ArrayLike | None = None
) -> tuple[Reals, npt.NDArray[np.intp]]:
    """Quantize real numbers to the codebook of so many values with the least sum of squared errors there is.

    Numbers in one dimension are clustered optimally by dynamic programming over the sorted values (H. Wang and
    M. Song, "Ckmeans.1d.dp", The R Journal 3/2, 2011), with divide and conquer: O(clusters n log n) for n different
    values. No start to choose, no iteration, the same result every time.

    Args:
        x: real numbers, any shape.
        clusters: at least 1; with fewer different numbers than that the codebook is shorter.
        weights: what the squared error of each number counts, x's shape, not negative; None: 1.

    Returns:
        (centroids, indices): the codebook, rising, and for every number which entry stands for it, x's shape.

    >>> centroids, indices = kmeans_quantize([1, 3, 5, 7, 9], clusters=2)
    >>> centroids.tolist(), indices.tolist()
    ([2.0, 7.0], [0, 0, 1, 1, 1])
    >>> kmeans_quantize([0.1, 5.0, 0.2, 5.2], clusters=2)[1].tolist()
    [0, 1, 0, 1]
    >>> kmeans_quantize([1, 1, 4], clusters=4)[0].tolist()
    [1.0, 4.0]
    >>> kmeans_quantize([0.0, 1.0, 8.0, 9.0], clusters=2, weights=[3, 1, 1, 1])[0].tolist()
    [0.25, 8.5]
    """
    x = _reals(x)
    if clusters < 1:
        raise UsageError(f"{clusters} clusters: at least 1 is needed")
    counts_of_x = np.ones(x.shape) if weights is None else _reals(weights)
    if counts_of_x.shape != x.shape or counts_of_x.min() < 0:
        raise UsageError(f"weights of shape {counts_of_x.shape} for {x.shape}, or negative ones")
    values, inverse = np.unique(x, return_inverse=True)
    total = np.bincount(inverse.ravel(), counts_of_x.ravel(), values.size).astype(np.float64)
    counts = np.maximum(total, max(float(total.max()) * LEAST_SHARE, SMALLEST))
    starts = _optimal_starts(values, counts, min(clusters, values.size))
    sums = np.add.reduceat(values * counts, starts) / np.add.reduceat(counts, starts)
    cluster = np.searchsorted(starts, np.arange(values.size), side="right") - 1
    return sums, cluster[inverse].reshape(x.shape)


def sqnr(reference: npt.ArrayLike, approximation: npt.ArrayLike) -> float:
    """Return the signal-to-quantization-noise ratio in dB; infinite where nothing differs.

    >>> round(sqnr([1.0, 2.0, 2.0], [1.0, 2.0, 2.3]), 2)
    20.0
    >>> sqnr([1.0], [1.0])
    inf
    """
    signal = np.asarray(reference, np.float64)
    noise = float(np.sum((signal - np.asarray(approximation, np.float64)) ** 2))
    return decibels(float(np.sum(signal**2)), noise)


def decibels(signal: float, noise: float) -> float:
    """Return the ratio of two powers in dB; infinite where one of them is 0."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def _reals(x: Any) -> Reals:
    array = np.asarray(x, np.float64)
    if not array.size or not np.all(np.isfinite(array)):
        raise UsageError("the array is empty, or holds NaN or infinite values")
    return array


def _rounded(x: Reals) -> Reals:
    """Round half away from zero."""
    return np.asarray(np.copysign(np.floor(np.abs(x) + 0.5), x))


def _optimal_starts(values: Reals, weights: Reals, clusters: int) -> npt.NDArray[np.intp]:
    """Return where the clusters of rising values begin.

    ``best[j]`` is the least cost of the first j + 1 values; the best start of the last cluster never falls as j
    rises, so each layer of the table is filled from its middle outwards, all middles of a level at once.
    """
    sums = [np.concatenate([[0.0], np.cumsum(weights * (values - values.mean()) ** p)]) for p in range(3)]
    n = values.size

    def cost(i: npt.NDArray[np.intp], j: npt.NDArray[np.intp]) -> Reals:
        """Sum of squared distances of values i..j from their mean."""
        count, total, squares = (s[j + 1] - s[i] for s in sums)
        return np.asarray(np.maximum(squares - total**2 / count, 0))

    everything = np.arange(n)
    best, choices = cost(np.zeros(n, np.intp), everything), []
    for k in range(1, clusters):
        best, start = _layer(best, k, cost)
        choices.append(start)
    starts, end = [], n - 1
    for start in reversed(choices):
        starts.append(int(start[end]))
        end = starts[-1] - 1
    return np.array([0, *reversed(starts)], np.intp)


def _layer(before: Reals, k: int, cost: Any) -> tuple[Reals, npt.NDArray[np.intp]]:
    """Add one cluster: the least cost for every end, and the start of the last cluster that has it."""
    n = before.size
    best, start = np.full(n, np.inf), np.full(n, k, np.intp)
    low, high, first, last = (np.array([i], np.intp) for i in (k, n - 1, k, n - 1))  # ends; starts in question
    while low.size:
        middle = (low + high) // 2
        count = np.minimum(middle, last) - first + 1
        offset = np.cumsum(count) - count
        owner = np.repeat(np.arange(middle.size), count)
        candidates = np.arange(owner.size) - offset[owner] + first[owner]
        costs = before[candidates - 1] + cost(candidates, middle[owner])
        least = np.minimum.reduceat(costs, offset)
        hits = np.flatnonzero(costs == least[owner])
        chosen = candidates[hits[np.unique(owner[hits], return_index=True)[1]]]
        best[middle], start[middle] = least, chosen
        left, right = low < middle, middle < high
        low, first = np.append(low[left], middle[right] + 1), np.append(first[left], chosen[right])
        high, last = np.append(middle[left] - 1, high[right]), np.append(chosen[left], last[right])
    return best, start
