"""Requantization of sums that are kept in floats: a product and a sum, where these are proven to give every output.

Sums of int8 products are integers, and exact in float32 below 2^24. TFLite's two roundings (:mod:`mcuq.fixedpoint`)
make a staircase of them, and so does ``floor(x * factor + addend)`` in floats, each of whose roundings is monotone. Two
staircases are one if they step at the same sums: that is asked at every step that a sum can reach, with the very
operations that run. Channels whose staircases differ are requantized in integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcuq.fixedpoint import INT32_MAX, Int64, clamp, requantize
from mcuq.tensor import Array

Floats = npt.NDArray[np.floating]


class Scaling(NamedTuple):
    """How a layer requantizes: multipliers and shifts [channels], the output's zero point and limits."""

    multiplier: Int64
    shift: Int64
    zero_point: int
    low: int
    high: int

    def outputs(self, x: Array, channels: Array | slice = slice(None)) -> npt.NDArray[np.int8]:
        """Return the outputs of sums [..., channels], by definition."""
        scaled = requantize(x, self.multiplier[channels], self.shift[channels])
        return clamp(scaled + self.zero_point, self.low, self.high)

    def of(self, channels: Array) -> Scaling:
        """Return that of some channels."""
        if self.multiplier.size == 1:
            return self
        return self._replace(multiplier=self.multiplier[channels], shift=self.shift[channels])

    @property
    def real(self) -> npt.NDArray[np.float64]:
        """The multipliers as real numbers, [channels]."""
        return np.asarray(np.ldexp(self.multiplier.astype(np.float64), (self.shift - 31).astype(np.int32)), np.float64)

    @property
    def finer(self) -> npt.NDArray[np.float64]:
        """By how much less than a half is rounded up, because the first rounding does it, [channels]."""
        half = np.ldexp(1.0, np.minimum(self.shift, 0).astype(np.int32) - 1)
        return np.asarray(np.where(self.shift < 0, half, 0.0), np.float64)


@dataclass(frozen=True, eq=False)
class Rescaling:
    """Requantization of float sums, prepared.

    Attributes:
        scaling: by definition.
        factor: [channels], in the type of the sums.
        addend: [channels], what is added before rounding down; ``by_sign``: before rounding towards 0, with the
            sign of the sum.
        by_sign: whether outputs on both sides of the zero point are reached, so that ties round away from it.
        unproven: the channels that are requantized in integers.
    """

    scaling: Scaling
    factor: Floats
    addend: Floats
    by_sign: bool
    unproven: Array

    def outputs(self, x: Floats) -> npt.NDArray[np.int8]:
        """Return the outputs of sums [..., channels], which are used up."""
        unproven = self.unproven
        exact = self.scaling.outputs(x[..., unproven].astype(np.int64), unproven) if unproven.size else None
        result = self._steps(x).astype(np.uint8)  # within 0..255, so that the cast rounds down
        result += np.uint8(self.scaling.low & 255)
        made = result.view(np.int8)
        if exact is not None:
            made[..., unproven] = exact
        return made

    def _steps(self, x: Floats) -> Floats:
        """Replace sums by what is to be rounded down: the output's distance from the least, limited."""
        scaling = self.scaling
        if self.by_sign:
            signed = np.copysign(self.addend, x)
            x *= self.factor
            x += signed
            np.trunc(x, out=x)
            x += x.dtype.type(scaling.zero_point - scaling.low)
        else:
            x *= self.factor
            x += self.addend
        return np.asarray(np.clip(x, 0, scaling.high - scaling.low, out=x))

    def proven(self, steps: Steps) -> npt.NDArray[np.bool_]:
        """Return, per channel, whether every sum becomes what it is by definition."""
        right = self._reach(steps.first, steps) & ~self._reach(steps.first - 1, steps)
        return np.asarray(right.all(axis=0) & steps.found)

    def _reach(self, x: Int64, steps: Steps) -> npt.NDArray[np.bool_]:
        made = np.floor(self._steps(np.clip(x, steps.low, steps.high).astype(self.factor.dtype)))
        return np.asarray(((made + self.scaling.low >= steps.outputs) & (x >= steps.low)) | (x > steps.high))


