"""How reals become integers: the kind of scale, its granularity, the number of bits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from mcuq.errors import UsageError
from mcuq.tensor import Kind, QTensor, Shape

Weights = Literal["network", "layer", "channel"]
Activations = Literal["network", "layer"]
Span = Literal["symmetric", "full"]
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

    Dynamic fixed-point is fixed-point with one format per layer: ``weights="layer"``; one for all of the network is
    ``weights="network", activations="network"``.

    Attributes:
        kind: of scale.
        weights: which weights share a scale.
        activations: which activations share one.
        bits: of the weights, 2 to 8.
        clip: whether weight ranges are narrowed to where the mean squared error is least, or hold every weight.
        codebook: entries of the codebooks that weights are taken from, 4 or 16; 0: none. Scales are then those of 8
            bits.
        codebook_channels: output channels that share a codebook; 0: all of a layer.
        span: of the weights' integers: ±(2^(b-1) - 1), or -2^(b-1) too, which only affine has.
        activation_bits: of activations, 2 to 8; see :func:`mcuq.quantization.activations.activation_schemes`.
    """

    kind: Kind = "affine"
    weights: Weights = "channel"
    activations: Activations = "layer"
    bits: int = 8
    clip: bool = False
    codebook: int = 0
    codebook_channels: int = 0
    span: Span = "symmetric"
    activation_bits: int = 8

    def __post_init__(self) -> None:
        """Refuse what is not one of the choices."""
        for what, value, choices in (
            ("scheme", self.kind, get_args(Kind)),
            ("granularity of weights", self.weights, get_args(Weights)),
            ("granularity of activations", self.activations, get_args(Activations)),
            ("number of bits", self.bits, tuple(range(2, 9))),
            ("number of bits of activations", self.activation_bits, tuple(range(2, 9))),
            ("size of a codebook", self.codebook, (0, 4, 16)),
            ("span", self.span, get_args(Span)),
        ):
            if value not in choices:
                raise UsageError(f"{value!r} is no {what}; choose one of {', '.join(map(str, choices))}")
        if self.codebook_channels < 0:
            raise UsageError(f"{self.codebook_channels} channels cannot share a codebook; give 1 or more, or 0 for all")
        if self.span == "full" and self.kind != "affine":
            raise UsageError(f"the scheme {self.kind} is symmetric; only affine takes the full span of weights")
        if self.codebook and self.bits != 8:
            raise UsageError(f"weights have either {self.bits} bits or a codebook of {self.codebook} entries, not both")

    @property
    def limit(self) -> int:
        """The largest integer of a weight."""
        return int(2 ** (self.bits - 1) - 1)

    @property
    def lowest(self) -> int:
        """The smallest integer of a weight."""
        return -self.limit - (self.span == "full")

    @property
    def index_bits(self) -> int:
        """Bits that say which entry of a codebook a weight is."""
        return self.codebook.bit_length() - 1

    @property
    def steps(self) -> int:
        """Steps between the smallest and the largest integer of an activation, affine."""
        return int(2**self.activation_bits - 1)

    @property
    def activation_limit(self) -> int:
        """The largest integer of an activation."""
        return self.steps >> 1

    def activation(self, shape: Shape, observed: Range) -> QTensor:
        """Return the quantization of an activation; 0 always has an integer of its own."""
        low, high = min(observed.low, 0.0), max(observed.high, 0.0)
        most, bits = self.activation_limit, self.activation_bits
        if self.kind == "affine":
            scale = max(high - low, SMALLEST) / self.steps
            zero_point = int(np.clip(round(-most - 1 - low / scale), -most - 1, most))
            return QTensor(shape, scale, zero_point, bits=bits)
        return QTensor(shape, self._scale(max(-low, high, SMALLEST), most), 0, kind=self.kind, bits=bits)

    def weight_scales(self, largest: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return scales for the largest magnitudes of weights, same shape."""
        scales = [self._scale(max(float(alpha), SMALLEST), self.limit) for alpha in largest.ravel()]
        return np.array(scales).reshape(largest.shape)

    def _scale(self, alpha: float, limit: int) -> float:
        scale = alpha / limit
        return 2.0 ** math.ceil(math.log2(scale)) if self.kind == "fixed-point" else scale
