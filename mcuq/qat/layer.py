"""A layer whose weights, input and bias are fake-quantized on the way."""

from __future__ import annotations

import torch

from mcuq.errors import UsageError
from mcuq.qat.activations import LearnedActivations, activations_for
from mcuq.qat.gradients import along, rounded, straight_through
from mcuq.qat.spec import Bits
from mcuq.qat.weights import weights_for

KINDS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Linear)


class QuantizedLayer(torch.nn.Module):  # type: ignore[misc]
    """Stands in place of ``layer``, which keeps the real weights.

    A layer with a quantized input has its bias rounded to the scale of the products, as the integer kernels have it.
    """

    def __init__(self, layer: torch.nn.Module, bits: Bits, name: str) -> None:
        super().__init__()
        self.layer, self.bits, self.name = layer, bits, name
        self.weights, self.activations = weights_for(bits, layer.weight), activations_for(bits)
        self.to(layer.weight.device)
        self.train(layer.training)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run the layer on the quantized input with the quantized weights."""
        self._started(x)
        weight, bias = self.weights(self.layer.weight), self.bias()
        if self._only_step_learns(x):
            return self._beside_step(x, weight, bias)
        if self.activations is not None:
            x = self.activations(x)
        if self.bits.backward == "quantized":
            return self._run(x, weight, bias)
        through_real = self._run(x, self.layer.weight.detach(), None if bias is None else bias.detach())
        return self._run(x.detach(), weight, bias) + (through_real - through_real.detach())

    def bias(self) -> torch.Tensor | None:
        """Return the bias: real if the input is, else an integer times the scale of the products."""
        bias: torch.Tensor | None = self.layer.bias
        if bias is None or self.activations is None:
            return bias
        scale = (self.activations.product_scale() * self.weights.scale(self.layer.weight)).detach().flatten()
        return straight_through(bias, rounded(bias.detach() / scale) * scale)

    def require_started(self) -> None:
        """Fail unless scales are set.

        Raises:
            UsageError: for a layer that has not seen a batch in training.
        """
        parts = [part for part in (self.weights, self.activations) if part is not None]
        if not all(part.started for part in parts):
            raise UsageError(f"{self.name}: its steps are not initialized; train the prepared model first")

    def _started(self, x: torch.Tensor) -> None:
        """Set scales by the first batch of training."""
        if not self.training:
            return self.require_started()
        with torch.no_grad():
            if not self.weights.started:
                self.weights.start(self.layer.weight)
            if self.activations is not None and not self.activations.started:
                self.activations.start(x)

    def _only_step_learns(self, x: torch.Tensor) -> bool:
        """Whether a gradient of the input is wanted for the sake of its step alone, as in a network's first layer."""
        learns = isinstance(self.activations, LearnedActivations) and self.activations.step.requires_grad
        return learns and torch.is_grad_enabled() and not x.requires_grad and self.bits.backward == "quantized"

    def _beside_step(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """Run the layer, and on the input's derivative by the step: less work than the gradient of all of the input."""
        assert isinstance(self.activations, LearnedActivations)
        given, change = self.activations.apart(x)
        with torch.no_grad():
            change = self._run(change, weight, None if bias is None else torch.zeros_like(bias))
        return along(self._run(given, weight, bias), self.activations.step, change)

    def _run(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        parameters = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
        out: torch.Tensor = torch.func.functional_call(self.layer, parameters, (x,))
        return out
