"""The rectifier with a slope per channel for negative values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.fixedpoint import clamp, quantize_multiplier, requantize
from mcuq.ops.accumulator import check_room
from mcuq.ops.base import IN_PLACE, Op, Operand, Overlap, Params, Real, i8_table, i32, scale_of
from mcuq.tensor import Array, QConstant, QTensor, Shape


@dataclass(frozen=True, eq=False)
class PReluParams(Params):
    """Positive values are requantized, negative ones with their channel's slope multiplied in."""

    kernel: ClassVar[str] = "prelu_s8"

    pixels: i32
    channels: i32
    input_zero_point: i32
    slope_zero_point: i32
    output_zero_point: i32
    positive_multiplier: i32
    positive_shift: i32
    negative_multiplier: i32
    negative_shift: i32
    activation_min: i32
    activation_max: i32
    slope: i8_table  # (channels)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return IN_PLACE

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.pixels, self.channels).astype(np.int64) - self.input_zero_point
        sloped = x * (self.slope.astype(np.int64) - self.slope_zero_point)
        positive = requantize(x, self.positive_multiplier, self.positive_shift)
        negative = requantize(sloped, self.negative_multiplier, self.negative_shift)
        result = np.where(x >= 0, positive, negative) + self.output_zero_point
        return clamp(result, self.activation_min, self.activation_max).reshape(len(x), -1)


@dataclass(frozen=True)
class PRelu(Op):
    """``y = x`` where x >= 0, else ``slope[c] * x``; the slope is a constant, one per channel or one for all.

    Quantization: the slope int8 with a scale and zero point; one multiplier per side, ``s_in / s_out`` and
    ``s_in * s_slope / s_out``, in double.

    - C1: the slope has one element, or one per index of the input's last dimension and no other dimension above 1.
    - C2: the slope is quantized per tensor.
    """

    name: ClassVar[str] = "prelu"

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape; C1."""
        x, slope = inputs
        if math.prod(slope) not in (1, x[-1]) or (math.prod(slope) > 1 and slope[-1] != x[-1]):
            raise ValueError(f"slopes of shape {slope} for {x[-1]} channels")
        return x

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        x, slope = inputs
        return np.asarray(np.where(x >= 0, x, x * slope.ravel()))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        x, slope = cast(QTensor, inputs[0]), cast(QConstant, inputs[1])
        positive = quantize_multiplier(x.scale / output.scale, by_shift=output.by_shift)
        ratio = x.scale * scale_of(slope) / output.scale
        negative = quantize_multiplier(ratio, by_shift=output.by_shift)
        check_room(255, *positive)
        check_room(255 * 255, *negative)
        low, high = output.limits
        return PReluParams(
            pixels=x.elements // x.shape[-1],
            channels=x.shape[-1],
            input_zero_point=x.zero_point,
            slope_zero_point=slope.zero_point,
            output_zero_point=output.zero_point,
            positive_multiplier=positive[0],
            positive_shift=positive[1],
            negative_multiplier=negative[0],
            negative_shift=negative[1],
            activation_min=low,
            activation_max=high,
            slope=np.broadcast_to(slope.values.astype(np.int8).ravel(), x.shape[-1:]).copy(),
        )
