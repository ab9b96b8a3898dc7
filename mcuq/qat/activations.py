"""Fake quantization of a layer's input: integers of b bits in -2^(b-1)..2^(b-1)-1, kept in int8."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch

from mcuq.qat.gradients import (
    SMALLEST,
    fixed_step,
    learned_step,
    on_grid,
    rounded,
    sign,
    step_change,
    straight_through,
)
from mcuq.qat.spec import Bits


class Activations(torch.nn.Module, ABC):  # type: ignore[misc]
    """Base: ``real = scale * (q - zero_point)``, set by the first batch of training."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits = bits
        self.low, self.high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        self.register_buffer("started", torch.tensor(False))

    def start(self, x: torch.Tensor) -> None:
        """Take the scale from the first batch."""
        self.started.fill_(True)

    @abstractmethod
    def scale(self) -> torch.Tensor:
        """Return the scale, a scalar."""

    @abstractmethod
    def zero_point(self) -> int:
        """Return the integer of 0."""

    def product_scale(self) -> torch.Tensor:
        """Return what one unit of the layer's multiplicand stands for."""
        return self.scale()


class LearnedActivations(Activations):
    """LSQ: unsigned (zero point -2^(b-1)) if the first batch has no negative number, else signed (zero point 0).

    The step is at first 2 mean|x| / sqrt(Q_P); N of its gradient scale is the number of elements of a sample.
    """

    def __init__(self, bits: int) -> None:
        super().__init__(bits)
        self.step = torch.nn.Parameter(torch.zeros(()))
        self.register_buffer("signed", torch.tensor(True))

    def start(self, x: torch.Tensor) -> None:
        """Set sign and step."""
        super().start(x)
        self.signed.fill_(bool(x.min() < 0))
        self.step.copy_((2 * x.abs().mean() / math.sqrt(self.high - self.zero_point())).clamp(min=SMALLEST))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Quantize."""
        return learned_step(x, self.step, self._limits(), self._gradient_scale(x))

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def apart(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return x quantized, and its derivative by the step, scaled as a gradient; neither with a gradient."""
        out = on_grid(x, self.scale(), self._limits())
        return out, step_change(x, out, self.step, self._limits()).mul_(self._gradient_scale(x))

    def _limits(self) -> tuple[int, int]:
        return self.low - self.zero_point(), self.high - self.zero_point()

    def _gradient_scale(self, x: torch.Tensor) -> float:
        return 1 / math.sqrt(x[0].numel() * self._limits()[1])

    def scale(self) -> torch.Tensor:
        """The step."""
        return self.step.clamp(min=SMALLEST)

    def zero_point(self) -> int:
        """0 if signed."""
        return 0 if self.signed else self.low


class MinMaxActivations(Activations):
    """Affine, of the moving average of every batch's extremes (Jacob et al., CVPR 2018, section 3.1)."""

    MOMENTUM = 0.1

    def __init__(self, bits: int) -> None:
        super().__init__(bits)
        self.register_buffer("range", torch.zeros(2))

    def start(self, x: torch.Tensor) -> None:
        """Set the range."""
        super().start(x)
        self.range.copy_(torch.stack(x.aminmax()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Quantize; the gradient is 1 where nothing is clipped, else 0."""
        if self.training:
            self.range.lerp_(torch.stack(x.detach().aminmax()), self.MOMENTUM)
        zero_point = self.zero_point()
        return fixed_step(x, self.scale(), (self.low - zero_point, self.high - zero_point))

    def scale(self) -> torch.Tensor:
        """Range, 0 included, over the number of steps."""
        low, high = self.range[0].clamp(max=0), self.range[1].clamp(min=0)
        return ((high - low) / (self.high - self.low)).clamp(min=SMALLEST)

    def zero_point(self) -> int:
        """The integer nearest to 0's place."""
        exact = self.low - self.range[0].clamp(max=0) / self.scale()
        return int(rounded(exact).clamp(self.low, self.high))


class BinaryActivations(MinMaxActivations):
    """XNOR-Net's inputs: sign(x), its gradient 1 where |x| <= 1, else 0 (section 3.2).

    The input-dependent scale K of equation 11 is dropped: the batch norm ahead of the layer makes inputs alike. What
    is compared with 0 is the int8 input, whose scale and zero point are the ones handed over: q >= zero_point is +1.
    Padding adds 0, neither +1 nor -1.
    """

    def __init__(self) -> None:
        super().__init__(8)
        self.bits = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Quantize."""
        return straight_through(x, sign(super().forward(x)), x.detach().abs() <= 1)

    def product_scale(self) -> torch.Tensor:
        """1: the multiplicand is ±1."""
        return torch.ones_like(self.scale())


def activations_for(bits: Bits) -> Activations | None:
    """Return the quantization of a layer's input; None if it stays real."""
    if bits.activations is None:
        return None
    if bits.activations == 1:
        return BinaryActivations()
    return LearnedActivations(bits.activations) if bits.method == "lsq" else MinMaxActivations(bits.activations)
