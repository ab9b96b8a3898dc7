"""Products of gates on MAC16: matrices as those of fully connected layers, whose channels may share scales."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mcuq.kernels.channels import Channels, Rounding
from mcuq.kernels.mac16.channels import EXPONENT_BASE, mac16_channels, portable_bias
from mcuq.kernels.mac16.fours import fits, in_fours, offsets, out_of_fours
from mcuq.ops.int16 import INT16_MAX, INT16_MIN
from mcuq.tensor import Array

ROUNDS = 64  # the rounding that does not depend on the right shift: see mcuq_mac16_asm.h


class GateMatrix(NamedTuple):
    """A product of gates as ``mcuq_mac16_gates.h`` takes it.

    Members: uint8 weights [channels, taps], taps a multiple of 4, even ones 128 more than they are; int32 biases
    [channels] of the negated sums, 256 times, with what the offsets of x add; int32 scales [channels / sharing, 2]:
    multiplier, and what rounds plus right shift + 7; how many channels, one after the other, have one scale.
    """

    weights: Array
    bias: Array
    scale: Array
    sharing: int

    def unpacked(self, count: int) -> Channels:
        """Return the channels as the portable kernel has them, of that many inputs."""
        weights = out_of_fours(self.weights, count)
        multiplier, rounds = (np.repeat(part, self.sharing) for part in self.scale.reshape(-1, 2).T)
        bias = portable_bias(weights, self.bias >> 8, 0, offsets(count))
        return Channels(weights, bias, multiplier, EXPONENT_BASE + 1 - (rounds & 31))


def gate_matrix(channels: Channels, units: int) -> GateMatrix | None:
    """Pack a product of gates, whose channels have a scale each or one per gate; None: MAC16 does not serve it."""
    weights, bias, multiplier, shift = channels
    multiplier, shift = multiplier.ravel(), shift.ravel()
    rounding = Rounding(0, 0, INT16_MIN, INT16_MAX)
    count = weights.shape[1]
    served = mac16_channels(
        weights, bias.ravel(), multiplier, shift, rounding, offset=offsets(count), only_as_they_are=True
    )
    packed = in_fours(weights)
    if served is None or not fits(served.bias, packed.shape[1]):
        return None
    exponent = EXPONENT_BASE - shift.astype(np.int64)
    scale = np.stack([multiplier, (1 << exponent) + ROUNDS + exponent + 1], axis=1).astype(np.int32)
    by_gate = scale.reshape(-1, units, 2)
    sharing = units if np.all(by_gate == by_gate[:, :1]) else 1
    words = (served.bias.astype(np.int64) << 8).astype(np.uint32).view(np.int32)
    return GateMatrix(packed, words, scale[::sharing], sharing)
