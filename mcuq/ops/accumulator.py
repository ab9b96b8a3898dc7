"""What the layers that sum products share: the exact dot product, the overflow proof, channel multipliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import INT32_MAX, INT32_MIN, quantize_multipliers
from mcuq.ops.packing import MAX_PACKED_BITS, uniform_levels
from mcuq.tensor import Array, QConstant, QTensor

# float64 holds every integer below 2^53, so a BLAS product of int8 operands is exact for any length in use.
EXACT = np.float64
ROOM = 512  # beside int32's ends, for a zero point of 8 bits


def dot(x: Array, weights: Array) -> npt.NDArray[np.int64]:
    """Exact integer product ``x @ weights.T`` through BLAS.

    Args:
        x: [..., taps], integers of at most 16 bits.
        weights: [channels, taps], integers of at most 8 bits.
    """
    return np.asarray((x.astype(EXACT) @ weights.astype(EXACT).T), np.int64)


def check_accumulator(weights: Array, bias: Array, x: QTensor) -> npt.NDArray[np.int64]:
    """Prove that ``bias[c] + sum((x - zero_point) * weights[c])`` never leaves int32, in any order of summing.

    Every term's range contains 0, so the bounds of the full sum also bound every partial sum.

    Args:
        weights: int8 [channels, taps].
        bias: int32 [channels].
        x: the input tensor; all of its dtype's values are assumed possible.

    Returns:
        int64 [channels]: the largest magnitude of every sum.

    Raises:
        CannotQuantizeError: with the channel and the bound.
    """
    low, high = (limit - x.zero_point for limit in x.limits)
    positive = np.maximum(weights, 0).astype(np.int64).sum(axis=1)
    negative = np.minimum(weights, 0).astype(np.int64).sum(axis=1)
    largest = bias.astype(np.int64) + high * positive + low * negative
    smallest = bias.astype(np.int64) + low * positive + high * negative
    bad = np.flatnonzero((largest > INT32_MAX) | (smallest < INT32_MIN))
    if bad.size:
        c = int(bad[0])
        raise CannotQuantizeError(
            f"output channel {c} can sum to {smallest[c]}..{largest[c]}, outside int32; "
            "its bias or weight scale is wrong: quantize the model again"
        )
    return np.asarray(np.maximum(largest, -smallest), np.int64)


def check_room(bound: Array | int, multiplier: Array | int, shift: Array | int, room: int = ROOM) -> None:
    """Prove that a zero point can be added to every requantized value without leaving int32.

    :func:`requantize` of any int32, wrapped by a left shift or not, lies within the magnitude of the multiplier. Only
    one that is next to 2^31, a power of two by a shift or a quotient that saturates, leaves no room: then nothing may
    wrap or come near int32's ends.

    Args:
        bound: the largest magnitude of what is requantized, [channels] or one for all.
        multiplier: of :func:`quantize_multiplier`, [channels] or one.
        shift: the same.
        room: beside int32's ends, more than the magnitude of the zero point.

    Raises:
        CannotQuantizeError: it cannot be proven.
    """
    reached = np.asarray(bound, np.float64) * 2.0 ** np.maximum(np.asarray(shift, np.float64), 0)
    if np.any((np.abs(np.asarray(multiplier, np.int64)) > INT32_MAX - room) & (reached > INT32_MAX - room)):
        raise CannotQuantizeError(
            "its scales are so far apart that requantized sums leave int32; the scale of the output is wrong: "
            "quantize the model again"
        )


def refined(weights: QConstant, bias: Sequence[QConstant]) -> QConstant:
    """Return a layer's weights in the unit of its bias, which may be ``fraction`` bits finer than the products.

    The weights become 2^fraction times as large, their scales as much smaller. What is stored of up to 4 bits are
    indices of levels as before, now a codebook's; more are stored in bytes anyway.

    Raises:
        CannotQuantizeError: where int8 has no room.
    """
    fraction = bias[0].fraction if bias else 0
    if not fraction:
        return weights
    values, bits, codebook = _shifted(weights.values, fraction), weights.bits, weights.codebook
    if codebook is not None or bits <= MAX_PACKED_BITS:
        codebook = _shifted(uniform_levels(bits)[np.newaxis] if codebook is None else codebook, fraction)
    else:
        bits = 8
    return replace(weights, values=values, bits=bits, codebook=codebook, scale=weights.scale / 2**fraction)


def _shifted(values: Array, fraction: int) -> Array:
    wide = values.astype(np.int16) << fraction
    if wide.min(initial=0) < -128 or wide.max(initial=0) > 127:
        raise CannotQuantizeError(f"the bias is {fraction} bits finer than the products; the weights have no room")
    return wide.astype(np.int8)


def bias_or_zero(constants: tuple[QConstant, ...], channels: int) -> npt.NDArray[np.int32]:
    """Return the bias as int32 [channels]; zeros when the layer has none."""
    if not constants:
        return np.zeros(channels, np.int32)
    return constants[0].values.astype(np.int32).reshape(channels)


def counting(bias: Array, multiplier: Array) -> Array:
    """Return the bias where it counts: a channel whose multiplier is 0 makes the zero point of every sum.

    Dead channels come with biases that say nothing, up to -(2^31 - 1), at weight scales like 2e-22.

    Args:
        bias: int32 [channels].
        multiplier: int32 [channels] or [1].
    """
    return np.where(multiplier == 0, np.int32(0), bias)


def channel_multipliers(
    x: QTensor, weights: QConstant, output: QTensor
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """Multiplier and shift of ``s_in * s_w[c] / s_out``, one per channel or a single one.

    In double, factors in this order, as ``PopulateConvolutionQuantizationParams`` does for int8.

    Raises:
        CannotQuantizeError: for weights whose zero point is not 0.
    """
    if weights.zero_point != 0:
        raise CannotQuantizeError(f"weights have zero point {weights.zero_point}; it must be 0")
    return quantize_multipliers(x.scale * weights.scale / output.scale, by_shift=output.by_shift)
