"""What kernels in C share: channels that the fast requantize serves, and overlap tile by tile."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mcuq.fixedpoint import INT32_MAX, INT32_MIN, clamp, requantize
from mcuq.ops.base import Overlap
from mcuq.ops.gru import GruParams
from mcuq.ops.lstm import LstmParams
from mcuq.ops.products import Products, scaling_of
from mcuq.ops.rnn import RnnParams
from mcuq.ops.taps import Sliding
from mcuq.tensor import Array

FAST_LIMIT = 1 << 29  # of accumulators
FAST_EXPONENTS = (1, 21)
INT8 = (-128, 127)


class Rounding(NamedTuple):
    """How accumulators become outputs: zero points and limits."""

    input_zero_point: int
    output_zero_point: int
    low: int
    high: int


class Channels(NamedTuple):
    """Output channels whose accumulators are ``bias + sum of x * weights``, x as it comes, zero point and all.

    Every one of them meets what ``mcuq_requantize_fast`` asks for.
    """

    weights: Array  # int8 [channels, taps]
    bias: Array  # int32 [channels]
    multiplier: Array  # int32 [channels] or [1]
    shift: Array  # int8 [channels] or [1]


def fast_channels(
    channels: Channels, rounding: Rounding, exponents: tuple[int, int] = FAST_EXPONENTS
) -> Channels | None:
    """Fold the input's zero point into the bias; prove that the fast requantize serves every channel.

    A channel whose output is the same for every input (filters of zeros often have a bias and a multiplier that the
    fast requantize does not cover) becomes one of zero weights, with a bias that gives this output. Sums may wrap on
    their way, being taken modulo 2^32: only their result is bounded.

    Args:
        channels: as they come.
        rounding: of the layer.
        exponents: of right shifts that the kernel's requantize serves; accumulators have to bear those to the left.

    Returns:
        None when some channel cannot be served.
    """
    low, high = _accumulator_range(channels, rounding.input_zero_point)
    bias = channels.bias.astype(np.int64) - rounding.input_zero_point * channels.weights.sum(axis=1, dtype=np.int64)
    multiplier = np.broadcast_to(channels.multiplier, bias.shape).copy()
    shift = np.broadcast_to(channels.shift, bias.shape).copy()
    first, last = (output_of(acc, multiplier, shift, rounding) for acc in (low, high))
    exponent = -shift.astype(np.int64)
    fast = (exponent >= exponents[0]) & (exponent <= exponents[1]) & (multiplier >= 0)
    fast &= np.maximum(-low, high) < FAST_LIMIT >> np.maximum(-exponent, 0)
    fast &= (bias >= INT32_MIN) & (bias <= INT32_MAX)
    # outputs rise with the accumulator, where a left shift does not wrap
    constant = (low == high) | ((first == last) & (multiplier >= 0) & (exponent >= 0))
    if not np.all(fast | constant):
        return None
    if np.all(fast):
        return Channels(channels.weights, bias.astype(np.int32), channels.multiplier, channels.shift)
    fixed = constant & ~fast
    weights = np.where(fixed[:, np.newaxis], 0, channels.weights).astype(np.int8)
    bias[fixed] = 4 * (first[fixed].astype(np.int64) - rounding.output_zero_point)  # times 1/4: see the next two lines
    multiplier[fixed] = 1 << 30
    shift[fixed] = -1
    return Channels(weights, bias.astype(np.int32), multiplier, shift)


class Served(NamedTuple):
    """Channels of a kernel that has the general requantize beside the fast one."""

    channels: Channels
    general: int  # 1: some channel needs it


def any_channels(
    channels: Channels, rounding: Rounding, keep_weights: bool, exponents: tuple[int, int] = FAST_EXPONENTS
) -> Served | None:
    """Fold the input's zero point into the bias, and say which requantize serves the channels.

    Args:
        channels: as they come.
        rounding: of the layer.
        keep_weights: constant channels are not to become ones of zero weights.
        exponents: see :func:`fast_channels`.

    Returns:
        None where a bias leaves int32.
    """
    fast = fast_channels(channels, rounding, exponents)
    if fast and not (keep_weights and (fast.weights != channels.weights).any()):
        return Served(fast, 0)
    bias = channels.bias.astype(np.int64) - rounding.input_zero_point * channels.weights.sum(axis=1, dtype=np.int64)
    if bias.min() < INT32_MIN or bias.max() > INT32_MAX:
        return None
    return Served(channels._replace(bias=bias.astype(np.int32)), 1)


def is_fast(channels: Channels) -> bool:
    """Whether ``mcuq_requantize_fast`` serves all channels, whose inputs are any int8."""
    exponent = -channels.shift.astype(np.int64)
    low, high = _accumulator_range(channels, 0)
    served = (exponent >= FAST_EXPONENTS[0]) & (exponent <= FAST_EXPONENTS[1]) & (channels.multiplier >= 0)
    return bool(np.all(served) and max(-low.min(), high.max()) < FAST_LIMIT)


def _accumulator_range(channels: Channels, zero_point: int) -> tuple[Array, Array]:
    low, high = (limit - zero_point for limit in INT8)
    positive = np.maximum(channels.weights, 0).sum(axis=1, dtype=np.int64)
    negative = np.minimum(channels.weights, 0).sum(axis=1, dtype=np.int64)
    bias = channels.bias.astype(np.int64)
    return bias + low * positive + high * negative, bias + high * positive + low * negative


def output_of(acc: Array, multiplier: Array, shift: Array, rounding: Rounding) -> Array:
    """Turn accumulators [..., channels] into outputs."""
    return clamp(requantize(acc, multiplier, shift) + rounding.output_zero_point, rounding.low, rounding.high)


def products_of(params: Any, weights: Array) -> Products:
    """Prepare a layer in whose bias the input's zero point is; weights int8 [channels, taps]."""
    return Products(weights, params.bias, 0, scaling_of(params))


