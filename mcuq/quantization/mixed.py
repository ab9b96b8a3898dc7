"""A number of bits for every layer, so that all weights together take no more than so many bytes.

Each layer by itself, at the inputs that it has in 8 bits: how much of its output's energy is error with fewer bits,
made anew as they would be (:mod:`mcuq.quantization.reconstruction`). From 8 bits on the layer is lowered that costs
least error by the byte saved, until all fit; what room is left then raises layers again. One pass over the samples, no
candidate measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.ops.packing import stored_bits, uniform_levels
from mcuq.passes.fold_constant_channels import fold_constant_channels
from mcuq.quantization.layers import Layer, Progress, What, correct_layers
from mcuq.quantization.options import FEW_BITS, Options
from mcuq.quantization.reconstruction import missed
from mcuq.tensor import Array, QConstant

BITS = (2, 4, 8)  # 3 are stored as 4, and 5 to 7 as 8


@dataclass(frozen=True)
class Rungs:
    """A layer: for each of ``bits``, rising, the bytes that its weights take, and the share of its output in error."""

    bits: tuple[int, ...]
    sizes: tuple[int, ...]
    errors: tuple[float, ...]


def assigned(
    graph: FloatGraph,
    quantized: Graph,
    inputs: Mapping[str, Array],
    options: Options,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Return how many bits layers shall have whose bits nobody chose, by name.

    Args:
        graph: the float model.
        quantized: what ``quantize_graph`` made of it, with 8 bits where there is a choice.
        inputs: float32 [samples, *shape] per model input.
        options: with ``weight_bytes``.
        progress: told the number of layers done.

    Raises:
        UsageError: with the bytes that the fewest bits take, where these are too many.
    """
    layers = rungs(graph, quantized, inputs, options, progress)
    chosen = fitting(layers, in_bytes(options.weight_bytes, widest_bytes(quantized, layers)))
    return {name: bits for name, bits in chosen.items() if name not in options.layer_bits}


def rungs(
    graph: FloatGraph,
    quantized: Graph,
    inputs: Mapping[str, Array],
    options: Options,
    progress: Progress | None = None,
) -> dict[str, Rungs]:
    """Return for every layer what each number of bits costs, by name; arguments as for :func:`assigned`."""
    layers: dict[str, Rungs] = {}
    stored = _stored(quantized)

    def look(layer: Layer) -> Mapping[What, QConstant]:
        weights = layer.weights
        if layer.node.name in options.layer_bits:
            layers[layer.node.name] = Rungs((weights.bits,), (_bytes(stored[layer.node.name], weights.bits),), (0.0,))
            return {}
        errors = [0.0 if bits > FEW_BITS else missed(layer, options.layer_kind(bits)) for bits in BITS]
        found = [(b, _bytes(stored[layer.node.name], b), e) for b, e in zip(BITS, errors, strict=True) if e is not None]
        bits, sizes, lost = zip(*found, strict=True)
        layers[layer.node.name] = Rungs(bits, sizes, lost)
        return {}

    correct_layers(graph, quantized, inputs, look, "bits", progress)
    return layers


def widest_bytes(quantized: Graph, layers: Iterable[str]) -> int:
    """Return the bytes of the weights of layers with 8 bits."""
    stored = _stored(quantized)
    return sum(math.prod(stored[name]) for name in layers)


def in_bytes(limit: str, whole: int) -> int:
    """Return a limit, "50%" of what 8 bits take, "24K" or "24576", as a number of bytes.

    >>> in_bytes("50%", 1000), in_bytes("2K", 1000), in_bytes("700", 1000)
    (500, 2048, 700)

    Raises:
        UsageError: for what is none.
    """
    text = limit.strip()
    unit = {"%": whole / 100, "K": 1024.0, "k": 1024.0}.get(text[-1:], 1.0)
    try:
        number = float(text.rstrip("%Kk"))
    except ValueError:
        number = -1.0
    if not 0 < number < 1e9 or (text[-1:] == "%" and number > 100):
        raise UsageError(f"{limit!r} is no number of bytes; give 50%, 24K or 24576")
    return int(number * unit)


def fitting(layers: Mapping[str, Rungs], limit: int) -> dict[str, int]:
    """Return the bits of every layer, so that their bytes stay within a limit.

    >>> layers = {"a": Rungs((2, 4), (10, 20), (0.5, 0.1)), "b": Rungs((2, 4), (100, 200), (0.3, 0.2))}
    >>> fitting(layers, 130)
    {'a': 4, 'b': 2}

    Raises:
        UsageError: with the bytes that the fewest bits take, where these are too many.
    """
    at = {name: len(own.bits) - 1 for name, own in layers.items()}
    least = sum(own.sizes[0] for own in layers.values())
    if least > limit:
        raise UsageError(f"weights take at least {least:,} bytes, with the fewest bits in all layers, not {limit:,}")
    total = sum(own.sizes[-1] for own in layers.values())
    while total > limit:
        _, name, down = min(_ways_down(layers, at))
        total -= layers[name].sizes[at[name]] - layers[name].sizes[down]
        at[name] = down
    while ups := [(gain, name, up) for gain, name, up, more in _ways_up(layers, at) if total + more <= limit]:
        _, name, up = max(ups)
        total += layers[name].sizes[up] - layers[name].sizes[at[name]]
        at[name] = up
    return {name: own.bits[at[name]] for name, own in layers.items()}


def _ways_down(layers: Mapping[str, Rungs], at: Mapping[str, int]) -> Iterator[tuple[float, str, int]]:
    """Yield error by the byte saved, layer, rung."""
    for name, own in layers.items():
        here = at[name]
        for down in range(here):
            if saved := own.sizes[here] - own.sizes[down]:
                yield (own.errors[down] - own.errors[here]) / saved, name, down


def _ways_up(layers: Mapping[str, Rungs], at: Mapping[str, int]) -> Iterator[tuple[float, str, int, int]]:
    """Yield error saved, layer, rung, bytes more."""
    for name, own in layers.items():
        here = at[name]
        for up in range(here + 1, len(own.bits)):
            if (gain := own.errors[here] - own.errors[up]) > 0:
                yield gain, name, up, own.sizes[up] - own.sizes[here]


def _stored(quantized: Graph) -> dict[str, tuple[int, int]]:
    """Return the channels of every layer, and the weights of each, without those that are folded away as constant."""
    folded, found = fold_constant_channels(quantized), dict.fromkeys((node.name for node in quantized.nodes), (0, 0))
    for node in folded.nodes:
        if (axis := node.op.weights_axis) is not None and node.inputs[1] in folded.constants:
            weights = folded.constants[node.inputs[1]]
            found[node.name] = weights.shape[axis], weights.elements // weights.shape[axis]
    return found


def _bytes(stored: tuple[int, int], bits: int) -> int:
    """Return what weights take as they are stored: a channel begins with a byte, packed ones have a table of levels."""
    channels, each = stored
    if bits > FEW_BITS:
        return channels * each
    return channels * -(-each * stored_bits(bits) // 8) + len(uniform_levels(stored_bits(bits)))
