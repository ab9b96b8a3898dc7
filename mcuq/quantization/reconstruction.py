"""Layers of few bits made anew: scales, integers and bias by the least squared error of each layer's output.

Layer after layer: the inputs are what the quantized model computes, with the errors of all layers before; what is
wanted is what the float model computes. See :mod:`mcuq.quantization.descent`. Layers of more bits are rounded as
:mod:`mcuq.quantization.rounding` does, and so are those with more than ``MAX_TAPS`` weights per channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.ops.base import Real
from mcuq.quantization.biases import MAX_BIAS, quantize_bias, shifting_bits, signs_only
from mcuq.quantization.descent import Quadratic, Reals, from_codebooks, uniform
from mcuq.quantization.layers import Correct, Layer, Progress, What, correct_layers
from mcuq.quantization.options import FEW_BITS
from mcuq.quantization.quantizer import LEAST_MULTIPLIER, NO_LAYERS
from mcuq.quantization.rounding import optimized
from mcuq.quantization.scheme import Scheme
from mcuq.quantization.views import View, rows_of, view_of
from mcuq.tensor import Array, QConstant

MAX_TAPS = 2048
MAX_ROWS = 16384  # inputs of a layer, each what one output pixel sees
MAX_VALUES = 1 << 22  # in all of them
RIDGE = 0.02  # of the mean square input, at the least: holds back weights that the samples say little about
MOST = 0.9  # of the inputs' squares, taken to be but noise
NOTHING = 1e-12  # of a ridge, where all inputs are 0


def reconstruct(
    graph: FloatGraph,
    quantized: Graph,
    inputs: Mapping[str, Array],
    scheme: Scheme,
    *,
    layers: Mapping[str, Scheme] = NO_LAYERS,
    progress: Progress | None = None,
    then: Correct | None = None,
) -> Graph:
    """Return the quantized model with the constants of layers of few bits made anew, and other weights rounded anew.

    Args:
        graph: the float model.
        quantized: what ``quantize_graph`` made of it.
        inputs: float32 [samples, *shape] per model input.
        scheme: that it was quantized with.
        layers: schemes of layers that were not quantized as all others.
        progress: told the number of layers done.
        then: given a layer as it is then, returns newer constants.
    """

    def made_anew(layer: Layer) -> Mapping[What, QConstant]:
        view = _view(layer)
        if view is None or layer.weights.bits > FEW_BITS or signs_only(graph, layer.node.outputs[0]):
            return optimized(layer)
        return reconstructed(layer, view, layers.get(layer.node.name, scheme))

    return correct_layers(graph, quantized, inputs, made_anew, "weights", progress, then=then)


def _view(layer: Layer) -> View | None:
    """Return how a layer's weights see its input; None where it is not made anew."""
    small = layer.weights.elements <= MAX_TAPS * layer.weights.shape[layer.axis]
    return view_of(layer) if small else None


def in_few_bits(layer: Layer, schemes: Sequence[Scheme]) -> Iterator[tuple[Real, Real]]:
    """Yield, for each of some schemes, weights and bias that a layer would have with uniform weights of few bits.

    Yields:
        Real numbers, float32, in the layer's shapes; nothing for a layer that is not made anew.
    """
    view = _view(layer)
    if view is None:
        return
    real = np.swapaxes(view.grouped(layer.float_weights), 1, 2).astype(np.float64)
    problem, mean_input, mean_output = _problem(layer, view, real)
    least = _least(layer).reshape(view.groups, -1)
    for scheme in schemes:
        largest = np.maximum(_largest(real, scheme), least)
        values, scale = uniform(problem, largest, (scheme.lowest, scheme.limit), least)
        weights = values * scale[:, np.newaxis]
        bias = mean_output - np.einsum("gto,gt->go", weights, mean_input)
        shaped = view.ungrouped(np.swapaxes(weights, 1, 2)).reshape(layer.weights.shape)
        yield shaped.astype(np.float32), bias.ravel().astype(np.float32)


def _largest(real: Reals, scheme: Scheme) -> Reals:
    """Return the scales [groups, outputs] that clip no weight."""
    return np.asarray(np.maximum(real.max(axis=1) / scheme.limit, real.min(axis=1) / scheme.lowest))