def outputs(x: Array, products: Products) -> Array:
    """Compute [..., taps], int8, to [..., channels]."""
    rows = np.ascontiguousarray(x).reshape(-1, x.shape[-1]).astype(products.dtype)
    return products.of(rows).reshape(*x.shape[:-1], -1)


def window_bytes(sliding: Sliding, image: tuple[int, int, int]) -> tuple[Array, Array]:
    """Return per output pixel the first byte of the input (rows, columns, channels) it needs, and one past the last."""
    rows, columns, channels = image
    y, x = np.divmod(np.arange(sliding.output[0] * sliding.output[1]), sliding.output[1])
    (top, bottom), (left, right) = (
        _span(n * stride - origin, (window - 1) * dilation, size - 1)
        for n, window, stride, origin, dilation, size in zip(
            (y, x), sliding.window, sliding.stride, sliding.origin, sliding.dilation, (rows, columns), strict=True
        )
    )
    needed = (top <= bottom) & (left <= right)
    first = np.where(needed, (top * columns + left) * channels, rows * columns * channels)
    return first, np.where(needed, (bottom * columns + right + 1) * channels, 0)


def _span(origin: Array, reach: int, last: int) -> tuple[Array, Array]:
    """Return the first and the last row or column that windows need, as far as they lie inside."""
    return np.maximum(origin, 0), np.minimum(origin + reach, last)


def tile_overlap(needed: tuple[Array, Array], pixel_bytes: int, starts: Array, *, buffered: bool) -> Overlap:
    """Return how near the output of a kernel may come to its input that works tile by tile.

    Args:
        needed: see :func:`window_bytes`.
        pixel_bytes: of the output.
        starts: first pixel of every tile.
        buffered: whether a tile's input is read before any of its output is written.
    """
    bounds = np.append(starts, len(needed[0])) * pixel_bytes
    read = np.minimum.reduceat(needed[0], starts), np.maximum.reduceat(needed[1], starts)
    return ordered_overlap(read, (bounds[:-1], bounds[1:]), buffered=buffered)


def ordered_overlap(read: tuple[Array, Array], written: tuple[Array, Array], *, buffered: bool) -> Overlap:
    """Return how near the output may come to the input for a kernel that works part by part.

    Args:
        read: per part the first byte of the input that it needs, and one past the last.
        written: the same of the output.
        buffered: whether a part's input is read before any of its output is written.
    """
    first = np.minimum.accumulate(read[0][::-1])[::-1]  # needed by a part or later ones
    end = np.maximum.accumulate(read[1])  # by a part or earlier ones
    if buffered:
        before, after = written[1][:-1] - first[1:], end[:-1] - written[0][1:]
    else:
        before, after = written[1] - first, end - written[0]
    return Overlap(int(before.max(initial=0)), int(after.max(initial=0)))


def gate_products(p: LstmParams | GruParams | RnnParams) -> tuple[Channels, Channels]:
    """Return the products of all gates with the input and with the hidden state."""
    channels = p.bias.size
    fed = p.weights.reshape(channels, -1), p.bias, p.multiplier, p.shift
    recurring = p.recurrent.reshape(channels, -1), p.recurrent_bias, p.recurrent_multiplier, p.recurrent_shift
    return Channels(*fed), Channels(*recurring)


def bytes_beside(overlap: Overlap | None, input_bytes: int, output_bytes: int) -> int:
    """Return the bytes that input and output take together beside the larger of them, as near as they may be."""
    sides = [input_bytes + output_bytes]
    if overlap is not None and overlap.before is not None:
        sides.append(max(input_bytes + overlap.before, output_bytes))
    if overlap is not None and overlap.after is not None:
        sides.append(max(input_bytes, output_bytes + overlap.after))
    return min(sides) - max(input_bytes, output_bytes)
