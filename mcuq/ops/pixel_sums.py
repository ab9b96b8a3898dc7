"""The sum of every channel over the pixels of some rows, added to that of the rows before them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import IN_PLACE, Op, Operand, Overlap, Params, Real, i32
from mcuq.tensor import Array, QTensor, Shape

SUM_BYTES = 4  # int32, little-endian as all chips here are


@dataclass(frozen=True, eq=False)
class PixelSumsParams(Params):
    """Sums of x as it is, zero point and all, channel by channel."""

    kernel: ClassVar[str] = "pixel_sums_s8"

    pixels: i32
    channels: i32

    def overlap(self, operand: int) -> Overlap | None:
        """See :meth:`Params.overlap`: sums grow in their place."""
        return IN_PLACE if operand == 0 else None

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[1].reshape(len(inputs[1]), self.pixels, self.channels)
        sums = np.ascontiguousarray(inputs[0]).view("<i4") + x.sum(axis=1, dtype=np.int64)
        return np.ascontiguousarray(sums.astype("<i4")).view(np.int8)


@dataclass(frozen=True)
class PixelSums(Op):
    """``y[c] = before[c] + sum over pixels of x[c]``: part of a mean whose rows come strip by strip.

    Operands: the sums before, four bytes per channel, and x, [..., pixels, channels] in this order; the output has four
    bytes per channel too. No file brings it, TensorFlow Lite Micro has no int8 twin of it.

    Quantization: sums of integers. Whoever makes a mean of them sees to it that they stay within int32.

    - C1: x has whole pixels; what comes before has four bytes per channel.
    """

    name: ClassVar[str] = "pixel_sums"
    operands: ClassVar[int | None] = 2

    channels: int

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the shape of the sums; C1."""
        before, x = inputs
        if math.prod(before) != SUM_BYTES * self.channels or math.prod(x) % self.channels:
            raise ValueError(f"{before} and {x} are not sums and pixels of {self.channels} channels")
        return (SUM_BYTES * self.channels,)

    def forward(self, *inputs: Real) -> Real:
        """What is summed are integers.

        Raises:
            CannotQuantizeError: always.
        """
        raise CannotQuantizeError("pixel_sums sums integers")

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        return PixelSumsParams(pixels=inputs[1].elements // self.channels, channels=self.channels)
