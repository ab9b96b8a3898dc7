"""Rounding, and the gradients that training takes it to have."""

from __future__ import annotations

from typing import Any

import torch

SMALLEST = 1e-8  # of a scale; a step that training drives below it is taken as this


def rounded(x: torch.Tensor) -> torch.Tensor:
    """Round half away from zero, as ``QTensor.quantize``."""
    return torch.copysign(torch.floor(x.abs() + 0.5), x)


def sign(x: torch.Tensor) -> torch.Tensor:
    """Return +1 where x >= 0, else -1."""
    return torch.where(x >= 0, 1.0, -1.0)


def hard_sigmoid(x: torch.Tensor) -> torch.Tensor:
    """Return clip((x + 1) / 2, 0, 1): the probability of +1 (BinaryConnect, equation 3)."""
    return ((x + 1) / 2).clamp(0, 1)


def quantized(x: torch.Tensor, step: torch.Tensor, limits: tuple[int, int]) -> torch.Tensor:
    """Return the integers of x, as floats."""
    return rounded(x / step.clamp(min=SMALLEST)).clamp(*limits)


class _StraightThrough(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, _: torch.Tensor, value: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(factor)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (factor,) = ctx.saved_tensors
        return gradient * factor, None, None


def straight_through(x: torch.Tensor, value: torch.Tensor, factor: torch.Tensor | float = 1.0) -> torch.Tensor:
    """Return ``value`` exactly; x gets its gradient times ``factor`` (Bengio et al., arXiv 1308.3432)."""
    out: torch.Tensor = _StraightThrough.apply(x, value.detach(), torch.as_tensor(factor))
    return out


class _LearnedStep(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, step: torch.Tensor, limits: tuple[int, int], gradient_scale: float
    ) -> torch.Tensor:
        positive = step.clamp(min=SMALLEST)
        ratio = x / positive
        ctx.save_for_backward(ratio, step)
        ctx.limits, ctx.gradient_scale = limits, gradient_scale
        return rounded(ratio).clamp(*limits) * positive

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        ratio, step = ctx.saved_tensors
        low, high = ctx.limits
        inside = (ratio > low) & (ratio < high)
        slope = torch.where(inside, rounded(ratio) - ratio, ratio.clamp(low, high))
        of_step = (gradient * slope).sum_to_size(step.shape) * ctx.gradient_scale
        return gradient * inside, of_step, None, None


def learned_step(x: torch.Tensor, step: torch.Tensor, limits: tuple[int, int], gradient_scale: float) -> torch.Tensor:
    """Quantize x to ``step`` times an integer in ``limits`` = (low, high), and learn the step.

    Esser et al., "Learned Step Size Quantization" (ICLR 2020), with Q_N = -low and Q_P = high:

    - equation 3: d/ds = round(x/s) - x/s where low < x/s < high, else low or high;
    - equation 5: d/dx = 1 where low < x/s < high, else 0;
    - section 2.2: the gradient of s is scaled by ``gradient_scale`` = 1 / sqrt(N Q_P).
    """
    out: torch.Tensor = _LearnedStep.apply(x, step, limits, gradient_scale)
    return out


class _ScaledSign(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(weight, alpha)
        return alpha * sign(weight)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        weight, alpha = ctx.saved_tensors
        n = weight.numel() / alpha.numel()
        return gradient * (1 / n + (weight.abs() <= 1) * alpha), None


def scaled_sign(weight: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """Return alpha sign(w).

    Rastegari et al., "XNOR-Net" (ECCV 2016), section 3.1: dC/dw = dC/dw~ (1/n + dsign/dw alpha), where n weights share
    alpha and dsign/dw is 1 where |w| <= 1, else 0.
    """
    out: torch.Tensor = _ScaledSign.apply(weight, alpha.detach())
    return out
