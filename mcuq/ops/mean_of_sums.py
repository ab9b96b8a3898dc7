"""A mean over all pixels, of sums that came strip by strip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import INT32_MAX, clamp, requantize
from mcuq.ops.base import Op, Operand, Params, Real, i32
from mcuq.ops.mean import mean_multiplier
from mcuq.ops.pixel_sums import SUM_BYTES
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class MeanOfSumsParams(Params):
    """As an average pool's mean, or as a mean's."""

    kernel: ClassVar[str] = "mean_of_sums_s8"

    channels: i32
    pixels: i32
    input_zero_point: i32
    divides: i32  # 1: round (sum / pixels) half away from zero, as a pool does; 0: requantize, as a mean does
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32
    activation_min: i32
    activation_max: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        sums = np.ascontiguousarray(inputs[0]).view("<i4").astype(np.int64)
        if self.divides:
            mean = np.sign(sums) * ((np.abs(sums) + self.pixels // 2) // self.pixels)
        else:
            centered = sums - self.pixels * self.input_zero_point
            mean = requantize(centered, self.output_multiplier, self.output_shift) + self.output_zero_point
        return clamp(mean, self.activation_min, self.activation_max)


@dataclass(frozen=True)
class MeanOfSums(Op):
    """``y[c] = sum[c] / pixels``: the end of a mean whose rows came strip by strip.

    The operand holds four bytes per channel (:class:`PixelSums`), ``scale`` and ``zero_point`` are those of what was
    summed. No file brings it, TensorFlow Lite Micro has no int8 twin of it.

    Quantization: that of the layer that it stands for: with ``divides`` an average pool's, else a mean's.

    - C1: the operand has four bytes per channel.
    - C2: with ``divides``, what was summed and y have the same scale and zero point.
    - C3: sums of so many pixels stay within int32.
    """

    name: ClassVar[str] = "mean_of_sums"

    shape: Shape  # of the mean
    pixels: int
    scale: float
    zero_point: int
    divides: bool = False
    low: int = -128
    high: int = 127

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the shape of the mean; C1."""
        if math.prod(inputs[0]) != SUM_BYTES * math.prod(self.shape):
            raise ValueError(f"{inputs[0]} does not hold the sums of {math.prod(self.shape)} channels")
        return self.shape

    def forward(self, *inputs: Real) -> Real:
        """What was summed are integers.

        Raises:
            CannotQuantizeError: always.
        """
        raise CannotQuantizeError("mean_of_sums divides integers")

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2, C3."""
        if self.pixels * 255 > INT32_MAX:
            raise CannotQuantizeError(f"the sum of {self.pixels} elements can leave int32")
        if self.divides and (self.scale, self.zero_point) != (output.scale, output.zero_point):
            raise CannotQuantizeError("a pool's input and output must have the same scale and zero point")
        multiplier, shift = mean_multiplier(self.scale / output.scale, self.pixels, by_shift=output.by_shift)
        return MeanOfSumsParams(
            channels=output.elements,
            pixels=self.pixels,
            input_zero_point=self.zero_point,
            divides=int(self.divides),
            output_zero_point=output.zero_point,
            output_multiplier=multiplier,
            output_shift=shift,
            activation_min=self.low,
            activation_max=self.high,
        )
