"""Fully connected layer on MAC16: weights are used once, so they are multiplied as they lie in flash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import INT32_MAX
from mcuq.kernels.channels import Rounding
from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16.channels import MAX_SCRATCH, Tile, mac16_channels, portable_bias, tile_overlap, unpacked_bias
from mcuq.ops.base import Overlap, Params, i32, i32_table, u8_table
from mcuq.ops.fully_connected import FullyConnectedParams
from mcuq.tensor import Array

OFFSETS = (1, 128)  # of even and odd inputs
LARGEST_PRODUCT = 255 * 128  # of a byte of weights and an input with its offset
FEW = 2  # vectors; with more of them, widening the weights once pays


@dataclass(frozen=True, eq=False)
class FullyConnectedMac16Params(Params):
    """Two weights are a word's half as they lie; ``mcuq_mac16_vector_asm.S`` says how that is exact.

    Even weights are stored 128 too large, as unsigned bytes. What that adds depends on the input alone, so it is
    computed once per vector.
    """

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

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        i, o = self.input_c, self.output_c
        tiles = (Tile((b * i, b * i + i), (b * o, b * o + o)) for b in range(self.batch))
        return tile_overlap(tiles, reads_before_writing=True)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        bias, exponent = unpacked_bias(self.bias)
        weights = out_of_fours(self.weights, self.input_c)
        portable = FullyConnectedParams(
            batch=self.batch,
            input_c=self.input_c,
            output_c=self.output_c,
            input_zero_point=0,
            output_zero_point=self.output_zero_point,
            activation_min=self.activation_min,
            activation_max=self.activation_max,
            per_channel=1,
            reverse=self.reverse,
            weights=weights,
            bias=portable_bias(weights, bias, 0, offsets(self.input_c)),
            multiplier=np.broadcast_to(self.multiplier, exponent.shape),
            shift=-exponent,
        )
        return portable.run(*inputs)


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


def in_fours(weights: Array) -> Array:
    """Return weights, int8 [channels, inputs], as unsigned bytes [channels, taps], even ones 128 more than they are."""
    packed = np.zeros((len(weights), -(-weights.shape[1] // 4) * 4), np.int16)
    packed[:, : weights.shape[1]] = weights
    packed[:, ::2] += 128
    return packed.astype(np.uint8)


def out_of_fours(packed: Array, inputs: int) -> Array:
    """Undo :func:`in_fours`."""
    odd = np.arange(packed.shape[1]) % 2
    return np.where(odd, packed.view(np.int8), packed.astype(np.int16) - 128)[:, :inputs].astype(np.int8)


def fits(bias: Array, taps: int) -> bool:
    """Whether a vector fits the scratch, and sums as C has them int32."""
    return (
        2 * taps <= MAX_SCRATCH and int(np.abs(bias.astype(np.int64)).max()) + 2 * taps * LARGEST_PRODUCT <= INT32_MAX
    )


def offsets(inputs: int) -> Array:
    """Return what activations have taken off, [inputs]."""
    return np.resize(np.array(OFFSETS), inputs)
