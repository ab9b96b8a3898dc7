"""What layers that run step by step share: states beside their output, products of gates in 16 bits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.accumulator import bias_or_zero, channel_multipliers, check_accumulator
from mcuq.ops.base import Op, Operand, Real, scale_of
from mcuq.ops.int16 import GATE_SCALE
from mcuq.tensor import Array, QConstant, QTensor


class RecurrentOp(Op):
    """An operator that computes one step after the other, each from its input and what the last one left."""


class Products(NamedTuple):
    """The sums of products of all gates, in 16 bits at the scale of their functions' input."""

    weights: Array
    bias: Array
    multiplier: Array
    shift: Array


def gate_products(x: Operand, weights: QConstant, *bias: QConstant) -> Products:
    """Return how products with an int8 operand become Q3.12; the bias takes in the operand's zero point.

    Raises:
        CannotQuantizeError: for accumulators that can leave int32, scales along another dimension than 0, zero points.
    """
    if weights.scale.size > 1 and weights.axis != 0:
        raise CannotQuantizeError(f"weights have scales along dimension {weights.axis}; it must be 0")
    channels = len(weights.values)
    tensor = x if isinstance(x, QTensor) else QTensor(x.shape, scale_of(x), x.zero_point)
    own = bias_or_zero(bias, channels)
    check_accumulator(weights.values, own, tensor)
    multiplier, shift = channel_multipliers(tensor, weights, QTensor((), GATE_SCALE, 0))
    folded = own - tensor.zero_point * weights.values.astype(np.int64).sum(axis=1)
    return Products(
        weights.values.astype(np.int8),
        folded.astype(np.int32),
        np.broadcast_to(multiplier, channels).copy(),
        np.broadcast_to(shift, channels).copy(),
    )


def real_logistic(x: Real) -> Real:
    """Return the logistic function of real values."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))
