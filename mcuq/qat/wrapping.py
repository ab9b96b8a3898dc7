"""Put fake quantization around a model's layers, and keep binary weights in bounds."""

from __future__ import annotations

from typing import TypeVar

import torch

from mcuq.errors import UsageError
from mcuq.qat.layer import KINDS, QuantizedLayer
from mcuq.qat.spec import Bits, Spec, assigned

Model = TypeVar("Model", bound=torch.nn.Module)
KEPT_BYTES = 31 << 20


def prepare(model: Model, spec: Spec) -> Model:
    """Wrap layers in place: Conv1d, Conv2d (depthwise included) and Linear.

    Make the optimizer afterwards: wrapped layers bring parameters of their own. The first batch in training mode sets
    scales, steps and codebooks from the real weights and its activations; weights may be loaded until then.

    Args:
        model: a module that holds layers.
        spec: maps patterns of layer names (``*``, ``?``, ``[...]``) to bits, the first that fits decides; or bits for
            every layer.

    Returns:
        The model itself.

    Raises:
        UsageError: for a pattern that names no layer, a codebook larger than its tensor, or a model prepared before.

    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    >>> type(prepare(net, {"0": Bits(2, 8)})[0]).__name__, type(net[2]).__name__
    ('QuantizedLayer', 'Linear')
    """
    if any(isinstance(module, QuantizedLayer) for module in model.modules()):
        raise UsageError("the model is prepared already")
    if isinstance(model, KINDS):
        raise UsageError("the model is a single layer, which cannot be replaced in place: put it in a Sequential")
    layers = {name: module for name, module in model.named_modules() if isinstance(module, KINDS)}
    chosen = assigned(spec, list(layers))
    for name, bits in chosen.items():
        _check_codebook(name, layers[name].weight, bits)
    wrappers = {layers[name]: QuantizedLayer(layers[name], bits, name) for name, bits in chosen.items()}
    for parent in list(model.modules()):
        for child, module in list(parent._modules.items()):
            if module in wrappers:
                setattr(parent, child, wrappers[module])
    _keep_memory()
    return model


def _keep_memory() -> None:
    """Let glibc keep the memory that a step frees.

    Else it may give all of it back to the system after every step, and take it again by page faults: 10,000 and 22 of
    92 ms on the keyword network. What it keeps follows the largest block freed so far, up to 32 MB (mallopt(3)).
    """
    torch.empty(KEPT_BYTES, dtype=torch.uint8)


def clip_(model: torch.nn.Module) -> None:
    """Clip the real weights of binary layers to [-1, 1]; call it after ``optimizer.step()`` (BinaryConnect, 2.4)."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, QuantizedLayer) and module.bits.weights == 1:
                module.layer.weight.clamp_(-1, 1)


def _check_codebook(name: str, weight: torch.Tensor, bits: Bits) -> None:
    if bits.method != "kmeans":
        return
    channels, shared = len(weight), bits.codebook_channels or len(weight)
    entries, held = 2**bits.weights, (channels % shared or min(shared, channels)) * weight[0].numel()
    if entries > held:
        raise UsageError(f"{name}: a codebook of {entries} is larger than the {held} weights it is for")
