"""Convolution with weights of codebooks for RV32IMC: pixels in lanes, two weights looked up at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mcuq.ops import conv2d_blocks_rv32
from mcuq.ops.base import Params, i8_table, i32, u8_table
from mcuq.ops.codebook_rv32 import levels_of, served, table_bytes
from mcuq.ops.conv2d_blocks_rv32 import Conv2dBlocksParams, filled
from mcuq.ops.conv2d_rv32 import pairs_fit
from mcuq.ops.packing import pack_bits, unpack_bits
from mcuq.ops.rv32 import MAX_SCRATCH
from mcuq.tensor import Array, QConstant

if TYPE_CHECKING:
    from mcuq.ops.conv2d import Conv2dParams


@dataclass(frozen=True, eq=False)
class Conv2dCodebook16Rv32Params(Conv2dBlocksParams):
    """Codebooks of 16 entries: a table of 512 bytes for each is made at every call."""

    kernel: ClassVar[str] = "conv2d_s8_cb16_rv32"
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
class Conv2dCodebook4Rv32Params(Conv2dCodebook16Rv32Params):
    """Codebooks of 4 entries: (output_c / 2, taps / 2) bytes, two taps of one channel, then of the next."""

    kernel: ClassVar[str] = "conv2d_s8_cb4_rv32"
    bits: ClassVar[int] = 2


def specialize(p: Conv2dParams, weights: QConstant, chip: str) -> Params | None:
    """Return the kernel for a convolution whose weights are entries of codebooks, or None."""
    coded = served(p, weights, conv2d_blocks_rv32.served(p, chip, keep_weights=True), Conv2dCodebook16Rv32Params.group)
    if coded is None or not pairs_fit(coded.layer.channels.weights):
        return None
    kind = Conv2dCodebook4Rv32Params if coded.bits == 2 else Conv2dCodebook16Rv32Params
    room = MAX_SCRATCH - table_bytes(coded.bits, len(coded.levels))
    blocks = conv2d_blocks_rv32.blocks_of(p, kind, room)
    if blocks is None:
        return None
    return kind(
        **conv2d_blocks_rv32.members(p, coded.layer, blocks),
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
