"""A factor per output channel taken into a layer's weights, of real numbers or of integers that are to stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mcuq.ops.packing import MAX_PACKED_BITS, uniform_levels
from mcuq.tensor import Array, QConstant

NOTHING = 1e-30  # a factor of 0: a scale must be positive


def scaled(weights: Array | QConstant, factor: Array, axis: int) -> Array | QConstant | None:
    """Return weights times a factor per index along ``axis``; None for integers that cannot take it.

    Of integers the scales take the factor, and a negative factor turns their signs. -2^(b-1), which has no opposite of
    b bits, may become 2^(b-1):

    - up to 4 bits are stored as indices of levels anyway: the weights get a codebook, per channel all integers of b
      bits or their opposites;
    - 5 to 7 bits are stored in bytes: the weights get a bit more;
    - -128 cannot be turned: None.
    """
    if not isinstance(weights, QConstant):
        return weights * _along(axis, weights.shape, factor)
    if weights.zero_point or weights.values.dtype != np.int8 or (weights.scale.size > 1 and weights.axis != axis):
        return None
    scale = weights.scale * np.maximum(np.abs(factor), NOTHING)
    return _turned(replace(weights, scale=scale, axis=axis), factor < 0)


def _turned(weights: QConstant, negative: Array) -> QConstant | None:
    """Return the opposite integers in some channels, [channels] bool; None where one is no int8."""
    if not negative.any():
        return weights
    sign = _along(weights.axis, weights.shape, np.where(negative, -1, 1).astype(np.int16))
    values, bits, codebook = weights.values * sign, weights.bits, weights.codebook
    levels = uniform_levels(bits).astype(np.int16)[np.newaxis] if codebook is None else codebook.astype(np.int16)
    if codebook is not None or (values.max() > levels.max() and bits <= MAX_PACKED_BITS):
        codebook = np.where(negative[:, np.newaxis], -levels[:, ::-1], levels)
    elif values.max() > levels.max():
        bits += 1
    if max(values.max(), levels.max() if codebook is None else codebook.max()) > np.iinfo(np.int8).max:
        return None
    book = None if codebook is None else codebook.astype(np.int8)
    return replace(weights, values=values.astype(np.int8), bits=bits, codebook=book)


def _along(axis: int, shape: Sequence[int], per_channel: Array) -> Array:
    return per_channel.reshape([-1 if d == axis else 1 for d in range(len(shape))])
