"""Fully connected layer on MAC16 with little scratch: a part of the inputs at a time, for a part of the outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np

from mcuq.kernels.channels import bytes_beside
from mcuq.kernels.mac16.channels import Tile, even_tiles, tile_overlap
from mcuq.kernels.mac16.fours import portable
from mcuq.ops.base import Overlap, Params, i32, i32_table, u8_table
from mcuq.ops.fully_connected import FullyConnectedParams
from mcuq.tensor import Array

FEWEST_CHANNELS, FEWEST_TAPS = 8, 16  # of a tile: below, a tile costs more than its products
PER_INPUT, PER_SUM, PER_PART = 7.54, 10.6, 91.8  # instructions, counted: to widen one, of a channel's part, of a call


@dataclass(frozen=True, eq=False)
class FullyConnectedPartsMac16Params(Params):
    """Scratch has the sums of a tile's channels and a part of the inputs, to which the channels' weights are applied.

    The inputs are widened once per tile of channels. The sums grow in the words of the biases, which have right
    shifts in their lowest bits; the last part ends like a whole vector (``mcuq.kernels.mac16.fully_connected``).
    """

    kernel: ClassVar[str] = "fully_connected_s8_parts_mac16"

    batch: i32  # vectors
    input_c: i32
    output_c: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    reverse: i32  # 1: last outputs first, so that the output may lie behind the input
    taps: i32  # input_c, filled up to a multiple of 4
    tile_channels: i32  # outputs that are computed together
    tile_taps: i32  # inputs that are in scratch at a time, a multiple of 4
    weights: u8_table  # (output_c * taps), tile by tile, even ones 128 more than they are
    bias: i32_table  # (output_c), negated, with what the offsets of x add; and right shifts
    multiplier: i32_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return _scratch(self.tile_channels, self.tile_taps)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return _overlap(self.batch, self.input_c, self.output_c, self.tile_channels)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self._portable.run(*inputs)

    @cached_property
    def _portable(self) -> FullyConnectedParams:
        packed = np.empty((self.output_c, self.taps), np.uint8)
        first = 0
        for tile in _tiles(self.output_c, self.taps, self.tile_channels, self.tile_taps):
            shape = packed[tile].shape
            packed[tile] = self.weights[first : first + packed[tile].size].reshape(shape)
            first += packed[tile].size
        return portable(vars(self), packed, self.bias, self.multiplier)


def in_parts(members: Mapping[str, Any], limit: int) -> Params:
    """Return the kernel with tiles of the fewest instructions within a limit, or the least it can do with.

    Args:
        members: those of ``FullyConnectedMac16Params``, with weights [channels, taps].
        limit: see :meth:`Params.frugal`.
    """
    batch, inputs, outputs, taps = (members[name] for name in ("batch", "input_c", "output_c", "taps"))
    tiles = [(c, 4 * words) for c in even_tiles(outputs) for words in even_tiles(taps // 4)]
    tiles = [(c, t) for c, t in tiles if c >= min(FEWEST_CHANNELS, outputs) and t >= min(FEWEST_TAPS, taps)]
    apart = {c: bytes_beside(_overlap(batch, inputs, outputs, c), batch * inputs, batch * outputs) for c, _ in tiles}
    rooms = {(c, t): _scratch(c, t) + apart[c] for c, t in tiles}
    most = max(limit, min(rooms.values()))
    fitting = [tile for tile in tiles if rooms[tile] <= most]
    channels, part = min(fitting, key=lambda tile: (_instructions(outputs, taps, *tile), rooms[tile]))
    weights = np.concatenate([members["weights"][tile].ravel() for tile in _tiles(outputs, taps, channels, part)])
    return FullyConnectedPartsMac16Params(
        **{**members, "tile_channels": channels, "tile_taps": part, "weights": weights}
    )


def _scratch(channels: int, taps: int) -> int:
    return 4 * channels + 2 * taps


def _instructions(outputs: int, taps: int, channels: int, part: int) -> float:
    """Return what tiles cost beside the products."""
    tiles, parts = -(-outputs // channels), -(-taps // part)
    return tiles * (parts * PER_PART + taps * PER_INPUT) + parts * outputs * PER_SUM


def _tiles(outputs: int, taps: int, channels: int, part: int) -> Iterator[tuple[slice, slice]]:
    """Yield channels and taps of every tile, in the order of their weights."""
    for c in range(0, outputs, channels):
        for t in range(0, taps, part):
            yield slice(c, c + channels), slice(t, t + part)


@lru_cache(maxsize=4096)
def _overlap(batch: int, inputs: int, outputs: int, channels: int) -> Overlap:
    """Return how near the output may come: a tile of channels is written when it has read all of its vector."""
    tiles = (
        Tile((b * inputs, (b + 1) * inputs), (b * outputs + c, b * outputs + min(c + channels, outputs)))
        for b in range(batch)
        for c in range(0, outputs, channels)
    )
    return tile_overlap(tiles, reads_before_writing=True)
