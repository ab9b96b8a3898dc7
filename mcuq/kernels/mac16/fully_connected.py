"""Fully connected layer on MAC16: weights are used once, so they are multiplied as they lie in flash."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from mcuq.kernels.channels import Rounding
from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16.channels import Tile, mac16_channels, room, tile_overlap
from mcuq.kernels.mac16.fours import fits, in_fours, offsets, portable
from mcuq.kernels.mac16.fully_connected_parts import in_parts
from mcuq.ops.base import Overlap, Params, i32, i32_table, u8_table
from mcuq.ops.fully_connected import FullyConnectedParams
from mcuq.tensor import Array

FEW = 2  # vectors; with more of them, widening the weights once pays


@dataclass(frozen=True, eq=False)
class FullyConnectedMac16Params(Params):
    """A vector at a time, all of it in scratch (``mcuq.kernels.mac16.fours``)."""

    kernel: ClassVar[str] = "fully_connected_s8_mac16"

    batch: i32  # vectors
    input_c: i32
    output_c: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    reverse: i32  # 1: last vector first, so that the output may lie behind the input
    taps: i32  # input_c, filled up to a multiple of 4
    weights: u8_table  # (output_c, taps), even ones 128 more than they are
    bias: i32_table  # (output_c), negated, with what the offsets of x add; and right shifts
    multiplier: i32_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return 2 * self.taps

    def frugal(self, limit: int) -> Params:
        """See :meth:`Params.frugal`."""
        sizes = (self.batch * self.input_c, self.batch * self.output_c)
        if room(self, *sizes) <= limit:
            return self
        parts = in_parts({member.name: getattr(self, member.name) for member in self.members()}, limit)
        return min(self, parts, key=lambda params: room(params, *sizes))

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        i, o = self.input_c, self.output_c
        tiles = (Tile((b * i, b * i + i), (b * o, b * o + o)) for b in range(self.batch))
        return tile_overlap(tiles, reads_before_writing=True)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self._portable.run(*inputs)

    @cached_property
    def _portable(self) -> FullyConnectedParams:
        return portable(vars(self), self.weights, self.bias, self.multiplier)


def take(layer: Layer[FullyConnectedParams]) -> Params | None:
    """Return the kernel for vectors, or None: scales that it does not serve, more inputs than the scratch holds."""
    p = layer.params
    taps = -(-p.input_c // 4) * 4
    rounding = Rounding(p.input_zero_point, p.output_zero_point, p.activation_min, p.activation_max)
    channels = mac16_channels(p.weights, p.bias, p.multiplier, p.shift, rounding, offset=offsets(p.input_c))
    if channels is None or not fits(channels.bias, taps):
        return None
    return FullyConnectedMac16Params(
        batch=p.batch,
        input_c=p.input_c,
        output_c=p.output_c,
        output_zero_point=p.output_zero_point,
        activation_min=p.activation_min,
        activation_max=p.activation_max,
        per_channel=int(channels.multiplier.size > 1),
        reverse=p.reverse,
        taps=taps,
        weights=in_fours(channels.weights),
        bias=channels.packed_bias(),
        multiplier=channels.multiplier,
    )
