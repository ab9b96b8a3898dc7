"""Convolution with weights of codebooks: pixels in lanes, two weights looked up at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.kernels.lanes import conv2d_blocks
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.kernels.lanes.codebook import levels_of, served, table_bytes
from mcuq.kernels.lanes.conv2d import pairs_fit
from mcuq.kernels.lanes.conv2d_blocks import Conv2dBlocksParams, filled
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params, i8_table, i32, u8_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.packing import pack_bits, unpack_bits
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class Conv2dCodebook16LanesParams(Conv2dBlocksParams):
    """Codebooks of 16 entries: a table of 512 bytes for each is made at every call."""

    kernel: ClassVar[str] = "conv2d_s8_cb16_lanes"
    group: ClassVar[int] = 2
    grain: ClassVar[int] = 2
    bits: ClassVar[int] = 4

    codebooks: i32
    per_group: i32  # 1: each output channel says which levels are its, 0: all have the same
    weights: u8_table  # (output_c / 2, taps / 2, 2), rounded up: indices of two taps, the first one in the lowest bits
    levels: i8_table  # (codebooks, 16)
    codebook: u8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return table_bytes(self.bits, self.codebooks) + super().scratch_bytes

    def unpacked(self) -> Array:
        """See :meth:`Conv2dBlocksParams.unpacked`."""
        indices = from_pairs(self.weights, self.bits, self.output_c, self.taps)
        return levels_of(indices, self.levels, self.codebook)


@dataclass(frozen=True, eq=False)
class Conv2dCodebook4LanesParams(Conv2dCodebook16LanesParams):
    """Codebooks of 4 entries: (output_c / 2, taps / 2) bytes, two taps of one channel, then of the next."""

    kernel: ClassVar[str] = "conv2d_s8_cb4_lanes"
    bits: ClassVar[int] = 2


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution whose weights are entries of codebooks, or None."""
    p = layer.params
    coded = served(layer, conv2d_blocks.served(p, keep_weights=True), Conv2dCodebook16LanesParams.group)
    if coded is None or not pairs_fit(coded.layer.channels.weights):
        return None
    kind = Conv2dCodebook4LanesParams if coded.bits == 2 else Conv2dCodebook16LanesParams
    room = MAX_SCRATCH - table_bytes(coded.bits, len(coded.levels))
    blocks = conv2d_blocks.blocks_of(p, kind, room)
    if blocks is None:
        return None
    return kind(
        **conv2d_blocks.members(p, coded.layer, blocks),
        **coded.members(),
        chunks=filled(coded.indices.shape[1], kind.grain) // 2,
        weights=in_pairs(coded.indices, coded.bits),
    )


def in_pairs(indices: Array, bits: int) -> Array:
    """Pack [channels, taps]: two taps of two channels side by side.

    >>> in_pairs(np.array([[0, 1, 2, 3], [3, 2, 1, 0]], np.uint8), 2).tolist()
    [[180, 30]]
    """
    even = np.pad(indices, ((0, len(indices) % 2), (0, indices.shape[1] % 2)))
    pairs = even.reshape(len(even) // 2, 2, -1, 2).transpose(0, 2, 1, 3)
    return pack_bits(pairs.reshape(len(pairs), -1), bits)


def from_pairs(pairs: Array, bits: int, channels: int, taps: int) -> Array:
    """Undo :func:`in_pairs`: indices [channels, taps]."""
    flat = unpack_bits(pairs, bits, pairs.shape[1] * 8 // bits)
    rows = flat.reshape(len(flat), -1, 2, 2).transpose(0, 2, 1, 3).reshape(2 * len(flat), -1)
    return rows[:channels, :taps]
