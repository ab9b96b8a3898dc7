"""Convolution of signs with signs: 32 products at a time are the equal bits of two words. Also fully connected.

Not for depthwise and groups, whose channels are too few to fill words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from mcuq.kernels.channels import outputs, products_of
from mcuq.kernels.layer import Layer
from mcuq.ops.base import IN_PLACE, Overlap, Params, i8_table, i32, i32_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.products import Products
from mcuq.ops.taps import Sliding, taps
from mcuq.tensor import Array

WORD = 32  # signs
MIN_CHANNELS = 8  # with fewer, words are so empty that a weight takes more than 4 bits


@dataclass(frozen=True, eq=False)
class Conv2dXnorParams(Params):
    """Portable kernel: the image is packed first, a pixel to words of its own; padding adds 0."""

    kernel: ClassVar[str] = "conv2d_s8_xnor"

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
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    weights: i32_table  # (output_c, filter_h, filter_w, input_c / 32): a bit is 1 for -1
    bias: i32_table  # (output_c)
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`: the packed image."""
        return self.input_h * self.input_w * words_of(self.input_c) * 4

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`; all of the input is read before any of the output is written."""
        return IN_PLACE

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        window, dilation = (self.filter_h, self.filter_w), (self.dilation_h, self.dilation_w)
        stride, origin = (self.stride_h, self.stride_w), (self.pad_top, self.pad_left)
        sliding = Sliding(window, stride, origin, (self.output_h, self.output_w), dilation)
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.input_c)
        return outputs_of_signs(x, sliding, self._products)

    @cached_property
    def _products(self) -> Products:
        weights = from_words(self.weights, self.input_c, self.filter_h * self.filter_w * self.input_c)
        return products_of(self, weights)


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution of signs with weights -1 and 1, or None for others."""
    p = layer.params
    if not is_of_signs(layer) or p.input_c < MIN_CHANNELS:
        return None
    own = {m.name for m in Conv2dXnorParams.members()}
    members = {m.name: getattr(p, m.name) for m in p.members() if m.name in own}
    return Conv2dXnorParams(**members | {"weights": in_words(p.weights)})


def is_of_signs(layer: Layer[Conv2dParams]) -> bool:
    """Whether a layer of one group has an input of signs and weights -1 and 1."""
    weights = layer.few_bits
    of_signs = weights is not None and weights.bits == 1 and weights.codebook is None
    return of_signs and layer.takes_signs and layer.params.groups == 1


def outputs_of_signs(x: Array, sliding: Sliding, products: Products) -> Array:
    """Compute [samples, rows, columns, channels] to [samples, elements of the output]: what every kernel here does.

    What is not negative counts as 1; taps outside the image add 0.
    """
    signs = np.where(x < 0, -1, 1).astype(np.int8)
    columns = np.concatenate([values for _, _, values in taps(signs, sliding, 0)], axis=3)
    return outputs(columns, products).reshape(len(x), -1)


def words_of(channels: int) -> int:
    """Words that hold the signs of one pixel.

    >>> words_of(1), words_of(32), words_of(33)
    (1, 1, 2)
    """
    return -(-channels // WORD)


def in_words(weights: Array) -> Array:
    """Pack -1 and 1, [output channels, rows, columns, channels], along the channels; the first one is lowest.

    >>> [hex(word) for word in in_words(np.array([-1, 1, -1, -1], np.int8).reshape(1, 1, 1, 4)).ravel().tolist()]
    ['0xd']
    """
    bits = np.pad(weights < 0, ((0, 0), (0, 0), (0, 0), (0, -weights.shape[3] % WORD)))
    return np.packbits(bits, axis=3, bitorder="little").view("<i4").astype(np.int32)


def from_words(words: Array, channels: int, count: int) -> Array:
    """Undo :func:`in_words`: [output channels, count]."""
    raw = np.ascontiguousarray(words.astype("<i4")).view(np.uint8)
    bits = np.unpackbits(raw, axis=3, count=channels, bitorder="little")
    return (1 - 2 * bits.astype(np.int8)).reshape(len(words), count)
