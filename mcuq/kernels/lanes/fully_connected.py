"""Fully connected kernel: weights four to a word, two channels in one register."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from mcuq.kernels.channels import Channels, Rounding, fast_channels, outputs, products_of
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.kernels.lanes.conv2d import pairs_fit, pointwise
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Overlap, Params, i8_table, i32, i32_table
from mcuq.ops.fully_connected import FullyConnectedParams
from mcuq.ops.products import Products
from mcuq.ops.window import Window, row_overlap
from mcuq.tensor import Array

BLOCK = 8  # channels
CHUNKS = (8, 4, 3, 1)  # inputs whose products are summed in 16 bits
MAX_CHUNK_SUM = 255  # of a chunk's weights: their products with any int8 then sum to an int16
EXTRA_BYTES = 8  # of flash, of a weight
NOTHING = np.zeros((0, 2), np.int64)
MAX_GROWTH = 0.04  # of flash, by weights that would make a chunk too large


@dataclass(frozen=True, eq=False)
class FullyConnectedLanesParams(Params):
    """Eight channels at a time; what makes a chunk of weights too large is kept apart, in ``extra``."""

    kernel: ClassVar[str] = "fully_connected_s8_lanes"

    batch: i32  # vectors
    input_c: i32
    output_c: i32
    chunk: i32  # inputs whose products are summed in 16 bits: 8, 4, 3 or 1
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    reverse: i32  # 1: last vector first, so that the output may lie behind the input
    weights: i32_table  # bytes (output_c / 8, input_c, 8), 128 added but for chunk 1; int8 (output_c % 8, input_c)
    extra: i32_table  # (n + 1, 2): channel, and input * 256 + weight + 128 to be added; the last channel: -1
    bias: i32_table  # (output_c), the input's zero point included
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return scratch_bytes(self.input_c, self.chunk)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return row_overlap(self.batch, self.input_c, self.batch, self.output_c, Window(1))

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return outputs(inputs[0].reshape(-1, self.input_c), self._products).reshape(len(inputs[0]), -1)

    @cached_property
    def _products(self) -> Products:
        packed = Packed(self.chunk, self.weights, self.extra)
        return products_of(self, packed.unpacked(self.output_c, self.input_c))


class Packed(NamedTuple):
    """A matrix as the kernel takes it: see the members of :class:`FullyConnectedLanesParams`."""

    chunk: int
    weights: Array
    extra: Array

    def unpacked(self, output_c: int, input_c: int) -> Array:
        """Return the weights, integers [output_c, input_c]."""
        raw = self.weights.astype("<i4").tobytes()
        blocks = output_c // BLOCK
        size = blocks * BLOCK * input_c
        bytewise = np.frombuffer(raw, np.uint8, size).reshape(blocks, input_c, BLOCK).transpose(0, 2, 1)
        blocked = bytewise.view(np.int8) if self.chunk == 1 else bytewise.astype(np.int16) - 128
        rows = np.frombuffer(raw, np.int8, output_c * input_c - size, size)
        weights = np.concatenate([blocked.astype(np.int16).reshape(-1, input_c), rows.reshape(-1, input_c)])
        for channel, what in self.extra[:-1]:
            weights[channel, what >> 8] += (what & 255) - 128
        return weights


def take(layer: Layer[FullyConnectedParams]) -> Params | None:
    """Return the kernel for a fully connected layer; several vectors are the pixels of a 1x1 convolution."""
    p = layer.params
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    channels = fast_channels(Channels(p.weights, p.bias, p.multiplier, p.shift), rounding)
    if channels is None:
        return None
    if p.batch > 1 and pairs_fit(channels.weights) and (params := pointwise(p.batch, channels, rounding)):
        return params
    return vectors(p.batch, channels, rounding)


def vectors(batch: int, channels: Channels, rounding: Rounding) -> Params | None:
    """Return the kernel for vectors one by one, or None: too few channels, weights too large, too much scratch."""
    packed = packed_for(channels.weights)
    if packed is None:
        return None
    output_c, input_c = channels.weights.shape
    return FullyConnectedLanesParams(
        batch=batch,
        input_c=input_c,
        output_c=output_c,
        chunk=packed.chunk,
        output_zero_point=rounding.output_zero_point,
        activation_min=rounding.low,
        activation_max=rounding.high,
        per_channel=int(channels.multiplier.size > 1),
        reverse=0,
        weights=packed.weights,
        extra=packed.extra,
        bias=channels.bias,
        multiplier=channels.multiplier,
        shift=channels.shift,
    )


def packed_for(weights: Array) -> Packed | None:
    """Pack a matrix in the longest chunks that it bears.

    Args:
        weights: int8 [channels, taps].

    Returns:
        None for too few channels, weights too large, too much scratch.
    """
    output_c, input_c = weights.shape
    blocked = output_c // BLOCK * BLOCK
    for chunk in CHUNKS:
        kept, extra = bounded(weights[:blocked], chunk) if chunk > 1 else (weights[:blocked], NOTHING)
        if (
            blocked
            and EXTRA_BYTES * len(extra) <= MAX_GROWTH * kept.size
            and scratch_bytes(input_c, chunk) <= MAX_SCRATCH
        ):
            ended = np.concatenate([extra, [[-1, 0]]]).astype(np.int32)
            return Packed(chunk, _packed(kept, weights[blocked:], chunk), ended)
    return None


def bounded(weights: Array, chunk: int) -> tuple[Array, Array]:
    """Make the weights of every chunk sum to at most 255; return them, and [n, 2] what was taken off as ``extra``.

    >>> bounded(np.array([[100, -120, 100, 5]], np.int8), 4)
    (array([[100, -50, 100,   5]], dtype=int8), array([[  0, 314]]))
    """
    kept, extra = weights.copy(), []
    sums = np.add.reduceat(np.abs(weights.astype(np.int64)), np.arange(0, weights.shape[1], chunk), axis=1)
    for channel, index in np.argwhere(sums > MAX_CHUNK_SUM).tolist():
        excess = int(sums[channel, index]) - MAX_CHUNK_SUM
        part = kept[channel, index * chunk : (index + 1) * chunk]
        for k in np.argsort(-np.abs(part.astype(np.int16)), kind="stable").tolist():
            taken = int(np.sign(part[k])) * min(abs(int(part[k])), excess, 127)
            if taken:
                part[k] -= taken
                excess -= abs(taken)
                extra.append((channel, (index * chunk + k) * 256 + taken + 128))
    return kept, np.array(extra, np.int64).reshape(-1, 2)


def _packed(blocked: Array, rows: Array, chunk: int) -> Array:
    """Words of bytes in the order the kernel reads them, little-endian as all chips here are."""
    blocks = blocked.reshape(-1, BLOCK, blocked.shape[1]).transpose(0, 2, 1)
    offset = 128 if chunk > 1 else 0
    raw = (blocks.astype(np.int16) + offset).astype(np.uint8).tobytes() + rows.tobytes()
    return np.frombuffer(raw + bytes(-len(raw) % 4), "<i4").astype(np.int32)


def scratch_bytes(input_c: int, chunk: int) -> int:
    """Return the bytes that a vector's chunks take: a word each, but for products one by one."""
    return 4 * -(-input_c // chunk) if chunk > 1 else 0
