"""Rounding optimized per layer: every weight goes up or down so that the layer's output changes least.

The problem is AdaRound's (M. Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020,
equations 11 to 13): with X the inputs that the quantized model computes, least ``|X q s + b - Y|^2`` over integers q,
each the floor or the ceiling of its weight, or the entries of a codebook below and above it. It is quadratic in q, and
solved here by descent over one weight at a time from the nearest integers on, all output channels at once: no worse
than rounding to nearest by construction, the same every time, numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mcuq.float_graph import FloatGraph
from mcuq.graph import Graph
from mcuq.ops.base import Real
from mcuq.quantization.codebooks import nearest, neighbours, with_codebook
from mcuq.quantization.layers import Layer, Progress, What, correct_layers
from mcuq.quantization.quantizer import NO_LAYERS
from mcuq.quantization.scheme import Scheme
from mcuq.quantization.views import Reals, rows_of, view_of
from mcuq.tensor import Array, QConstant

MAX_ROWS = 4096  # inputs of a layer, each what one output pixel sees
MAX_TAPS = 1024  # weights of a channel optimized at a time
MAX_PASSES = 20
RIDGE = 0.1  # of the mean square input: holds back weights that the samples say little about


def optimize_rounding(
    graph: FloatGraph, quantized: Graph, inputs: Mapping[str, Array], progress: Progress | None = None
) -> Graph:
    """Return the quantized model with weights rounded for its outputs' sake; scales and biases stay.

    Args:
        graph: the float model.
        quantized: what ``quantize_graph`` made of it.
        inputs: float32 [samples, *shape] per model input.
        progress: told the number of layers done.
    """
    return correct_layers(graph, quantized, inputs, optimized, "weights", progress)


def optimized(layer: Layer) -> Mapping[What, QConstant]:
    """Return the layer's weights, rounded anew; nothing for an unknown kind of layer."""
    constant, shape = layer.weights, layer.weights.shape
    view = view_of(layer)
    if view is None:
        return {}
    scale = np.broadcast_to(constant.scale, shape[layer.axis]).reshape(view.groups, -1)
    seen = rows_of(view, MAX_ROWS, layer.input, layer.float_input)
    x, float_x = (np.moveaxis(rows, 0, 1).astype(np.float32, copy=False) for rows in seen)
    real = view.grouped(layer.float_weights).astype(np.float64)
    error = (layer.bias - layer.float_bias).reshape(view.groups, -1)
    target = _sums(float_x, real) - error.astype(np.float32)
    problem = Problem(x, target, real, scale, _limits(constant))
    if constant.codebook is not None:
        levels = np.broadcast_to(constant.codebook, (shape[layer.axis], constant.codebook.shape[1]))
        problem = problem._replace(levels=levels.reshape(view.groups, -1, levels.shape[1]).astype(np.float64))
    values = view.ungrouped(descend(problem)).reshape(shape).astype(np.int8)
    return {"weights": replace(constant, values=values)}


def _limits(weights: QConstant) -> tuple[int, int]:
    """Return the smallest and largest integer: the smallest of all is only taken where the scheme took it."""
    limit = 2 ** (weights.bits - 1) - 1
    return min(-limit, int(weights.values.min())), limit


def _sums(x: Real, weights: Array) -> Real:
    """Return what weights [groups, outputs, taps] make of [rows, groups, taps]: [rows, groups, outputs]."""
    made = np.moveaxis(x, 1, 0) @ np.swapaxes(weights.astype(x.dtype), 1, 2)
    return np.moveaxis(made, 0, 1)


