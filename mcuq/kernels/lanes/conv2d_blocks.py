"""Convolution with eight pixels in lanes, some taps by some channels at a time (``mcuq_lanes_blocks.h``)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mcuq.kernels.channels import (
    Channels,
    Rounding,
    Served,
    any_channels,
    outputs,
    products_of,
    tile_overlap,
    window_bytes,
)
from mcuq.ops.base import Overlap, Params, i8_table, i32, i32_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.products import Products
from mcuq.ops.taps import Sliding, taps
from mcuq.tensor import Array

MIN_PIXELS = 3  # with fewer, half of the least tile is thrown away
PAIR = 2  # pixels
WORD_BYTES = 4
JOIN_COST = 5.0  # instructions per tap of a pixel that is joined
SUM_COST = 3.5  # per sum of a pixel that waits for more taps, its share of a call included
PASS_COST = 150.0  # per tile and block of channels
WORTH = 0.02  # instructions per multiplication: fewer do not pay for more scratch


@dataclass(frozen=True, eq=False)
class Conv2dBlocksParams(Params):
    """Any window of one group: what the kernels have in common, whatever their weights."""

    group: ClassVar[int]  # channels whose weights lie side by side
    grain: ClassVar[int]  # taps that weights are filled up to

    input_h: i32
    input_w: i32
    input_c: i32
    output_h: i32
    output_w: i32
    output_c: i32
    filter_h: i32
    filter_w: i32
    stride_h: i32
    stride_w: i32
    dilation_h: i32
    dilation_w: i32
    pad_top: i32
    pad_left: i32
    input_zero_point: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    pairs: i32  # of pixels at a time: 4, or 2 where there are few
    block_taps: i32  # of a window at a time, a multiple of the grain
    block_channels: i32  # output channels whose sums wait for the next taps, a multiple of the group
    chunks: i32  # runs of taps that are summed in 16 bits
    general: i32  # 1: scales that mcuq_requantize_fast does not cover
    reverse: i32  # 1: last pixels first, so that the output may lie behind the input
    bias: i32_table  # (output_c), the input's zero point included
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    @property
    def taps(self) -> int:
        """Taps of one filter."""
        return self.filter_h * self.filter_w * self.input_c

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return scratch(Blocks(self.pairs, self.block_taps, self.block_channels))

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`; where a tile's input is joined again, some of its output was written before."""
        needed = window_bytes(self._sliding(), (self.input_h, self.input_w, self.input_c))
        starts = np.arange(0, self.output_h * self.output_w, PAIR * self.pairs)
        once = self.block_taps >= self.taps or self.block_channels >= self.output_c
        return tile_overlap(needed, self.output_c, starts, buffered=once)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c)
        columns = np.concatenate([values for _, _, values in taps(x, self._sliding(), self.input_zero_point)], axis=3)
        return outputs(columns, self._products).reshape(len(x), -1)

    @cached_property
    def _products(self) -> Products:
        return products_of(self, self.unpacked())

    @abstractmethod
    def unpacked(self) -> Array:
        """Return the weights, int8 [output channels, taps]."""

    def _sliding(self) -> Sliding:
        window, dilation = (self.filter_h, self.filter_w), (self.dilation_h, self.dilation_w)
        stride, origin = (self.stride_h, self.stride_w), (self.pad_top, self.pad_left)
        return Sliding(window, stride, origin, (self.output_h, self.output_w), dilation)


class Blocks(NamedTuple):
    """What is computed at a time."""

    pairs: int
    taps: int
    channels: int


def served(p: Conv2dParams, keep_weights: bool = False) -> Served | None:
    """Return the channels of a convolution that these kernels can take, or None."""
    if p.groups != 1 or p.output_h * p.output_w < MIN_PIXELS:
        return None
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    channels = Channels(p.weights.reshape(p.output_c, -1), p.bias, p.multiplier, p.shift)
    return any_channels(channels, rounding, keep_weights)


def members(p: Conv2dParams, layer: Served, blocks: Blocks) -> dict[str, Any]:
    """Return what all kernels have but ``chunks`` and their weights."""
    channels, general = layer
    own = {m.name for m in Conv2dBlocksParams.members()}
    shared = {m.name: getattr(p, m.name) for m in p.members() if m.name in own}
    return shared | {
        "per_channel": int(channels.multiplier.size > 1),
        "pairs": blocks.pairs,
        "block_taps": blocks.taps,
        "block_channels": blocks.channels,
        "general": general,
        "bias": channels.bias,
        "multiplier": channels.multiplier,
        "shift": channels.shift,
    }


def blocks_of(
    p: Conv2dParams, kind: type[Conv2dBlocksParams], room: int, allows: Callable[[int], bool] = lambda _: True
) -> Blocks | None:
    """Return the blocks that cost least of those that fit the scratch; None if there are none.

    Args:
        p: the layer.
        kind: of kernel.
        room: bytes of scratch.
        allows: whether so many taps may be summed up at a time.
    """
    size = p.filter_h * p.filter_w * p.input_c
    pairs = 4 if p.output_h * p.output_w > 2 * PAIR else 2
    fitting = []
    for channels in range(kind.group, filled(p.output_c, kind.group) + 1, kind.group):
        most = (room - scratch(Blocks(pairs, 0, channels))) // scratch(Blocks(pairs, 1, 0)) // kind.grain * kind.grain
        if taps_ := _even_blocks(size, kind.grain, most, allows):
            fitting.append(Blocks(pairs, taps_, channels))

    def order(blocks: Blocks) -> tuple[int, int]:
        return round(_cost(blocks, p.output_c, size) / WORTH), scratch(blocks)

    return min(fitting, key=order, default=None)


def _cost(blocks: Blocks, output_c: int, size: int) -> float:
    """Estimate the instructions per multiplication that depend on the blocks."""
    passes = -(-output_c // blocks.channels)
    joined = JOIN_COST * passes / output_c if blocks.taps < size else 0.0
    return joined + SUM_COST / blocks.taps + PASS_COST * passes / (PAIR * blocks.pairs * output_c * size)


def _even_blocks(size: int, grain: int, most: int, allows: Callable[[int], bool]) -> int:
    """Return the taps of a block, where there are as few blocks as possible; 0: no size will do."""
    if most < grain:
        return 0
    for count in range(-(-size // most), -(-size // grain) + 1):
        taps_ = filled(-(-size // count), grain)
        if allows(taps_):
            return taps_
    return 0


def scratch(blocks: Blocks) -> int:
    """Bytes of scratch: sums, taps in lanes, and those of two windows at the border as bytes."""
    sums, lanes = 2 * WORD_BYTES * blocks.channels, WORD_BYTES * blocks.taps
    return blocks.pairs * (sums + lanes) + PAIR * blocks.taps


def filled(count: int, multiple: int) -> int:
    """Round up.

    >>> filled(7, 4), filled(8, 4)
    (8, 8)
    """
    return -(-count // multiple) * multiple
