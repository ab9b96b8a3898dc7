"""Convolution 3x3, stride 1, by Winograd's F(2x2, 3x3): 16 products for 36, filters of 3.6 times the bytes.

Exact: filters are transformed by twice G, which is of integers, so that 4 times the accumulator comes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.kernels.channels import Channels, Rounding, ordered_overlap, output_of, window_bytes
from mcuq.kernels.lanes import conv2d
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.kernels.lanes.conv2d import Conv2dLanesParams
from mcuq.kernels.layer import Faster
from mcuq.ops.base import Overlap, Params, i8_table, i16_table, i32, i32_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.taps import Sliding
from mcuq.ops.window import pad, windows
from mcuq.tensor import Array

FILTERS = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])  # 2 G
INPUTS = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])  # B'
OUTPUTS = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])  # A'
TIMES = 4  # what the sums are too large by
TILE = 2  # outputs, in both directions
WINDOW = 4
PLACES = 16
TILES = 4  # at a time
INPUT_BYTES = 2 * PLACES * TILES  # of scratch, per channel
WAITING_BYTES = 4 * TILE * TILE * TILES


@dataclass(frozen=True, eq=False)
class Conv2dWinogradLanesParams(Params):
    """Any image, padding and number of channels: four tiles of 2x2 outputs by four channels at a time."""

    kernel: ClassVar[str] = "conv2d_winograd_s8_lanes"

    input_h: i32
    input_w: i32
    input_c: i32
    output_h: i32
    output_w: i32
    output_c: i32
    pad_top: i32
    pad_left: i32
    input_zero_point: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    block_in: i32  # input channels at a time, even; if not all of them, sums wait in the scratch
    block_out: i32  # output channels whose sums wait at a time, a multiple of 4
    reverse: i32  # 1: last tiles first, so that the output may lie behind the input
    weights: i16_table  # per 4 of output_c, per block_in: (16, channels of it, 4); see packed
    bias: i32_table  # (output_c), the input's zero point included
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return scratch(self.input_c, self.block_in, self.block_out)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        rows, columns = -(-self.output_h // TILE), -(-self.output_w // TILE)
        sliding = Sliding((WINDOW, WINDOW), (TILE, TILE), (self.pad_top, self.pad_left), (rows, columns))
        first, end = window_bytes(sliding, (self.input_h, self.input_w, self.input_c))
        y, x = np.divmod(np.arange(rows * columns), columns)
        last_y, last_x = np.minimum(2 * y + 1, self.output_h - 1), np.minimum(2 * x + 1, self.output_w - 1)
        written = (2 * y * self.output_w + 2 * x) * self.output_c, (last_y * self.output_w + last_x + 1) * self.output_c
        starts = np.arange(0, rows * columns, TILES)
        read = np.minimum.reduceat(first, starts), np.maximum.reduceat(end, starts)
        bounds = np.minimum.reduceat(written[0], starts), np.maximum.reduceat(written[1], starts)
        return ordered_overlap(read, bounds, buffered=self.block_out >= self.output_c)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c)
        rows, columns = -(-self.output_h // TILE), -(-self.output_w // TILE)
        below, right = (
            TILE * n + WINDOW - TILE - size - before
            for n, size, before in zip((rows, columns), x.shape[1:3], (self.pad_top, self.pad_left), strict=True)
        )
        padded = pad(x, (self.pad_top, below, self.pad_left, right), self.input_zero_point)
        d = windows(padded, (WINDOW, WINDOW), (TILE, TILE)).astype(np.float64)
        v = (INPUTS @ d @ INPUTS.T).reshape(*d.shape[:4], PLACES)
        m = np.moveaxis(v, 4, 0).reshape(PLACES, -1, self.input_c) @ unpacked(self)
        sums = np.moveaxis(m, 0, 2).reshape(len(x), rows, columns, self.output_c, WINDOW, WINDOW)
        acc4 = np.moveaxis(OUTPUTS @ sums @ OUTPUTS.T, 3, 5).astype(np.int64) + TIMES * self.bias.astype(np.int64)
        acc = acc4.swapaxes(2, 3).reshape(len(x), TILE * rows, TILE * columns, self.output_c) // TIMES
        rounding = Rounding(0, self.output_zero_point, self.activation_min, self.activation_max)
        cut = acc[:, : self.output_h, : self.output_w]
        return output_of(cut, self.multiplier, self.shift, rounding).reshape(len(x), -1)


def scratch(input_c: int, block_in: int, block_out: int) -> int:
    """Return the bytes that blocks of channels need."""
    return INPUT_BYTES * block_in + (WAITING_BYTES * block_out if block_in < input_c else 0)


def even(channels: int) -> int:
    """Input channels as the kernel counts them.

    >>> even(3), even(16)
    (4, 16)
    """
    return channels + channels % 2


def fours(channels: int) -> int:
    """Output channels as the kernel counts them.

    >>> fours(5), fours(16)
    (8, 16)
    """
    return -(-channels // 4) * 4


def _blocks(input_c: int, block_in: int) -> Iterator[tuple[int, int]]:
    """Yield the first channel of every block of the input, and how many it has, filled up."""
    for first in range(0, input_c, block_in):
        yield first, even(min(block_in, input_c - first))


def packed(filters: Array, block_in: int) -> Array:
    """Transform filters [channels, 3, 3, input channels] and put them in the kernel's order."""
    channels, _, _, depth = filters.shape
    u = np.einsum("ia,oabc,jb->oijc", FILTERS, filters.astype(np.int64), FILTERS).reshape(channels, PLACES, depth)
    u = np.pad(u, ((0, fours(channels) - channels), (0, 0), (0, even(depth) - depth))).astype(np.int16)
    groups = u.reshape(-1, 4, PLACES, even(depth)).transpose(0, 2, 3, 1)  # (group, place, input channel, 4)
    blocks = [groups[:, :, first : first + size].reshape(len(groups), -1) for first, size in _blocks(depth, block_in)]
    return np.concatenate(blocks, axis=1).ravel()


