"""Fake quantization of weights: what comes out is exactly scale times integer, float32."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch

from mcuq.qat.gradients import (
    SMALLEST,
    hard_sigmoid,
    learned_step,
    quantized,
    rounded,
    scaled_sign,
    sign,
    straight_through,
)
from mcuq.qat.spec import Bits
from mcuq.quantization.arrays import kmeans_quantize

CENTROID_LIMIT = 127  # centroids are int8


class Integers(NamedTuple):
    """Integers, their scale [channels or 1, 1, ...], and the codebook they are from, [groups, entries]; as floats."""

    values: torch.Tensor
    scale: torch.Tensor
    codebook: torch.Tensor | None = None


class Weights(torch.nn.Module, ABC):  # type: ignore[misc]
    """Base: a scale per output channel (dimension 0) or one for all, set by the first batch of training."""

    def __init__(self, bits: Bits, weight: torch.Tensor) -> None:
        super().__init__()
        self.bits = bits
        self.register_buffer("started", torch.tensor(False))
        self.scales = (len(weight) if bits.per == "channel" else 1, *[1] * (weight.ndim - 1))
        self.shared = weight.numel() // self.scales[0]

    def start(self, weight: torch.Tensor) -> None:
        """Take the scale from real weights."""
        self.started.fill_(True)

    def mean(self, x: torch.Tensor) -> torch.Tensor:
        """Return the mean of the elements that share a scale, [channels or 1, 1, ...]."""
        return x.reshape(self.scales[0], -1).mean(1).reshape(self.scales)

    def largest(self, x: torch.Tensor) -> torch.Tensor:
        """Return the largest of the elements that share a scale, [channels or 1, 1, ...]."""
        return x.reshape(self.scales[0], -1).amax(1).reshape(self.scales)

    @abstractmethod
    def scale(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the scale, [channels or 1, 1, ...]."""

    @abstractmethod
    def integers(self, weight: torch.Tensor) -> Integers:
        """Return what the forward pass outside training is made of."""


class LearnedStep(Weights):
    """LSQ: the step is a parameter, at first 2 mean|w| / sqrt(Q_P)."""

    def __init__(self, bits: Bits, weight: torch.Tensor) -> None:
        super().__init__(bits, weight)
        self.step = torch.nn.Parameter(torch.zeros(self.scales))
        self.gradient_scale = 1 / math.sqrt(self.shared * bits.limits[1])

    def start(self, weight: torch.Tensor) -> None:
        """Set the step."""
        super().start(weight)
        self.step.copy_(2 * self.mean(weight.abs()) / math.sqrt(self.bits.limits[1]))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Quantize."""
        return learned_step(weight, self.step, self.bits.limits, self.gradient_scale)

    def scale(self, weight: torch.Tensor) -> torch.Tensor:
        """The step."""
        return self.step.clamp(min=SMALLEST)

    def integers(self, weight: torch.Tensor) -> Integers:
        """Integers in ``limits``."""
        return Integers(quantized(weight, self.step, self.bits.limits), self.scale(weight))


class MinMax(Weights):
    """The smallest scale that clips no weight."""

    def scale(self, weight: torch.Tensor) -> torch.Tensor:
        """Largest weight over largest integer, of either sign."""
        low, high = self.bits.limits
        weight = weight.detach()
        return torch.maximum(self.largest(weight) / high, self.largest(-weight) / -low).clamp(min=SMALLEST)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Quantize."""
        values, scale, _ = self.integers(weight)
        return straight_through(weight, values * scale)

    def integers(self, weight: torch.Tensor) -> Integers:
        """Integers in ``limits``."""
        scale = self.scale(weight)
        return Integers(quantized(weight.detach(), scale, self.bits.limits), scale)


