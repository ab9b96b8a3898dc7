"""Fully connected kernels with weights of codebooks: two weights looked up at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.kernels.lanes import vectors
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.kernels.lanes.codebook import levels_of, served, table_bytes
from mcuq.kernels.lanes.conv2d_blocks import filled
from mcuq.kernels.lanes.vectors import VectorsParams
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params, i8_table, i32, u8_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.packing import pack_bits, unpack_bits
from mcuq.tensor import Array

BLOCK = 8  # channels


@dataclass(frozen=True, eq=False)
class FullyConnectedCodebook16LanesParams(VectorsParams):
    """Codebooks of 16 entries: a table of 512 bytes for each is made at every call."""

    kernel: ClassVar[str] = "fully_connected_s8_cb16_lanes"
    bits: ClassVar[int] = 4

    codebooks: i32
    per_group: i32  # 1: each output channel says which levels are its, 0: all have the same
    weights: u8_table  # (output_c / 8 rounded up, input_c, 4): indices of eight channels
    levels: i8_table  # (codebooks, 16)
    codebook: u8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return table_bytes(self.bits, self.codebooks)

    def unpacked(self) -> Array:
        """See :meth:`VectorsParams.unpacked`."""
        columns = unpack_bits(self.weights.reshape(-1, self.bits), self.bits, BLOCK)
        indices = columns.reshape(-1, self.input_c, BLOCK).transpose(0, 2, 1).reshape(-1, self.input_c)
        return levels_of(indices[: self.output_c], self.levels, self.codebook)


@dataclass(frozen=True, eq=False)
class FullyConnectedCodebook4LanesParams(FullyConnectedCodebook16LanesParams):
    """Codebooks of 4 entries: (output_c / 8 rounded up, input_c, 2) bytes of indices, tables of 32 bytes."""

    kernel: ClassVar[str] = "fully_connected_s8_cb4_lanes"
    bits: ClassVar[int] = 2


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for vectors and weights that are entries of codebooks, or None."""
    coded = served(layer, vectors.served(layer.params, keep_weights=True), BLOCK)
    if coded is None or table_bytes(coded.bits, len(coded.levels)) > MAX_SCRATCH:
        return None
    kind = FullyConnectedCodebook4LanesParams if coded.bits == 2 else FullyConnectedCodebook16LanesParams
    indices = in_blocks(coded.indices, coded.bits)
    return kind(**vectors.members(layer.params, coded.layer), **coded.members(), weights=indices)


def in_blocks(indices: Array, bits: int) -> Array:
    """Pack [channels, inputs]: per eight channels, per input a few bytes.

    >>> in_blocks(np.array([[1, 2], [3, 4]], np.uint8), 4).tolist()
    [[[49, 0, 0, 0], [66, 0, 0, 0]]]
    """
    padded = np.pad(indices, ((0, filled(len(indices), BLOCK) - len(indices)), (0, 0)))
    blocks = padded.reshape(-1, BLOCK, padded.shape[1]).transpose(0, 2, 1)
    return pack_bits(blocks.reshape(-1, BLOCK), bits).reshape(len(blocks), -1, bits)
