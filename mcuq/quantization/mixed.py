"""A number of bits for every layer, so that all weights together take no more than so many bytes.

What fewer bits of a layer cost is measured at the model's outputs, one layer at a time: every second sample makes it
anew, as it would be (:mod:`mcuq.quantization.reconstruction`), the others go through it and on through the float model.
A layer's own output tells little of that: its error may be large, and hardly reach the end. Errors of several layers
are taken to add up, and of all bits whose bytes fit, those of the least sum are chosen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mcuq import float_run
from mcuq.errors import UsageError
from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.ops.packing import stored_bits, uniform_levels
from mcuq.passes.fold_constant_channels import fold_constant_channels
from mcuq.quantization.deciding import scores
from mcuq.quantization.layers import Layer, Progress, What, correct_layers
from mcuq.quantization.options import FEW_BITS, Options
from mcuq.quantization.reconstruction import in_few_bits
from mcuq.quantization.scheme import Scheme
from mcuq.tensor import Array, QConstant

BITS = (2, 4, 8)  # 3 are stored as 4, and 5 to 7 as 8
UNITS = 1 << 18
NOTHING = 1e-30  # of outputs' squares, where all are 0


@dataclass(frozen=True)
class Rungs:
    """A layer: for each of ``bits``, rising, the bytes that its weights take, and what they cost.

    Attributes:
        errors: squares of what the model's outputs change by, as shares of the outputs' squares.
    """

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
    stored, judged = _stored(quantized), replace(graph, outputs=scores(graph))
    wanted = float_run.run(judged, inputs)
    few = [bits for bits in BITS if bits <= FEW_BITS]

    def look(layer: Layer) -> Mapping[What, QConstant]:
        name = layer.node.name
        if name in options.layer_bits:
            bits, errors = [layer.weights.bits], [0.0]
        else:
            errors = _errors(layer, [options.layer_kind(bits) for bits in few], wanted)
            bits = [*few[: len(errors)], *(bits for bits in BITS if bits > FEW_BITS)]
            errors += [0.0] * (len(bits) - len(errors))
        layers[name] = Rungs(tuple(bits), tuple(_bytes(stored[name], each) for each in bits), tuple(errors))
        return {}

    correct_layers(judged, quantized, inputs, look, "bits", progress)
    return layers


def _errors(layer: Layer, schemes: Sequence[Scheme], wanted: Mapping[str, Array]) -> list[float]:
    """Return what the outputs change by with a layer in few bits; nothing for a layer that is not made anew."""
    making, judging = slice(0, None, 2), slice(1, None, 2) if len(layer.input) > 1 else slice(None)
    alone = replace(layer, input=layer.float_input)  # without what the layers before it do to its input
    x, errors = layer.float_input[judging], []
    for weights, bias in in_few_bits(alone.of(making), schemes):
        given = layer.onward(np.asarray(layer.op.compute(x, weights, bias), np.float32), judging)
        errors.append(sum(_share(wanted[name][judging], y) for name, y in given.items()))
    return errors


def _share(wanted: Array, given: Array) -> float:
    """Return the squares of the differences as a share of the squares."""
    energy = float(np.square(wanted, dtype=np.float64).sum())
    return float(np.square(wanted - given, dtype=np.float64).sum()) / max(energy, NOTHING)


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
    """Return the bits of every layer whose errors have the least sum, of all whose bytes stay within a limit.

    A knapsack with a choice for every layer, by dynamic programming over the bytes; to more than ``UNITS`` of them, in
    units of several.

    >>> layers = {"a": Rungs((2, 4), (10, 20), (0.5, 0.1)), "b": Rungs((2, 4), (100, 200), (0.3, 0.2))}
    >>> fitting(layers, 130)
    {'a': 4, 'b': 2}

    Raises:
        UsageError: with the bytes that the fewest bits take, where these are too many.
    """
    least = sum(own.sizes[0] for own in layers.values())
    if least > limit:
        raise UsageError(f"weights take at least {least:,} bytes, with the fewest bits in all layers, not {limit:,}")
    unit = (limit - least) // UNITS + 1
    error = np.zeros((limit - least) // unit + 1)  # the least sum that so many units more allow
    picks: list[tuple[str, Rungs, Array]] = []
    for name, own in layers.items():
        tried = np.full((len(own.bits), len(error)), np.inf)
        for row, more, cost in zip(tried, _more(own, unit), own.errors, strict=True):
            row[more:] = error[: max(len(error) - more, 0)] + cost
        picks.append((name, own, tried.argmin(axis=0).astype(np.int8)))
        error = tried.min(axis=0)
    left, chosen = len(error) - 1, {}
    for name, own, pick in reversed(picks):
        chosen[name] = own.bits[pick[left]]
        left -= _more(own, unit)[pick[left]]
    return {name: chosen[name] for name in layers}


def _more(own: Rungs, unit: int) -> list[int]:
    """Return how many units of bytes each number of bits takes more than the fewest, rounded up."""
    return [-(-(size - own.sizes[0]) // unit) for size in own.sizes]


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
