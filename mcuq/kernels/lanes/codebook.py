"""What the lanes kernels of codebooks share: layers that they take, tables (``mcuq_codebook_table.h``)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mcuq.kernels.channels import Served
from mcuq.kernels.layer import Layer
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.packing import pack, unpack_bits
from mcuq.tensor import Array


class Coded(NamedTuple):
    """A layer whose weights are entries of codebooks."""

    layer: Served
    bits: int  # of an index: 2 or 4
    indices: Array  # uint8 [output channels, taps]
    levels: Array  # int8 [codebooks, 2^bits]
    codebook: Array  # uint8 [output channels] or [1]

    def members(self) -> dict[str, Any]:
        """Return the members that all kernels have of their codebooks."""
        per_group = int(self.codebook.size > 1)
        return {
            "codebooks": len(self.levels),
            "per_group": per_group,
            "levels": self.levels,
            "codebook": self.codebook,
        }


def served(layer: Layer[Conv2dParams], channels: Served | None, group: int) -> Coded | None:
    """Return a layer as the kernels take it, or None.

    Args:
        layer: the layer.
        channels: its channels, their weights as they are.
        group: neighbouring channels that must have the same codebook.
    """
    weights, rows = layer.few_bits, layer.params.weights.reshape(layer.params.output_c, -1)
    packed = pack(rows, weights) if channels and weights else None
    if channels is None or packed is None or packed.bits == 1:
        return None
    if any(len(set(packed.codebook[i : i + group])) > 1 for i in range(0, packed.codebook.size, group)):
        return None
    indices = unpack_bits(packed.weights, packed.bits, rows.shape[1])
    return Coded(channels, packed.bits, indices, packed.levels, packed.codebook)


def table_bytes(bits: int, codebooks: int) -> int:
    """Bytes of the tables of all codebooks: two levels for every two indices.

    >>> table_bytes(4, 1), table_bytes(2, 3)
    (512, 96)
    """
    return int(2 * 4**bits * codebooks)


def levels_of(indices: Array, levels: Array, codebook: Array) -> Array:
    """Look up: int8 [channels, taps]."""
    own = np.broadcast_to(levels[codebook], (len(indices), levels.shape[1]))
    return np.take_along_axis(own, indices.astype(np.intp), axis=1)
