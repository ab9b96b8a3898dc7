"""Fully connected kernels with 4-bit and 2-bit weights: a word of weights, two channels in one register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.kernels.lanes import vectors
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.kernels.lanes.conv2d_blocks import filled
from mcuq.kernels.lanes.conv2d_few_bits import WORD_WEIGHTS, chunks_fit, stored_bits
from mcuq.kernels.lanes.vectors import VectorsParams
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params, i32, i32_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class FullyConnectedW4LanesParams(VectorsParams):
    """Weights -8..7, eight channels at a time."""

    kernel: ClassVar[str] = "fully_connected_s8_w4_lanes"
    bits: ClassVar[int] = 4

    chunk: i32  # inputs whose products are summed in 16 bits
    weights: i32_table  # (output_c / 8 rounded up, input_c): 4 bits of each channel, 8 added

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return _scratch(self.input_c, self.chunk)

    def unpacked(self) -> Array:
        """See :meth:`VectorsParams.unpacked`."""
        return from_columns(self.weights, self.bits, self.output_c)


@dataclass(frozen=True, eq=False)
class FullyConnectedW2LanesParams(FullyConnectedW4LanesParams):
    """Weights -2..1, 16 channels at a time: (output_c / 16 rounded up, input_c) words, 2 bits of each, 2 added."""

    kernel: ClassVar[str] = "fully_connected_s8_w2_lanes"
    bits: ClassVar[int] = 2


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for vectors and weights that are integers of 2 or 4 bits, of a codebook or not, or None."""
    bits = stored_bits(layer.few_bits)
    served = vectors.served(layer.params) if bits else None
    if served is None:
        return None
    channels = served.channels
    size = channels.weights.shape[1]
    chunk = next(n for n in (-(-size // count) for count in range(1, size + 1)) if chunks_fit(channels.weights, n))
    if _scratch(size, chunk) > MAX_SCRATCH:
        return None
    kind = FullyConnectedW2LanesParams if bits == 2 else FullyConnectedW4LanesParams
    shared = vectors.members(layer.params, served)
    return kind(**shared, chunk=chunk, weights=in_columns(channels.weights, bits))


def in_columns(weights: Array, bits: int) -> Array:
    """Pack [channels, inputs] into words of one input and many channels; zeros fill up the channels.

    >>> [hex(word) for word in in_columns(np.array([[1, 2], [3, 4]], np.int8), 4).view(np.uint32).ravel().tolist()]
    ['0x888888b9', '0x888888ca']
    """
    count = WORD_WEIGHTS[bits]
    padded = np.pad(weights, ((0, filled(len(weights), count) - len(weights)), (0, 0)))
    blocks = padded.reshape(-1, count, padded.shape[1]).transpose(0, 2, 1).astype(np.int64) + (1 << (bits - 1))
    words = np.bitwise_or.reduce(blocks << np.arange(0, 32, bits), axis=2)
    return np.asarray(words.astype(np.uint32).view(np.int32))


def from_columns(words: Array, bits: int, channels: int) -> Array:
    """Undo :func:`in_columns`: [channels, inputs]."""
    fields = words.view(np.uint32)[..., np.newaxis] >> np.arange(0, 32, bits, dtype=np.uint32) & (2**bits - 1)
    signed = (fields.astype(np.int16) - (1 << (bits - 1))).astype(np.int8)
    rows: Array = signed.transpose(0, 2, 1).reshape(-1, words.shape[1])
    return rows[:channels]


def _scratch(inputs: int, chunk: int) -> int:
    return 4 * -(-inputs // chunk)
