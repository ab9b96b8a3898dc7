"""What training leaves behind, as integers: handed to the loader without loss."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from mcuq.errors import UsageError
from mcuq.qat.layer import QuantizedLayer


@dataclass(frozen=True, eq=False)
class LayerIntegers:
    """A trained layer: ``real = scale * weights``; weights, scale, bits and codebook are those of a ``QConstant``.

    Attributes:
        weights: int8 in torch's order (OIHW, OI): integers, signs ±1, or entries of the codebook.
        scale: float64 [output channels] or [1]; each a float32 value.
        bits: per weight, 1 to 8.
        codebook: int8 [1 or output channels, entries], every row rising.
        activation_bits: of the input: 2 to 8, in -2^(b-1)..2^(b-1)-1; 1: its signs, q >= zero_point being +1;
            None: not quantized in training.
        activation_scale: of the input as int8; with 1 bit, of the input whose sign is taken.
        activation_zero_point: likewise.
    """

    weights: npt.NDArray[np.int8]
    scale: npt.NDArray[np.float64]
    bits: int
    codebook: npt.NDArray[np.int8] | None
    activation_bits: int | None
    activation_scale: float | None
    activation_zero_point: int | None

    def real(self) -> npt.NDArray[np.float32]:
        """Return the weights of the fake-quantized forward pass, bit for bit."""
        scale = self.scale.astype(np.float32).reshape(-1, *[1] * (self.weights.ndim - 1))
        return np.asarray(self.weights.astype(np.float32) * scale)


def integers(prepared: torch.nn.Module) -> dict[str, LayerIntegers]:
    """Return every prepared layer's integers by its name in the model.

    Raises:
        UsageError: for a model without prepared layers, or one that was not trained.
    """
    return {name: _of_layer(layer) for name, layer in _layers(prepared).items()}


def plain(prepared: torch.nn.Module) -> torch.nn.Module:
    """Return a copy to be exported: ordinary layers with the quantized weights' and biases' real values.

    A layer with binary inputs is preceded by ``Signs`` in a Sequential; other inputs are not quantized.

    Raises:
        UsageError: as ``integers``.
    """
    _layers(prepared)
    model = copy.deepcopy(prepared)
    made: dict[torch.nn.Module, torch.nn.Module] = {}
    for parent in list(model.modules()):
        for child, module in list(parent._modules.items()):
            if isinstance(module, QuantizedLayer):
                if module not in made:
                    made[module] = _plain_layer(module)
                setattr(parent, child, made[module])
    return model


class Signs(torch.nn.Module):  # type: ignore[misc]
    """+1 where x >= 0, else -1."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the signs."""
        return torch.where(x >= 0, 1.0, -1.0)


def _layers(prepared: torch.nn.Module) -> dict[str, QuantizedLayer]:
    layers = {name: module for name, module in prepared.named_modules() if isinstance(module, QuantizedLayer)}
    if not layers:
        raise UsageError("the model has no prepared layers: call mcuq.qat.prepare and train it")
    for layer in layers.values():
        layer.require_started()
    return layers


@torch.no_grad()  # type: ignore[untyped-decorator]
def _of_layer(layer: QuantizedLayer) -> LayerIntegers:
    values, scale, codebook = layer.weights.integers(layer.layer.weight)
    activations = layer.activations
    return LayerIntegers(
        _int8(values),
        scale.flatten().cpu().double().numpy(),
        layer.bits.weights,
        None if codebook is None else _rows(_int8(codebook), layer.weights.size, len(values)),
        layer.bits.activations,
        None if activations is None else float(activations.scale()),
        None if activations is None else activations.zero_point(),
    )


def _rows(codebook: npt.NDArray[np.int8], size: int, channels: int) -> npt.NDArray[np.int8]:
    """Return [groups of ``size`` channels, entries] as [1 or channels, entries], every row rising."""
    rows = np.sort(codebook, axis=1)
    return rows if len(rows) == 1 else np.repeat(rows, size, axis=0)[:channels]


def _int8(x: torch.Tensor) -> npt.NDArray[np.int8]:
    return np.ascontiguousarray(x.cpu().numpy().astype(np.int8))


@torch.no_grad()  # type: ignore[untyped-decorator]
def _plain_layer(module: QuantizedLayer) -> torch.nn.Module:
    layer: torch.nn.Module = module.layer
    module.eval()
    weight, bias = module.weights(layer.weight), module.bias()
    layer.weight = torch.nn.Parameter(weight)  # its own, where layers share theirs
    if bias is not None:
        layer.bias = torch.nn.Parameter(bias)
    return torch.nn.Sequential(Signs(), layer) if module.bits.activations == 1 else layer
