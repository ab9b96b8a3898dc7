"""Weights of 1, 2 or 4 bits as kernels read them: indices into a table of int8 levels, several to a byte.

Uniform weights have all integers of their bits as levels, a codebook's are its entries: one layout for both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcuq.errors import CannotQuantizeError
from mcuq.tensor import Array, QConstant

Bytes = npt.NDArray[np.uint8]
MAX_PACKED_BITS = 4  # of a weight; those of more are stored in bytes
MAX_CODEBOOKS = 256  # of a layer: which one a channel uses is a byte


class Packed(NamedTuple):
    """A layer's weights, packed."""

    bits: int  # 1, 2 or 4
    weights: Bytes  # [channels, bytes of a filter]: indices, the first one in the lowest bits
    levels: npt.NDArray[np.int8]  # [codebooks, 2^bits]
    codebook: Bytes  # [channels] or [1]: a channel's row of the levels


def pack(rows: Array, weights: QConstant) -> Packed | None:
    """Pack the weights of a layer; None for those that need a byte each.

    Args:
        rows: int8 [output channels, taps], the values in the order the kernel wants.
        weights: what they come from.

    Raises:
        CannotQuantizeError: see :func:`check_values`.
    """
    check_values(rows, weights)
    if weights.bits > MAX_PACKED_BITS:
        return None
    bits = stored_bits(weights.bits)
    if weights.codebook is None:
        levels = uniform_levels(bits)
        indices = np.searchsorted(levels, rows.astype(np.int8))
        return Packed(bits, pack_bits(indices, bits), levels[np.newaxis], np.zeros(1, np.uint8))
    levels, codebook = np.unique(weights.codebook, axis=0, return_inverse=True)
    indices = np.stack([np.searchsorted(own, row) for own, row in zip(_rows_of(weights, len(rows)), rows, strict=True)])
    padded = np.pad(levels, ((0, 0), (0, 2**bits - levels.shape[1])), mode="edge").astype(np.int8)
    return Packed(bits, pack_bits(indices, bits), padded, codebook.ravel().astype(np.uint8))


def stored_bits(bits: int) -> int:
    """Return the bits that a weight of 1 to 4 bits takes.

    >>> [stored_bits(bits) for bits in (1, 2, 3, 4)]
    [1, 2, 4, 4]
    """
    return 4 if bits == 3 else bits


def uniform_levels(bits: int) -> npt.NDArray[np.int8]:
    """Return all integers of so many bits, rising.

    >>> uniform_levels(2).tolist(), uniform_levels(1).tolist()
    ([-2, -1, 0, 1], [-1, 1])
    """
    return np.array([-1, 1], np.int8) if bits == 1 else np.arange(-(2 ** (bits - 1)), 2 ** (bits - 1), dtype=np.int8)


def check_values(rows: Array, weights: QConstant) -> None:
    """Refuse values that the bits or the codebook of a constant do not have, and more codebooks than are stored.

    Args:
        rows: int8 [output channels, taps], the values.
        weights: what they come from.

    Raises:
        CannotQuantizeError: naming the value.
    """
    if weights.codebook is None and weights.bits == 8:
        return
    if weights.codebook is None:
        levels = uniform_levels(weights.bits)
        if not np.isin(rows, levels).all():
            worst = rows.ravel()[np.where(np.isin(rows, levels), 0, np.abs(rows.astype(np.int64) + 0.5)).argmax()]
            allowed = "-1 and 1" if weights.bits == 1 else f"{levels[0]}..{levels[-1]}"
            raise CannotQuantizeError(f"a weight is {worst}, outside {allowed} of its {weights.bits} bits")
        return
    if len(weights.codebook) not in (1, len(rows)) or weights.codebook.shape[1] > 2**weights.bits:
        raise CannotQuantizeError(
            f"a codebook of {weights.codebook.shape} for {len(rows)} channels, {weights.bits} bits"
        )
    for channel, (own, row) in enumerate(zip(_rows_of(weights, len(rows)), rows, strict=True)):
        if not np.isin(row, own).all():
            raise CannotQuantizeError(f"output channel {channel} has a weight that is not in its codebook")
    codebooks = len(np.unique(weights.codebook, axis=0))
    if weights.bits <= MAX_PACKED_BITS and codebooks > MAX_CODEBOOKS:
        raise CannotQuantizeError(f"{codebooks} codebooks in one layer; at most {MAX_CODEBOOKS}")


def unpack(packed: Packed, taps: int) -> npt.NDArray[np.int8]:
    """Undo :func:`pack`: [channels, taps]."""
    indices = unpack_bits(packed.weights, packed.bits, taps)
    levels = np.broadcast_to(packed.levels[packed.codebook], (len(indices), packed.levels.shape[1]))
    return np.take_along_axis(levels, indices.astype(np.intp), axis=1)


def pack_bits(indices: Array, bits: int) -> Bytes:
    """Pack [rows, n] into bytes, each row from a byte of its own on.

    >>> pack_bits(np.array([[1, 2, 3], [15, 0, 7]]), 4).tolist()
    [[33, 3], [15, 7]]
    """
    per_byte = 8 // bits
    padded = np.pad(indices.astype(np.uint8), ((0, 0), (0, -indices.shape[1] % per_byte)))
    shifts = np.arange(per_byte, dtype=np.uint8) * np.uint8(bits)
    return np.asarray(np.bitwise_or.reduce(padded.reshape(len(padded), -1, per_byte) << shifts, axis=2), np.uint8)


def unpack_bits(packed: Bytes, bits: int, count: int) -> Bytes:
    """Undo :func:`pack_bits`.

    >>> unpack_bits(np.array([[33, 3]], np.uint8), 4, 3).tolist()
    [[1, 2, 3]]
    """
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    indices = packed[:, :, np.newaxis] >> shifts & np.uint8(2**bits - 1)
    return np.asarray(indices.reshape(len(packed), -1)[:, :count], np.uint8)


def _rows_of(weights: QConstant, channels: int) -> Array:
    assert weights.codebook is not None
    return np.broadcast_to(weights.codebook, (channels, weights.codebook.shape[1]))
