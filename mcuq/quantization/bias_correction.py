"""Bias correction: take the mean error that quantization gives every output channel out of its bias.

Rounded weights and clipped activations shift a layer's mean output (M. Nagel et al., "Data-Free Quantization Through
Weight Equalization and Bias Correction", ICCV 2019, section 4.2; here the empirical form, appendix D, on the integers
that the quantized model computes). The mean is that before the fused activation, over those outputs that it lets
through: what it cuts off in both models needs no correction, and would spoil that of the rest.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.ops.window import parts_of
from mcuq.quantization.biases import quantize_bias
from mcuq.quantization.layers import Layer, Progress, What, correct_layers
from mcuq.tensor import Array, QConstant


def correct_biases(
    graph: FloatGraph, quantized: Graph, inputs: Mapping[str, Array], progress: Progress | None = None
) -> Graph:
    """Return the quantized model with biases that make every channel's mean output that of the float model.

    Args:
        graph: the float model.
        quantized: what ``quantize_graph`` made of it.
        inputs: float32 [samples, *shape] per model input.
        progress: told the number of layers done.
    """
    return correct_layers(graph, quantized, inputs, corrected, "bias", progress)


def corrected(layer: Layer) -> Mapping[What, QConstant]:
    """Return the layer's bias plus the mean of what its outputs lack."""
    total, count = np.zeros(len(layer.bias)), np.zeros(len(layer.bias))
    weights, bias = layer.weights.real().astype(np.float32), layer.bias.astype(np.float32)
    for part in parts_of(len(layer.input), layer.input[:1].nbytes):
        wanted, given = layer.wanted[part], layer.op.compute(layer.input[part], weights, bias)
        counted = layer.passes(wanted) | layer.passes(given)
        axes = tuple(range(wanted.ndim - 1))
        total += np.sum((wanted - given) * counted, axis=axes)
        count += counted.sum(axis=axes)
    better = layer.bias + total / np.maximum(count, 1)
    return {"bias": quantize_bias(better, layer.input_scale, layer.weights, layer.fraction)}