@dataclass(frozen=True, eq=False)
class Steps:
    """Where the staircase of every channel steps, by definition.

    Attributes:
        low: the least sum of every channel.
        high: the largest.
        outputs: [steps, 1], all but the least.
        first: [steps, channels], the least sum whose output is that or more; one more than the largest: none.
        found: [channels], whether that is known.
    """

    low: Int64
    high: Int64
    outputs: Int64
    first: Int64
    found: npt.NDArray[np.bool_]

    def addend(self, factor: Floats, least: int) -> Floats:
        """Return what to add to products by a factor, in the middle of what makes the right steps, [channels]."""
        target = (self.outputs - least).astype(np.float64)
        wide = factor.astype(np.float64)
        lowest = np.where(self.first > self.high, -np.inf, target - wide * self.first).max(axis=0, initial=-np.inf)
        highest = np.where(self.first <= self.low, np.inf, target - wide * (self.first - 1)).min(axis=0, initial=np.inf)
        none = np.isinf(lowest) & np.isinf(highest)  # no steps: any line within the one output
        lowest, highest = np.where(none, 0, lowest), np.where(none, 1, highest)
        middle = np.where(
            np.isinf(lowest), highest - 1, np.where(np.isinf(highest), lowest + 1, (lowest + highest) / 2)
        )
        return np.asarray(middle, factor.dtype)


def steps_of(scaling: Scaling, low: Int64, high: Int64) -> Steps:
    """Find the steps of a layer's channels between the least and the largest sum."""
    k = np.arange(scaling.low + 1, scaling.high + 1)[:, np.newaxis]
    wanted = k - scaling.zero_point
    safe = np.where(scaling.multiplier > 0, scaling.real, 1.0)
    guess = np.ceil((wanted - 0.5 - np.where(wanted > 0, scaling.finer, -scaling.finer)) / safe)
    guess = np.clip(guess, low, high + 1).astype(np.int64)

    def reached(x: Int64) -> npt.NDArray[np.bool_]:
        return np.asarray(((scaling.outputs(np.clip(x, low, high)) >= k) & (x >= low)) | (x > high))

    here = reached(guess)
    near = np.clip(np.where(here, guess - 1, guess + 1), low - 1, high + 1)
    bracketed = reached(near) != here
    # a left shift may wrap, and then there is no staircase
    largest = np.maximum(np.abs(low), np.abs(high)).astype(np.float64)
    stays = np.ldexp(largest, np.maximum(scaling.shift, 0).astype(np.int32)) < INT32_MAX
    found = bracketed.all(axis=0) & stays & (scaling.multiplier >= 0)
    return Steps(low, high, k, np.where(here, guess, near), found)


def rescaling(scaling: Scaling, low: Int64, high: Int64, dtype: npt.DTypeLike) -> Rescaling:
    """Prepare the requantization of sums in floats.

    Args:
        scaling: by definition.
        low: the least sum of every channel.
        high: the largest.
        dtype: of the sums, which holds all of them exactly.
    """
    steps, factor, none = steps_of(scaling, low, high), scaling.real.astype(dtype), np.zeros(0, np.int64)
    found = Rescaling(scaling, factor, steps.addend(factor, scaling.low), False, none)
    proven = found.proven(steps)
    if not proven.all():
        other = Rescaling(scaling, factor, (0.5 + scaling.finer).astype(dtype), True, none)
        also = other.proven(steps)
        found, proven = (other, also) if also.sum() > proven.sum() else (found, proven)
    return Rescaling(scaling, found.factor, found.addend, found.by_sign, np.flatnonzero(~proven))
