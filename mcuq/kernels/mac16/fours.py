"""Vectors on MAC16: four weights in a word, multiplied as they lie in flash.

Two weights are a word's half as they lie; ``mcuq_mac16_vector_asm.h`` says how that is exact. Even weights are stored
128 too large, as unsigned bytes. What that adds depends on the input alone, so it is computed once per vector.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mcuq.fixedpoint import INT32_MAX
from mcuq.kernels.mac16.channels import MAX_SCRATCH, portable_bias, unpacked_bias
from mcuq.ops.fully_connected import FullyConnectedParams
from mcuq.tensor import Array

OFFSETS = (1, 128)  # of even and odd inputs
LARGEST_PRODUCT = 255 * 128  # of a byte of weights and an input with its offset
PLAIN_MEMBERS = frozenset(
    "batch input_c output_c output_zero_point activation_min activation_max reverse".split()
)  # that the portable kernel's parameters have as well


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


def portable(members: Mapping[str, int], packed: Array, words: Array, multiplier: Array) -> FullyConnectedParams:
    """Return a layer as the portable kernel has it.

    Args:
        members: ``PLAIN_MEMBERS``, others are ignored.
        packed: weights of :func:`in_fours`.
        words: biases and right shifts, see ``mcuq_mac16_channel.h``.
        multiplier: [channels] or [1].
    """
    bias, exponent = unpacked_bias(words)
    inputs = members["input_c"]
    weights = out_of_fours(packed, inputs)
    return FullyConnectedParams(
        **{name: members[name] for name in PLAIN_MEMBERS},
        input_zero_point=0,
        per_channel=1,
        weights=weights,
        bias=portable_bias(weights, bias, 0, offsets(inputs)),
        multiplier=np.broadcast_to(multiplier, exponent.shape),
        shift=-exponent,
    )
