"""What calibration keeps of an activation: extremes, a histogram of bounded size, the number of zeros."""

from __future__ import annotations

import copy
import math

import numpy as np
import numpy.typing as npt

from mcuq.tensor import Array

MAX_BINS = 4096  # between half of it and all of it are in use, once the values differ

Counts = npt.NDArray[np.int64]


class Histogram:
    """Counts of real values in bins ``[i w, (i + 1) w)``, w a power of two; values that are 0 are counted apart.

    When values outgrow ``MAX_BINS`` bins, w doubles and pairs of bins merge. The edges being multiples of w, the
    result is that of all values at once, whatever the batches they came in.
    """

    def __init__(self) -> None:
        self.low, self.high = math.inf, -math.inf
        self.samples = self.zeros = 0
        self.exponent: int | None = None  # of w; None until a value is not 0
        self.first = 0  # index of the first bin
        self.counts: Counts = np.zeros(0, np.int64)

    def add(self, x: Array) -> None:
        """Count real values, any shape; NaN and infinite ones make ``is_finite`` false and are not counted."""
        x = np.asarray(x, np.float32).ravel()
        if not x.size:
            return
        low, high = float(x.min()), float(x.max())
        self.samples += x.size
        if not (math.isfinite(low) and math.isfinite(high)):
            self.low = self.high = math.nan
            return
        self.low, self.high = min(self.low, low), max(self.high, high)  # NaN stays: it is the first operand
        values = x[x != 0]
        self.zeros += x.size - values.size
        if values.size and self.is_finite:
            self._widen(float(values.min()), float(values.max()))
            index = np.floor(values * np.float64(2.0**-self._exponent)).astype(np.int64)  # exact, in float64
            self.counts += np.bincount(index - self.first, minlength=self.counts.size)

    def merged(self, other: Histogram) -> Histogram:
        """Return the histogram of the values of both."""
        both = Histogram()
        both.low, both.high = min(self.low, other.low), max(self.high, other.high)
        both.samples, both.zeros = self.samples + other.samples, self.zeros + other.zeros
        if not (self.is_finite and other.is_finite):
            both.low = both.high = math.nan
        for part in (self, other):
            if part.exponent is not None:
                both._include(part)
        return both

    def _include(self, part: Histogram) -> None:
        if self.exponent is None:
            self.exponent, self.first, self.counts = part.exponent, part.first, part.counts.copy()
            return
        one = copy.copy(part)
        self._widen(part.first * part.width, (part.first + part.counts.size - 1) * part.width)
        while self._exponent < one._exponent:
            self._merge()
        while one._exponent < self._exponent:
            one._merge()
        start = one.first - self.first
        self.counts[start : start + one.counts.size] += one.counts

    @property
    def is_finite(self) -> bool:
        """Whether no value was NaN or infinite."""
        return not math.isnan(self.low)

    @property
    def is_constant(self) -> bool:
        """Whether all values were one."""
        return self.low == self.high

    @property
    def width(self) -> float:
        """Real width of a bin."""
        return math.ldexp(1.0, self._exponent)

    @property
    def centers(self) -> npt.NDArray[np.float64]:
        """Real values that the counts stand for."""
        return np.asarray((self.first + 0.5 + np.arange(self.counts.size)) * self.width, np.float64)

    @property
    def _exponent(self) -> int:
        assert self.exponent is not None
        return self.exponent

    def _widen(self, low: float, high: float) -> None:
        """Have bins for values between two bounds."""
        if self.exponent is None:
            largest = max(abs(low), abs(high))
            self.exponent = math.frexp(max(high - low, largest * 2**-20))[1] - (MAX_BINS.bit_length() - 1)
            self.first = math.floor(math.ldexp(low, -self.exponent))
        while True:
            first = min(math.floor(math.ldexp(low, -self._exponent)), self.first)
            last = max(math.floor(math.ldexp(high, -self._exponent)), self.first + self.counts.size - 1)
            if last - first < MAX_BINS:
                break
            self._merge()
        self.counts = np.pad(self.counts, (self.first - first, last + 1 - self.first - self.counts.size))
        self.first = first

    def _merge(self) -> None:
        before = self.first % 2
        padded = np.pad(self.counts, (before, (before + self.counts.size) % 2))
        self.first, self.exponent = self.first // 2, self._exponent + 1
        self.counts = padded.reshape(-1, 2).sum(axis=1)