class Problem(NamedTuple):
    """Of one layer, inputs and targets in float32 or float64; output channels in groups that see the same inputs."""

    x: Real  # [rows, groups, taps]
    target: Real  # [rows, groups, outputs], wanted of x times weights
    real: Reals  # [groups, outputs, taps], weights before rounding
    scale: Reals  # [groups, outputs]
    limits: tuple[int, int]  # smallest and largest integer, without levels
    levels: Reals | None = None  # [groups, outputs, entries], rising: the integers of a codebook

    def nearest(self) -> Reals:
        """Round to nearest."""
        if self.levels is not None:
            return nearest(self.real / self.scale[..., np.newaxis], self.levels)
        return np.clip(np.round(self.real / self.scale[..., np.newaxis]), *self.limits)

    def neighbours(self) -> tuple[Reals, Reals]:
        """Return the two integers that every weight may take."""
        wanted = self.real / self.scale[..., np.newaxis]
        if self.levels is not None:
            return neighbours(wanted, self.levels)
        lower = np.clip(np.floor(wanted), *self.limits)
        return lower, np.minimum(lower + 1, self.limits[1])

    def objective(self, integers: Reals) -> float:
        """Return the mean squared error of the layer's output."""
        return float(np.mean(self.residual(integers) ** 2))

    def residual(self, integers: Reals) -> Real:
        """Return what is missing from the target."""
        return np.asarray(self.target - _sums(self.x, integers * self.scale[..., np.newaxis]))


def descend(problem: Problem) -> Reals:
    """Return integers [groups, outputs, taps], each the floor or the ceiling of its weight.

    Beside the objective, the rounding error itself counts, lightly (``RIDGE``): rounding to nearest has the least of
    it, so neither sum nor objective ends above that of rounding to nearest.
    """
    integers = problem.nearest()
    lower, upper = problem.neighbours()
    for start in range(0, integers.shape[2], MAX_TAPS):
        taps = slice(start, start + MAX_TAPS)
        x = np.moveaxis(problem.x[:, :, taps], 0, 2)  # [groups, taps, rows]
        gram = (x @ np.swapaxes(x, 1, 2)).astype(np.float64)
        ridge = RIDGE * np.trace(gram, axis1=1, axis2=2)[:, np.newaxis, np.newaxis] / gram.shape[1]
        gram = gram + ridge * np.eye(gram.shape[1])
        missing = problem.real[:, :, taps] - integers[:, :, taps] * problem.scale[..., np.newaxis]
        along = np.moveaxis(problem.residual(integers), 0, 2) @ np.swapaxes(x, 1, 2)
        slope = along.astype(np.float64) + ridge * missing
        _descend(integers[:, :, taps], lower[:, :, taps] + upper[:, :, taps], gram, slope, problem.scale)
    return integers


def _descend(integers: Reals, both: Reals, gram: Reals, slope: Reals, scale: Reals) -> None:
    """Flip one tap after the other, in place, where the sum of squares falls; until nothing does.

    Args:
        integers: [groups, outputs, taps].
        both: sum of the two integers that a weight may take.
        gram: [groups, taps, taps], of the inputs.
        slope: [groups, outputs, taps], half the descent of the objective along a weight; changed.
        scale: [groups, outputs].
    """
    for _ in range(MAX_PASSES):
        flipped = False
        for t in range(integers.shape[2]):
            step = (both[:, :, t] - 2 * integers[:, :, t]) * scale
            curve = gram[:, t, t][:, np.newaxis] * step**2
            flip = 2 * step * slope[:, :, t] > curve * (1 + 1e-9)
            if flip.any():
                flipped = True
                step = np.where(flip, step, 0.0)
                integers[:, :, t] += np.rint(step / scale)
                slope -= step[..., np.newaxis] * gram[:, np.newaxis, t, :]
        if not flipped:
            return


def weigh_codebooks(
    graph: FloatGraph,
    quantized: Graph,
    inputs: Mapping[str, Array],
    scheme: Scheme,
    *,
    layers: Mapping[str, Scheme] = NO_LAYERS,
    progress: Progress | None = None,
) -> Graph:
    """Return the quantized model with codebooks clustered anew: errors count by the mean square of their inputs."""

    def weighed(layer: Layer) -> Mapping[What, QConstant]:
        view = view_of(layer)
        if view is None or layer.weights.codebook is None:
            return {}
        (x,) = rows_of(view, MAX_ROWS, layer.input)
        energy = np.mean(x.astype(np.float64) ** 2, axis=1)  # [groups, taps]
        per_channel = np.repeat(energy, layer.weights.shape[layer.axis] // view.groups, axis=0)
        kind = layers.get(layer.node.name, scheme)
        return {"weights": with_codebook(layer.weights, layer.float_weights, kind, per_channel)}

    return correct_layers(graph, quantized, inputs, weighed, "weights", progress)
