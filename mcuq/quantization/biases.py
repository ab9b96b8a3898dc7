"""Biases as integers, and how finely: where weights are trained integers, the bias is what rounding can still spoil.

A bias counts in units of its layer's products, s_in * s_w. With 8 bits on either side they are fine; with 2 they can be
as large as a step of the output. Then weights of few bits, that leave room in int8, let the bias be finer
(:func:`mcuq.ops.accumulator.refined`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mcuq.float_graph import FloatGraph, consumers
from mcuq.ops.binarize import Binarize
from mcuq.ops.packing import uniform_levels
from mcuq.tensor import Array, QConstant, QTensor

MAX_BIAS = 1 << 28  # so that the accumulator keeps room for the products
MAX_FRACTION = 6  # bits: those that weights of 1 or 2 have to spare in int8
GUARD = 2  # bits
TOLERATED = 1 / 512  # of the output's range, as an error of the bias: half a step of 8 bits, as much as rounding costs

Reals = npt.NDArray[np.float64]


def quantize_bias(bias: Array, input_scale: float, weights: QConstant, fraction: int = 0) -> QConstant:
    """Quantize a bias [channels] at the scale of its layer's products, or ``fraction`` bits finer."""
    scale = input_scale * weights.scale / 2**fraction
    integers = np.clip(rounded(bias / np.broadcast_to(scale, bias.shape)), -(2**31), 2**31 - 1)
    return QConstant(integers.astype(np.int32), scale, fraction=fraction)


def fraction_bits(bias: Array, input_scale: float, weights: QConstant, output: QTensor) -> int:
    """Return by how many bits a bias [channels] must be finer than the products.

    0 where rounding it costs little; else as many as the weights have to spare: the kernels are the same for any.
    """
    products = np.broadcast_to(input_scale * weights.scale, bias.shape)
    lost = np.abs(bias - rounded(bias / products) * products).max() / output.scale
    if lost <= TOLERATED * 2**output.bits:
        return 0
    largest = max(float(np.abs(bias / products).max()), 1.0)
    return max(min(_spare_bits(weights), int(np.log2(MAX_BIAS / largest))), 0)


def shifting_bits(bias: Array, input_scale: float, weights: QConstant, output: QTensor) -> int:
    """Return by how many bits products of few bits must be finer for sums to become outputs by right shifts.

    Only those are what the chips' fast kernels do. Where products are large next to the output's steps, some channels
    would need none, or a left shift. 0 where that does not help, or there is no room for it. ``GUARD`` bits more keep
    the first of the two roundings of a requantization from adding up with the second: 18.33 would become 18.5, then 19.
    """
    products = np.broadcast_to(input_scale * weights.scale, bias.shape)
    needed = int(np.floor(np.log2(products.max() / output.scale))) + 2
    largest = max(float(np.abs(bias / products).max()), 1.0)
    room = min(_spare_bits(weights), int(np.log2(MAX_BIAS / largest)))
    return min(needed + GUARD, room) if 0 < needed <= room else 0


def _spare_bits(weights: QConstant) -> int:
    """Return by how many bits all levels of a weight can be shifted within int8."""
    levels = (uniform_levels(weights.bits) if weights.codebook is None else weights.codebook).astype(np.int64)
    return next((n for n in range(MAX_FRACTION, 0, -1) if levels.min() << n >= -128 and levels.max() << n <= 127), 0)


def signs_only(graph: FloatGraph, name: str) -> bool:
    """Whether all that is ever taken of a value is its elements' signs."""
    readers = consumers(graph)[name]
    return (
        bool(readers)
        and name not in graph.outputs
        and all(isinstance(n.op, Binarize) or (n.op.only_moves and signs_only(graph, n.outputs[0])) for n in readers)
    )


def sign_bias(bias: Array, products: Array, output_scale: float) -> Reals:
    """Return the bias [channels] as a whole number of products that gives every sum the sign it has with the real one.

    A sum n of products counts as +1 where n products + bias > -output_scale / 2, which rounds to 0. With m output steps
    to a product: n > (-1/2 - bias / output_scale) / m =: t, or n > floor(t). A whole bias b gives n + b > -1/2 / m.
    """
    m = products / output_scale
    whole = np.floor(-0.5 / m) - np.floor((-0.5 - bias / output_scale) / m)
    return np.asarray(whole * products, np.float64)


def rounded(x: Array) -> Array:
    """Round half away from zero."""
    return np.asarray(np.copysign(np.floor(np.abs(x) + 0.5), x))


def time_scale(time: Array, bias: Array, units: int, state_scale: float) -> float:
    """Return the scale of an SVDF layer's weights along time with which no sum leaves int32, whatever is remembered.

    Args:
        time: real [filters, steps], the filters of a unit one after the other.
        bias: real [units].
        units: of the layer.
        state_scale: of what is remembered, int16.
    """
    sums = np.abs(time).reshape(units, -1).sum(axis=1) * 2.0**15 + np.abs(bias) / state_scale
    rounding = 2.0**15 * (time.size // units)  # of half a step each
    needed = float(sums.max()) / (2.0**31 - 1 - rounding)
    return max(needed, float(np.abs(time).max(initial=0)) / (2.0**15 - 1), 2.0**-30)
