"""Which range of an activation to keep: min-max, percentile, least squared error, KL divergence.

What lies outside a range saturates; the narrower the range, the finer the steps inside. Values that are 0 cost
nothing in any scheme, and are left out of both error measures.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from mcuq.errors import UsageError
from mcuq.quantization.histogram import Histogram
from mcuq.quantization.scheme import Range, Scheme

METHODS = ("minmax", "percentile", "mse", "kl", "wide")
DEFAULT_PERCENTILE = 99.99
RATIO, STEPS = 0.97, 150  # candidate bounds: extreme value times powers of the ratio; the last is 1 %
MARGIN = 1 / 12  # of what was seen: room on either side for what was not
FLOOR = 1e-4  # a probability that KL divergence takes for 0, as usual

Reals = npt.NDArray[np.float64]


def check_method(method: str) -> tuple[str, float]:
    """Split ``percentile:99.9`` into its parts.

    Returns:
        The method's name and the percentile (the default where none is given).

    Raises:
        UsageError: for a method that does not exist.
    """
    name, _, argument = method.partition(":")
    try:
        percentile = float(argument) if argument else DEFAULT_PERCENTILE
    except ValueError:
        percentile = math.nan
    if name not in METHODS or (argument and name != "percentile"):
        raise UsageError(f"{method!r} is no calibration method; choose one of {', '.join(METHODS)} or percentile:99.9")
    if not 50 < percentile <= 100:
        raise UsageError(f"{method!r}: the percentile is a number above 50, up to 100")
    return name, percentile


def choose_range(histogram: Histogram, method: str, scheme: Scheme = Scheme()) -> Range:  # noqa: B008
    """Return the range of an activation to be quantized.

    Args:
        histogram: of the values seen.
        method: "minmax", "percentile" (99.99) or "percentile:P" (of the values, P percent lie at or below the upper
            bound, and as many at or above the lower), "mse" (least squared error of the quantized values) or "kl"
            (least KL divergence of the quantized values' distribution from the observed one, outliers counted in the
            outermost bins: S. Migacz, "8-bit inference with TensorRT", GTC 2017; here lower and upper bound in turn. It
            takes a few hundred samples: of sparse histograms it clips too much) or "wide" (what was seen, and a twelfth
            of it beyond on either side that is not 0: for outputs, of which few samples hardly show the largest).
        scheme: whose steps are to be expected: one bound or two, and which.

    Raises:
        UsageError: for a method that does not exist.
    """
    name, percentile = check_method(method)
    observed = Range(histogram.low, histogram.high)
    if name == "minmax" or histogram.counts.sum() == 0:
        return observed
    if name == "wide":
        room = MARGIN * (observed.high - observed.low)
        return Range(observed.low - room * (observed.low < 0), observed.high + room * (observed.high > 0))
    if name == "percentile":
        return _percentile(histogram, percentile)
    seen = _Seen(histogram)
    if scheme.kind != "affine":
        return _symmetric(seen, scheme, name)
    return _least_squares(seen, scheme.steps) if name == "mse" else _least_divergence(seen, scheme.steps)


def expected_error(histogram: Histogram, chosen: Range, scheme: Scheme) -> float:
    """Return the sum of squared errors that values have in a range, rounding taken as noise, uniform in a step."""
    scale, most = scheme.activation((), chosen).scale, scheme.activation_limit
    low, high = (chosen.low, chosen.high) if scheme.kind == "affine" else (-scale * most, scale * most)
    bounds = (np.array([bound]) for bound in (min(low, 0.0), max(high, 0.0), scale))
    return float(_Seen(histogram).squared_error(*bounds)[0])


def _percentile(histogram: Histogram, percentile: float) -> Range:
    """Return the bounds, each the far edge of the bin that holds it, within the values seen."""
    outside = int(histogram.samples * (100 - percentile) / 100)
    zero = int(np.clip(-histogram.first, 0, histogram.counts.size))  # where the zeros belong: a bin of no width
    counts = np.insert(histogram.counts, zero, histogram.zeros)
    starts, ends = (np.insert(histogram.centers + half, zero, 0.0) for half in np.array([-0.5, 0.5]) * histogram.width)
    lower = int(np.searchsorted(np.cumsum(counts), outside, side="right"))
    upper = -1 - int(np.searchsorted(np.cumsum(counts[::-1]), outside, side="right"))
    return Range(max(histogram.low, float(starts[lower])), min(histogram.high, float(ends[upper])))


class _Seen:
    """Centers and counts of the bins, with running sums for errors in constant time."""

    def __init__(self, histogram: Histogram) -> None:
        self.low, self.high = min(histogram.low, 0.0), max(histogram.high, 0.0)
        self.centers = np.clip(histogram.centers, histogram.low, histogram.high)
        self.counts = histogram.counts.astype(np.float64)
        self.sums = [np.concatenate([[0.0], np.cumsum(self.counts * self.centers**p)]) for p in range(3)]

    def clipped(self, low: Reals, high: Reals) -> Reals:
        """Sum of squared distances of the values outside [low, high]."""
        below, above = np.searchsorted(self.centers, low), np.searchsorted(self.centers, high, side="right")
        n, s, q = (total[below] for total in self.sums)
        left = q - 2 * low * s + low**2 * n
        n, s, q = (total[-1] - total[above] for total in self.sums)
        right = q - 2 * high * s + high**2 * n
        return np.asarray(np.maximum(left, 0) + np.maximum(right, 0))

    def inside(self, low: Reals, high: Reals) -> Reals:
        """Count the values in [low, high]."""
        below, above = np.searchsorted(self.centers, low), np.searchsorted(self.centers, high, side="right")
        return np.asarray(self.sums[0][above] - self.sums[0][below])

    def squared_error(self, low: Reals, high: Reals, step: Reals) -> Reals:
        """Sum of squared errors, rounding to multiples of a step taken as noise, uniform in the step."""
        return np.asarray(self.clipped(low, high) + self.inside(low, high) * step**2 / 12)

    def divergence(self, low: float, high: float, step: float) -> float:
        """KL divergence of the quantized values' distribution from that of the values, clipped to [low, high]."""
        a = int(np.searchsorted(self.centers, low))
        b = int(np.searchsorted(self.centers, high, side="right"))
        counts, present = self.counts[a:b], self.counts[a:b] > 0
        if not present.any():
            return math.inf
        seen = counts.copy()
        seen[0] += self.sums[0][a]
        seen[-1] += self.sums[0][-1] - self.sums[0][b]
        level = np.round((self.centers[a:b] - low) / step).astype(np.int64)
        total, bins = (np.bincount(level, weights=w)[level] for w in (counts, present.astype(np.float64)))
        spread = np.where(present, total / np.maximum(bins, 1), 0)
        p, q = seen / seen.sum(), np.maximum(spread / spread.sum(), FLOOR / len(seen))
        return float(np.sum(p[p > 0] * np.log(p[p > 0] / q[p > 0])))


