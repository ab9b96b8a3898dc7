"""Requantization as one product and one floor: ``(a * (x - origin) + c) >> shift``, where that gives every output.

TFLite's two roundings (:mod:`mcuq.fixedpoint`), a zero point and the limits of int8 make a staircase of at most 255
steps. A line gives the same outputs if it lies on the right side of both ends of every step that a sum can reach:

    a * T_k + c >= k * 2^S > a * (T_k - 1) + c,    T_k the least sum whose output is k or more,

so that for a given ``a`` what ``c`` may be is an interval. Found is proven: only these inequalities are asked.

TFLite rounds ties away from zero, so that the staircase of sums below 0 lies a little to the right. Where outputs of
both signs differ, no line does; then 2^31 at the multiplier's scale is subtracted from the product where x < 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from mcuq.fixedpoint import Int64, clamp, requantize

LEAST, LARGEST = -128, 127
STEPS = np.arange(LEAST + 1, LARGEST + 1)
LINE_BITS = 22  # of a line's slope, its sign apart: 2^8 times what it gives fits lanes of 40 bits
MOST_SLOPE = 32
TRIED = (0, 1, -1, 2, -2)  # added to the rounded multiplier
MAX_FACTOR = 0x7FFF7FFF  # so that its upper half, rounded, is an int16
REMEMBERED = 4096  # floors, and as many sixteenths of staircases: a layer is lowered again for every height of strips


class Sums(NamedTuple):
    """Accumulators and what they become, per channel.

    Attributes:
        low: the least sum, [channels].
        high: the largest.
        multiplier: Q31, positive, [channels].
        shift: of it; negative is right, [channels].
        zero_point: of the output.
    """

    low: Int64
    high: Int64
    multiplier: Int64
    shift: Int64
    zero_point: int

    def of(self, part: slice) -> Sums:
        """Return those of some channels."""
        return Sums(self.low[part], self.high[part], self.multiplier[part], self.shift[part], self.zero_point)

    def outputs(self, x: Int64) -> Int64:
        """Return the outputs of sums [channels, ...]."""
        behind = (slice(None), *(np.newaxis,) * (x.ndim - 1))
        scaled = requantize(x, self.multiplier[behind], self.shift[behind])
        return np.asarray(clamp(scaled + self.zero_point, LEAST, LARGEST), np.int64)


class Floors(NamedTuple):
    """``(factor * (x - origin) + addend) >> shift``, limited to int8, per channel; 0 <= addend < factor.

    ``found`` is whether that gives every output; where it does not, the other values mean nothing. With ``kink``, which
    is subtracted where x < 0, the origin is 0 and the addend has no limits.
    """

    factor: Int64
    addend: Int64
    origin: Int64
    found: Int64
    kink: Int64
    shift: int

    def where(self, chosen: Int64, other: Floors) -> Floors:
        """Return these for the chosen channels, others for the others."""
        return Floors(
            np.where(chosen, self.factor, other.factor),
            np.where(chosen, self.addend, other.addend),
            np.where(chosen, self.origin, other.origin),
            np.where(chosen, self.found, other.found),
            self.kink,
            self.shift,
        )

    def outputs(self, x: Int64) -> Int64:
        """Return the outputs of sums [channels, ...]."""
        behind = (slice(None), *(np.newaxis,) * (x.ndim - 1))
        a, c, origin, kink = (values[behind] for values in (self.factor, self.addend, self.origin, self.kink))
        return np.asarray(np.clip((a * (x - origin) + c - kink * (x < 0)) >> self.shift, LEAST, LARGEST), np.int64)


def steps(sums: Sums) -> Int64:
    """Return the least sum within reach whose output is k or more, [channels, 255]; one past the reach: none."""
    below = np.broadcast_to(sums.low[:, np.newaxis], (len(sums.low), STEPS.size)).copy()
    above = np.broadcast_to(sums.high[:, np.newaxis] + 1, below.shape).copy()
    while np.any(below < above):
        middle = (below + above) >> 1
        reached = sums.outputs(middle) >= STEPS
        above = np.where(reached, middle, above)
        below = np.where(reached, below, np.minimum(middle + 1, above))
    return np.asarray(below, np.int64)


def floors(sums: Sums, exponent: int, kinked: bool = False) -> Floors:
    """Find a floor for every channel, all shifted by ``31 + exponent``.

    Args:
        sums: of the channels.
        exponent: at most the least right shift of a channel, so that factors stay below 2^31.
        kinked: let sums below 0 round as TFLite's do: a multiple of 2^16 is subtracted from the product.

    Returns:
        Arrays that cannot be written: the same ones are returned again.
    """
    kind: Callable[..., Sums] = type(sums)  # averages have outputs of their own
    channels = tuple(np.asarray(values, np.int64).tobytes() for values in sums[:4])
    return _floors(kind, channels, sums.zero_point, exponent, kinked)


@lru_cache(REMEMBERED)
def _floors(
    kind: Callable[..., Sums], channels: tuple[bytes, ...], zero_point: int, exponent: int, kinked: bool
) -> Floors:
    sums = _sums(kind, channels, zero_point)
    total = 31 + exponent
    first = _steps(kind, channels, zero_point)
    right = -sums.shift - exponent
    rounded, nothing = _rounded(sums.multiplier, right), np.zeros_like(sums.multiplier)
    kink = np.where(kinked & (sums.shift < 0), ((1 << 15) >> np.clip(right, 0, 16)) << 16, nothing)
    best = Floors(rounded, nothing, nothing, nothing, kink, total)
    for more in TRIED:
        factor = rounded + more
        low, high = _interval(sums, first, best._replace(factor=factor))
        usable = (low <= high) & (factor > 0) & (factor <= MAX_FACTOR) & (best.found == 0)
        addend = (low + high) >> 1
        safe = np.maximum(factor, 1)
        origin = nothing if kinked else -(addend // safe)
        values = Floors(factor, addend + origin * safe, origin, np.ones_like(factor), kink, total)
        best = values.where(usable, best)
    for found in best[:5]:
        found.setflags(write=False)
    return best


@lru_cache(REMEMBERED // 16)
def _steps(kind: Callable[..., Sums], channels: tuple[bytes, ...], zero_point: int) -> Int64:
    return steps(_sums(kind, channels, zero_point))


def _sums(kind: Callable[..., Sums], channels: tuple[bytes, ...], zero_point: int) -> Sums:
    low, high, multiplier, shift = (np.frombuffer(values, np.int64) for values in channels)
    return kind(low, high, multiplier, shift, zero_point)


def _rounded(multiplier: Int64, right: Int64) -> Int64:
    """Shift right by what is not negative, to the nearest."""
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    return np.asarray((multiplier + half) >> np.maximum(right, 0), np.int64)


def _interval(sums: Sums, first: Int64, tried: Floors) -> tuple[Int64, Int64]:
    """Return the least and the largest addend that puts every step within reach where it belongs, [channels]."""
    target = STEPS.astype(np.int64) << tried.shift
    a, kink = tried.factor[:, np.newaxis], tried.kink[:, np.newaxis]
    never, always = first > sums.high[:, np.newaxis], first <= sums.low[:, np.newaxis]
    wide = np.int64(1) << 62
    low = np.where(never, -wide, target - a * first + kink * (first < 0)).max(axis=1)
    high = np.where(always, wide, target - a * (first - 1) - 1 + kink * (first <= 0)).min(axis=1)
    # a channel of one output has one bound or none: any line beyond it will do
    low = np.where(low == -wide, np.minimum(high, 0), low)
    return low, np.where(high == wide, np.maximum(low, 0), high)


class Line(NamedTuple):
    """``(factor * x + addend) >> shift`` of a byte, limited to the least and the largest output."""

    factor: int
    addend: int
    shift: int
    least: int
    largest: int

    def outputs(self, x: Int64) -> Int64:
        """Return the outputs of bytes."""
        return np.asarray(np.clip((self.factor * x + self.addend) >> self.shift, self.least, self.largest), np.int64)


def line(outputs: Int64) -> Line | None:
    """Find a line that gives a table's outputs; None where there is none.

    Every input below the largest output and every one above the least output bound a slope between them, so that the
    slopes that some addend goes with are an interval, of which the middle is taken.

    Args:
        outputs: int8 [256], of the inputs from -128 to 127.
    """
    x = np.arange(LEAST, LARGEST + 1)
    values = outputs.astype(np.int64)
    least, largest = int(values.min()), int(values.max())
    above, below = values > least, values < largest
    run = x[below] - x[above][:, np.newaxis]
    bound = (values[below] + 1 - values[above][:, np.newaxis]) / np.where(run == 0, 1, run)
    low = bound.max(where=run < 0, initial=-MOST_SLOPE)
    high = bound.min(where=run > 0, initial=MOST_SLOPE)
    slope = float(low + high) / 2
    shift = LINE_BITS - max(0, math.ceil(math.log2(max(abs(slope), 1))))
    factor = round(slope * (1 << shift))
    wide = 1 << 2 * LINE_BITS
    first = ((values << shift) - factor * x).max(where=above, initial=-wide)
    last = ((values + 1 << shift) - 1 - factor * x).min(where=below, initial=wide)
    return Line(factor, int(first + last) >> 1, shift, least, largest) if first <= last else None
