"""How reals become integers: the kind of scale, its granularity, the number of bits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from mcuq.tensor import QTensor, Shape

Kind = Literal["affine", "scale", "fixed-point"]
SMALLEST = 1e-8  # a range is never taken narrower: a constant activation still needs a scale


class Range(NamedTuple):
    """Smallest and largest real value of an activation."""

    low: float
    high: float

    def union(self, other: Range) -> Range:
        """Return the narrowest range that holds both."""
        return Range(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True)
class Scheme:
    """What ``quantize`` makes of ranges and weights.

    - affine: ``r = S (q - Z)`` for activations; weights have Z = 0.
    - scale: symmetric, ``q = clip(round(x (2^(b-1) - 1) / alpha))`` to ±(2^(b-1) - 1); Z = 0 throughout.
    - fixed-point: as scale, with S rounded up to a power of two (Q formats); requantization is a rounding shift.

    Dynamic fixed-point is fixed-point with one format per layer: ``weights="layer"``.
    """

    kind: Kind = "affine"
    weights: Literal["network", "layer", "channel"] = "channel"
    activations: Literal["network", "layer"] = "layer"

    def activation(self, shape: Shape, observed: Range) -> QTensor:
        """Return the quantization of an activation; 0 always has an integer of its own."""
        low, high = min(observed.low, 0.0), max(observed.high, 0.0)
        if self.kind == "affine":
            scale = max(high - low, SMALLEST) / 255
            zero_point = int(np.clip(round(-128 - low / scale), -128, 127))
            return QTensor(shape, scale, zero_point)
        scale = self._scale(max(-low, high, SMALLEST), 8)
        return QTensor(shape, scale, 0)

    def weight_scales(self, largest: npt.NDArray[np.float64], bits: int = 8) -> npt.NDArray[np.float64]:
        """Return scales for the largest magnitudes of weights, same shape."""
        scales = [self._scale(max(float(alpha), SMALLEST), bits) for alpha in largest.ravel()]
        return np.array(scales).reshape(largest.shape)

    def _scale(self, alpha: float, bits: int) -> float:
        scale = alpha / (2 ** (bits - 1) - 1)
        return 2.0 ** math.ceil(math.log2(scale)) if self.kind == "fixed-point" else scale