def reconstructed(layer: Layer, view: View, scheme: Scheme) -> Mapping[What, QConstant]:
    """Return a layer's weights and bias; weights of channels that are 0 throughout stay 0."""
    real = np.swapaxes(view.grouped(layer.float_weights), 1, 2).astype(np.float64)
    problem, mean_input, mean_output = _problem(layer, view, real)
    weights = layer.weights
    channels = weights.shape[layer.axis]
    scale = np.broadcast_to(weights.scale, channels).reshape(view.groups, -1)
    least = _least(layer).reshape(view.groups, -1)
    codebook = None
    if scheme.codebook:
        assert weights.codebook is not None
        levels = np.broadcast_to(weights.codebook, (channels, weights.codebook.shape[1])).astype(np.float64)
        size = scheme.codebook_channels or channels
        values, scale, levels = from_codebooks(problem, scale, levels, size, least)
        codebook = levels.astype(np.int8) if len(weights.codebook) > 1 else levels[:1].astype(np.int8)
    else:
        is_free = scheme.weights == "channel" and scheme.kind != "fixed-point"
        largest = np.maximum(_largest(real, scheme), least) if is_free else scale
        values, scale = uniform(problem, largest, (scheme.lowest, scheme.limit), least if is_free else None)
    values = np.where(real.any(axis=1, keepdims=True), values, 0.0)
    bias = mean_output - np.einsum("gto,gt->go", values * scale[:, np.newaxis], mean_input)
    integers = view.ungrouped(np.swapaxes(values, 1, 2)).reshape(weights.shape).astype(np.int8)
    kept = weights.scale if weights.scale.size == 1 and np.all(scale == weights.scale) else scale.ravel()
    made = replace(weights, values=np.ascontiguousarray(integers), scale=kept, codebook=codebook)
    fraction = shifting_bits(bias.ravel(), layer.input_scale, made, layer.output)
    return {"weights": made, "bias": quantize_bias(bias.ravel(), layer.input_scale, made, fraction)}


def _problem(layer: Layer, view: View, real: Reals) -> tuple[Quadratic, Reals, Reals]:
    """Return the error to keep small, and the means of the inputs [groups, taps] and the outputs [groups, outputs]."""
    groups, taps, _ = real.shape
    most = min(MAX_ROWS, max(MAX_VALUES // (groups * taps), 1))
    seen = rows_of(view, most, layer.input, layer.float_input)
    x, float_x = (rows.astype(np.float64) for rows in seen)
    y = float_x @ real
    mean_x, mean_y = x.mean(axis=1), y.mean(axis=1)
    x, y = x - mean_x[:, np.newaxis], y - mean_y[:, np.newaxis]
    turned = np.swapaxes(x, 1, 2)
    gram, cross = turned @ x, turned @ y
    ridge = _ridge(x, gram)
    problem = Quadratic(gram + ridge * np.eye(taps), cross + ridge * real)
    return problem, mean_x, mean_y + layer.float_bias.reshape(groups, -1)


def _ridge(x: Reals, gram: Reals) -> Reals:
    """Return what to add to the squares of inputs x [groups, rows, taps], about their means: [groups, 1, 1].

    The fewer rows tell of the taps, the more: the shrinkage of O. Ledoit and M. Wolf, "A well-conditioned estimator for
    large-dimensional covariance matrices" (Journal of Multivariate Analysis 88, 2004), lemma 3.3 to 3.5.
    """
    rows, taps = x.shape[1:]
    mean = np.trace(gram, axis1=1, axis2=2) / taps
    squares = (gram**2).sum(axis=(1, 2))
    spread = squares - taps * mean**2
    noise = ((x**2).sum(axis=2) ** 2).sum(axis=1) - squares / rows
    share = np.clip(noise / np.maximum(spread, NOTHING), 0.0, MOST)
    return np.asarray(mean * (RIDGE + share / (1 - share)) + NOTHING)[:, np.newaxis, np.newaxis]


def _least(layer: Layer) -> Reals:
    """Return the smallest scales [channels] that leave the bias room and products their weight."""
    for_bias = np.abs(layer.float_bias) / (layer.input_scale * MAX_BIAS)
    return np.maximum(for_bias, LEAST_MULTIPLIER * layer.output.scale / layer.input_scale)
