"""Rounding, and the gradients that training takes it to have."""

from __future__ import annotations

from typing import Any

import torch

PIECE = 1 << 17  # elements that are rounded at a time
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


def on_grid(x: torch.Tensor, scale: torch.Tensor, limits: tuple[int, int]) -> torch.Tensor:
    """Return x as ``scale``, one number, times an integer in ``limits``, without a gradient.

    The same as ``quantized(x, scale, limits) * scale``, a piece after the other that stays in the cache, in place.
    """
    x, one = x.contiguous(), scale.reshape(())
    out = torch.empty_like(x)
    low, high = limits
    size = PIECE if x.device.type == "cpu" else max(x.numel(), 1)
    for given, made in zip(x.view(-1).split(size), out.view(-1).split(size), strict=True):
        torch.div(given, one, out=made).clamp_(low, high)
        if low >= 0:
            made.add_(0.5).floor_()
        else:
            made.add_(made.sign(), alpha=0.5).trunc_()
        made.mul_(one)
    return out


def between(gradient: torch.Tensor, x: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Return the gradient where low < x < high, else 0."""
    passed: torch.Tensor = torch.ops.aten.hardtanh_backward(gradient, x, low, high)
    return passed


class _OnGrid(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, scale: torch.Tensor, limits: tuple[int, int]) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.bounds = tuple(float(scale) * limit for limit in (limits[0] - 0.5, limits[1] + 0.5))
        return on_grid(x, scale, limits)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return between(gradient, x, *ctx.bounds), None, None


def fixed_step(x: torch.Tensor, scale: torch.Tensor, limits: tuple[int, int]) -> torch.Tensor:
    """Quantize x to ``scale``, one number, times an integer in ``limits``; the gradient is 1 where none is clipped."""
    out: torch.Tensor = _OnGrid.apply(x, scale, limits)
    return out


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    product: torch.Tensor = torch.dot(a.reshape(-1), b.reshape(-1))
    return product


class _LearnedStep(torch.autograd.Function):  # type: ignore[misc]
    """With one step for all; of an input, which is large, so that passes over it count."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, step: torch.Tensor, limits: tuple[int, int], gradient_scale: float
    ) -> torch.Tensor:
        positive = step.clamp(min=SMALLEST)
        out = on_grid(x, positive, limits)
        ctx.save_for_backward(x, out, step)
        ctx.limits, ctx.gradient_scale = limits, gradient_scale
        return out

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        x, out, step = ctx.saved_tensors
        positive = max(float(step), SMALLEST)
        passed = between(gradient, x, *(limit * positive for limit in ctx.limits))
        slope = _dot(gradient, out).sub_(_dot(passed, x))  # out - x where it passes, else out; in units of the step
        return passed, (slope * (ctx.gradient_scale / positive)).reshape(step.shape), None, None


class _LearnedSteps(torch.autograd.Function):  # type: ignore[misc]
    """With a step per channel."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, step: torch.Tensor, limits: tuple[int, int], gradient_scale: float
    ) -> torch.Tensor:
        positive = step.clamp(min=SMALLEST)
        ratio = x / positive
        whole = rounded(ratio).clamp_(*limits)
        ctx.save_for_backward(ratio, whole, step)
        ctx.limits, ctx.gradient_scale = limits, gradient_scale
        return whole * positive

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        ratio, whole, step = ctx.saved_tensors
        passed = between(gradient, ratio, *map(float, ctx.limits))
        of_step = (whole * gradient - ratio * passed).sum_to_size(step.shape) * ctx.gradient_scale
        return passed, of_step, None, None


def learned_step(x: torch.Tensor, step: torch.Tensor, limits: tuple[int, int], gradient_scale: float) -> torch.Tensor:
    """Quantize x to ``step`` times an integer in ``limits`` = (low, high), and learn the step.

    Esser et al., "Learned Step Size Quantization" (ICLR 2020), with Q_N = -low and Q_P = high:

    - equation 3: d/ds = round(x/s) - x/s where low < x/s < high, else low or high;
    - equation 5: d/dx = 1 where low < x/s < high, else 0;
    - section 2.2: the gradient of s is scaled by ``gradient_scale`` = 1 / sqrt(N Q_P).
    """
    function = _LearnedStep if step.numel() == 1 else _LearnedSteps
    out: torch.Tensor = function.apply(x, step, limits, gradient_scale)
    return out


def step_change(x: torch.Tensor, out: torch.Tensor, step: torch.Tensor, limits: tuple[int, int]) -> torch.Tensor:
    """Return the derivative of ``out``, which is x quantized, by its one step: equation 3 of :func:`learned_step`."""
    positive = max(float(step), SMALLEST)
    low, high = (limit * positive for limit in limits)
    return (out - between(x, x, low, high)).div_(positive)


class _Along(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, y: torch.Tensor, step: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(change)
        ctx.shape = step.shape
        ctx.mark_dirty(y)  # or the output would be a copy
        return y

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        (change,) = ctx.saved_tensors
        return gradient, _dot(gradient, change).reshape(ctx.shape), None


def along(y: torch.Tensor, step: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    """Return y, whose derivative by ``step``, one number, is ``change``; y is taken over."""
    out: torch.Tensor = _Along.apply(y, step, change)
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