class Binary(Weights):
    """BinaryConnect (Courbariaux et al., NeurIPS 2015), with a learned scale alpha.

    The real weights are kept in units of alpha, within [-1, 1]: the first batch divides them by mean|w| = alpha. In
    training the stochastic form draws +1 with probability hard_sigmoid(w); elsewhere sign(w) holds (section 2.6).
    """

    def __init__(self, bits: Bits, weight: torch.Tensor) -> None:
        super().__init__(bits, weight)
        self.alpha = torch.nn.Parameter(torch.zeros(self.scales))

    def start(self, weight: torch.Tensor) -> None:
        """Set alpha; bring the weights to its units."""
        super().start(weight)
        self.alpha.copy_(self.mean(weight.abs()).clamp(min=SMALLEST))
        weight.div_(self.alpha).clamp_(-1, 1)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Quantize; the gradient of sign(w) is 1 throughout."""
        if self.training and self.bits.method == "stochastic":
            signs = 2 * torch.bernoulli(hard_sigmoid(weight.detach())) - 1
        else:
            signs = sign(weight)
        return self.scale(weight) * straight_through(weight, signs)

    def scale(self, weight: torch.Tensor) -> torch.Tensor:
        """Alpha."""
        return self.alpha.clamp(min=SMALLEST)

    def integers(self, weight: torch.Tensor) -> Integers:
        """Signs, ±1."""
        return Integers(sign(weight), self.scale(weight))


class Xnor(Weights):
    """XNOR-Net's weights: alpha sign(w), alpha = mean|w| (section 3.1)."""

    def scale(self, weight: torch.Tensor) -> torch.Tensor:
        """Alpha."""
        return self.mean(weight.detach().abs()).clamp(min=SMALLEST)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Quantize."""
        return scaled_sign(weight, self.scale(weight))

    def integers(self, weight: torch.Tensor) -> Integers:
        """Signs, ±1."""
        return Integers(sign(weight), self.scale(weight))


class Codebook(Weights):
    """Trained centroids (Han et al., "Deep Compression", ICLR 2016, section 3).

    The first batch clusters the weights optimally, in units of their channel's largest where ``per`` is "channel"
    (errors count as they show in the output). Which weight has which centroid stays; a centroid's gradient is the sum
    of its weights'. Centroids are rounded to int8; the scale, fixed, is that of the largest weight over 127.
    """

    def __init__(self, bits: Bits, weight: torch.Tensor) -> None:
        super().__init__(bits, weight)
        self.size = bits.codebook_channels or len(weight)
        self.centroids = torch.nn.Parameter(torch.zeros(math.ceil(len(weight) / self.size), 2**bits.weights))
        self.register_buffer("indices", torch.zeros(weight.shape, dtype=torch.int64))
        self.register_buffer("relative", torch.ones(self.scales))
        self.register_buffer("unit", torch.ones(()))

    def start(self, weight: torch.Tensor) -> None:
        """Cluster."""
        super().start(weight)
        largest = self.largest(weight.abs()).clamp(min=SMALLEST)
        self.relative.copy_(largest / largest.max())
        self.unit.copy_(largest.max() / CENTROID_LIMIT)
        counts = (self.relative**2).expand_as(weight).split(self.size)
        for group, part in enumerate((weight / self.relative).split(self.size)):
            entries = self.centroids.shape[1]
            centroids, indices = kmeans_quantize(part.cpu().numpy(), entries, counts[group].cpu().numpy())
            self.centroids[group] = float(centroids[-1])
            self.centroids[group, : len(centroids)] = torch.as_tensor(centroids, dtype=self.centroids.dtype)
            self.indices.split(self.size)[group].copy_(torch.as_tensor(indices))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Look the weights up."""
        units = straight_through(self.centroids / self.unit, self._codebook())
        return self._looked_up(units) * self.scale(weight)

    def _codebook(self) -> torch.Tensor:
        return rounded(self.centroids / self.unit).clamp(-CENTROID_LIMIT, CENTROID_LIMIT)

    def _looked_up(self, codebook: torch.Tensor) -> torch.Tensor:
        parts = self.indices.split(self.size)
        return torch.cat([entries[part] for entries, part in zip(codebook, parts, strict=True)])

    def scale(self, weight: torch.Tensor) -> torch.Tensor:
        """Real value of one, per channel."""
        scale: torch.Tensor = self.relative * self.unit
        return scale

    def integers(self, weight: torch.Tensor) -> Integers:
        """Entries of the codebook."""
        codebook = self._codebook()
        return Integers(self._looked_up(codebook), self.scale(weight), codebook)


METHODS: dict[str, Any] = {
    "lsq": LearnedStep,
    "minmax": MinMax,
    "binary": Binary,
    "stochastic": Binary,
    "xnor": Xnor,
    "kmeans": Codebook,
}


def weights_for(bits: Bits, weight: torch.Tensor) -> Weights:
    """Return the quantization of a layer's weights."""
    made: Weights = METHODS[bits.method](bits, weight)
    return made
