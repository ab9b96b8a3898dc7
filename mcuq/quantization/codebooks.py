"""Codebooks of int8 entries: weights of a layer, or of a group of its channels, take one of 4 or 16 values each.

Channels keep their scales; what is clustered are weights divided by them, so that channels with large and with small
weights share a codebook well. Errors count as they show in the output: times the scale, and by the energy of the
inputs that the weights meet where that is known.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mcuq.errors import CannotQuantizeError
from mcuq.ops.packing import uniform_levels
from mcuq.quantization.arrays import kmeans_quantize
from mcuq.quantization.biases import MAX_FRACTION
from mcuq.quantization.scheme import Scheme
from mcuq.tensor import Array, QConstant

Reals = npt.NDArray[np.float64]
LIMIT = 127


def with_codebook(weights: QConstant, real: Array, scheme: Scheme, energy: Reals | None = None) -> QConstant:
    """Return weights whose integers are entries of a codebook.

    Args:
        weights: int8 of 8 bits; their scales stay.
        real: the weights before quantization, same shape.
        scheme: number of entries, and of channels that share them.
        energy: what a squared error of each weight counts, shape [channels, taps] or [1, taps]; None: all the same.

    Raises:
        CannotQuantizeError: for more entries than weights that share them.
    """
    rows = np.moveaxis(real.astype(np.float64), weights.axis, 0)
    flat = rows.reshape(len(rows), -1)
    scale = np.broadcast_to(weights.scale, len(flat))[:, np.newaxis]
    wanted = np.clip(flat / scale, -LIMIT, LIMIT)
    counts = np.broadcast_to(scale**2 * (1.0 if energy is None else energy), flat.shape)
    size = scheme.codebook_channels or len(flat)
    books = [
        _codebook(wanted[first : first + size], counts[first : first + size], scheme.codebook)
        for first in range(0, len(flat), size)
    ]
    per_channel = np.repeat(books, size, axis=0)[: len(flat)]
    values = nearest(wanted, per_channel).astype(np.int8).reshape(rows.shape)
    return replace(
        weights,
        values=np.ascontiguousarray(np.moveaxis(values, 0, weights.axis)),
        bits=scheme.index_bits,
        codebook=np.stack(books).astype(np.int8) if len(books) == 1 else per_channel.astype(np.int8),
    )


def raised(weights: QConstant, least: Reals) -> QConstant:
    """Return integers with scales of at least ``least`` [channels]: in channels whose own is below, the nearest levels.

    Such a channel is its bias, next to which the products do not count; at its own scale the bias would leave int32.
    Where there is a level 0 the scale is larger still, so that the bias may be finer than the products.
    """
    channels = weights.shape[weights.axis]
    low = np.broadcast_to(weights.scale < least, channels)
    if not low.any():
        return weights
    levels = uniform_levels(weights.bits)[np.newaxis] if weights.codebook is None else weights.codebook
    room = np.where((levels == 0).any(axis=1), 2.0**MAX_FRACTION, 1.0)
    own = np.broadcast_to(weights.scale, channels)
    scale = np.where(low, least * room, own)
    rows = np.moveaxis(weights.values, weights.axis, 0)
    flat = rows.reshape(channels, -1)
    found = nearest(flat * (own / scale)[:, np.newaxis], np.broadcast_to(levels, (channels, levels.shape[1])))
    values = np.where(low[:, np.newaxis], found, flat).astype(weights.values.dtype).reshape(rows.shape)
    return replace(weights, values=np.ascontiguousarray(np.moveaxis(values, 0, weights.axis)), scale=scale)


def nearest(wanted: Reals, levels: Array) -> Reals:
    """Return the levels next to some numbers.

    Args:
        wanted: [..., n].
        levels: [..., entries], every row rising.
    """
    best = np.broadcast_to(levels[..., :1], wanted.shape).astype(np.float64)
    for entry in np.moveaxis(levels, -1, 0)[1:]:
        level = entry[..., np.newaxis].astype(np.float64)
        best = np.where(np.abs(level - wanted) < np.abs(best - wanted), level, best)
    return np.asarray(best)


def neighbours(wanted: Reals, levels: Array) -> tuple[Reals, Reals]:
    """Return the next level at or below some numbers, and the next one above; the outermost beyond the ends."""
    rising = np.moveaxis(levels, -1, 0)[..., np.newaxis].astype(np.float64)
    lower = np.broadcast_to(rising[0], wanted.shape)
    for level in rising:
        lower = np.where(level <= wanted, level, lower)
    upper = np.broadcast_to(rising[-1], wanted.shape)
    for level in rising[::-1]:
        upper = np.where(level > lower, level, upper)
    return np.asarray(lower), np.asarray(upper)


def _codebook(wanted: Reals, counts: Reals, entries: int) -> npt.NDArray[np.int64]:
    """Return the entries, rising; weights that are 0 (those of dead filters) stay so. Equal entries fill the rest."""
    if wanted.size < entries:
        raise CannotQuantizeError(
            f"a codebook of {entries} entries is larger than the {wanted.size} weights that use it"
        )
    centroids, _ = kmeans_quantize(wanted, entries, counts)
    rounded = np.rint(centroids).astype(np.int64)
    if np.any(wanted == 0):
        rounded[np.abs(centroids).argmin()] = 0
    return np.sort(np.pad(rounded, (0, entries - rounded.size), mode="edge"))