def _bounds(extreme: float) -> Reals:
    """Return candidate bounds on one side of 0, the widest first."""
    return np.asarray(extreme * RATIO ** np.arange(STEPS if extreme else 1))


def _least_squares(seen: _Seen, steps: int) -> Range:
    low, high = (x.ravel() for x in np.meshgrid(_bounds(seen.low), _bounds(seen.high)))
    best = int(np.argmin(seen.squared_error(low, high, (high - low) / steps)))
    return Range(float(low[best]), float(high[best]))


def _least_divergence(seen: _Seen, steps: int) -> Range:
    low, high = seen.low, seen.high
    for _ in range(2):
        high = _least(seen, steps, [(low, h) for h in _bounds(seen.high)]).high
        low = _least(seen, steps, [(l, high) for l in _bounds(seen.low)]).low  # noqa: E741
    return Range(low, high)


def _least(seen: _Seen, steps: int, candidates: list[tuple[float, float]]) -> Range:
    """Return the candidate of least divergence; one narrower than a bin per level has nothing to compare."""
    width = float(np.diff(seen.centers).max(initial=0))
    wide = [(low, high) for low, high in candidates if high - low >= steps * width] or candidates[:1]
    return Range(*min(wide, key=lambda c: seen.divergence(c[0], c[1], (c[1] - c[0]) / steps)))


def _symmetric(seen: _Seen, scheme: Scheme, method: str) -> Range:
    """Search along ranges that are symmetric, with the scheme's own steps."""
    largest = max(-seen.low, seen.high)
    steps = np.unique([scheme.activation((), Range(-bound, bound)).scale for bound in _bounds(largest)])[::-1]
    bounds = np.minimum(steps * scheme.activation_limit, largest)
    if method == "mse":
        best = int(np.argmin(seen.squared_error(-bounds, bounds, steps)))
    else:
        best = int(np.argmin([seen.divergence(-bound, bound, step) for bound, step in zip(bounds, steps, strict=True)]))
    bound = float(steps[best]) * scheme.activation_limit
    return Range(-bound, bound)