def unpacked(p: Conv2dWinogradLanesParams) -> Array:
    """Undo the order: [16, input channels, channels], as float64."""
    groups = p.weights.reshape(fours(p.output_c) // 4, -1)
    ends = np.cumsum([PLACES * size * 4 for _, size in _blocks(p.input_c, p.block_in)])
    blocks = [block.reshape(len(groups), PLACES, -1, 4) for block in np.split(groups, ends[:-1], axis=1)]
    u = np.concatenate(blocks, axis=2).transpose(1, 2, 0, 3).reshape(PLACES, -1, fours(p.output_c))
    return u[:, : p.input_c, : p.output_c].astype(np.float64)


# Instructions per unit of the quantities below, fitted by benchmarks/measure_winograd.py.
COSTS = {"products": 41.2, "sums": 2030.0, "inputs": 522.0, "outputs": 212.0}
LANES_COSTS = {"products": 36.2, "single_products": 41.3, "rest": 16.9, "inputs": 7.2, "outputs": 47.9, "tiles": 626.0}
PORTABLE_COSTS = {"products": 10.2, "outputs": 267.0}


def estimate(costs: Mapping[str, float], amounts: Mapping[str, float]) -> float:
    """Return the instructions of a kernel from what it has to do."""
    return sum(costs[name] * amount for name, amount in amounts.items())


def instructions(p: Conv2dWinogradLanesParams) -> float:
    """Estimate the instructions of an inference."""
    return estimate(COSTS, quantities(groups(p), p.input_c, p.output_c, p.block_in, p.block_out))


def groups(p: Conv2dWinogradLanesParams) -> int:
    """Return how many times the kernel takes four tiles."""
    return -(-(-(-p.output_h // TILE) * -(-p.output_w // TILE)) // TILES)


def quantities(times: int, input_c: int, output_c: int, block_in: int, block_out: int) -> dict[str, float]:
    """Return what this kernel has to do for so many times four tiles."""
    four = fours(output_c) // 4
    return {
        "products": times * four * PLACES * even(input_c),  # 16 of them: four tiles by four channels
        "sums": times * four * -(-input_c // block_in),
        "inputs": times * input_c * -(-output_c // block_out),
        "outputs": times * output_c,
    }


def direct_instructions(p: Conv2dParams | Conv2dLanesParams) -> float:
    """Estimate the same of a kernel without Winograd."""
    pairs = p.pairs if isinstance(p, Conv2dLanesParams) else 0
    return estimate(LANES_COSTS if pairs else PORTABLE_COSTS, direct_quantities(p, pairs))


def direct_quantities(p: Conv2dParams | Conv2dLanesParams, pairs: int) -> dict[str, float]:
    """Return what the kernels without Winograd have to do; 0 pairs of pixels at a time: the portable one."""
    pixels, taps = p.output_h * p.output_w, p.filter_h * p.filter_w * p.input_c
    if not pairs:
        return {"products": pixels * taps * p.output_c, "outputs": pixels * p.output_c}
    times = -(-pixels // 2)
    chunks = times * -(-taps // 2)
    return {
        "products": chunks * (p.output_c // 4) * (pairs == 2),  # 16 of them: two taps, four channels, two pixels
        "single_products": chunks * (p.output_c // 4) * (pairs == 1),
        "rest": chunks * (p.output_c % 4),
        "inputs": times * taps,
        "outputs": times * p.output_c,
        "tiles": -(-pixels // (2 * pairs)),
    }


def instead_of(p: Conv2dParams | Conv2dLanesParams) -> Faster | None:
    """Return this kernel for a 3x3 convolution of stride 1 where it needs fewer instructions than the chosen one."""
    window = (p.filter_h, p.filter_w, p.stride_h, p.stride_w, p.dilation_h, p.dilation_w)
    if window != (3, 3, 1, 1, 1, 1):
        return None
    channels = conv2d.served(p) if isinstance(p, Conv2dParams) else conv2d.channels_of(p, 9 * p.input_c)
    if channels is None:
        return None
    params = winograd(p, channels)
    saved = int(direct_instructions(p) - instructions(params))
    return Faster(params, saved) if saved > 0 else None


def winograd(p: Conv2dParams | Conv2dLanesParams, channels: Channels) -> Conv2dWinogradLanesParams:
    """Return this kernel for a 3x3 convolution of stride 1."""
    block_in, block_out = blocks(p.input_c, p.output_c)
    return Conv2dWinogradLanesParams(
        input_h=p.input_h,
        input_w=p.input_w,
        input_c=p.input_c,
        output_h=p.output_h,
        output_w=p.output_w,
        output_c=p.output_c,
        pad_top=p.pad_top,
        pad_left=p.pad_left,
        input_zero_point=p.input_zero_point,
        output_zero_point=p.output_zero_point,
        activation_min=p.activation_min,
        activation_max=p.activation_max,
        per_channel=int(channels.multiplier.size > 1),
        block_in=block_in,
        block_out=block_out,
        reverse=0,
        weights=packed(channels.weights.reshape(p.output_c, 3, 3, p.input_c), block_in),
        bias=channels.bias,
        multiplier=channels.multiplier,
        shift=channels.shift,
    )


def blocks(input_c: int, output_c: int) -> tuple[int, int]:
    """Return the blocks of channels that cost least: all of them where the scratch is enough."""
    every = even(input_c), fours(output_c)
    if scratch(input_c, *every) <= MAX_SCRATCH:
        return every
    sizes = range(2, (MAX_SCRATCH - 4 * WAITING_BYTES) // INPUT_BYTES + 1, 2)
    waiting = {n: min((MAX_SCRATCH - n * INPUT_BYTES) // WAITING_BYTES // 4 * 4, fours(output_c)) for n in sizes}
    return min(waiting.items(), key=lambda pair: estimate(COSTS, quantities(1, input_c, output_c, *pair)))
