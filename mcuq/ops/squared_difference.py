"""The square of the difference of two tensors, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import INT32_MAX, clamp, quantize_multiplier, requantize
from mcuq.ops.accumulator import check_room
from mcuq.ops.add import RescaledParams
from mcuq.ops.base import Operand, Params, Real
from mcuq.ops.broadcast import broadcast, expand
from mcuq.ops.elementwise import ElementwiseOp, common_scale
from mcuq.tensor import Array, QTensor

LEFT_SHIFT = 7  # TFLite's headroom for the square of a difference of two rescaled int8 operands


@dataclass(frozen=True, eq=False)
class SquaredDifferenceParams(RescaledParams):
    """The difference of the operands, rescaled with 7 fractional bits, is squared."""

    kernel: ClassVar[str] = "squared_difference_s8"

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        a = expand(inputs[0], self.shape, self.strides_a).astype(np.int64) - self.zero_point_a
        b = expand(inputs[1], self.shape, self.strides_b).astype(np.int64) - self.zero_point_b
        difference = requantize(a << LEFT_SHIFT, self.multiplier_a, self.shift_a)
        difference = difference - requantize(b << LEFT_SHIFT, self.multiplier_b, self.shift_b)
        scaled = requantize(difference * difference, self.output_multiplier, self.output_shift)
        scaled = scaled + self.output_zero_point
        return clamp(scaled, self.activation_min, self.activation_max).reshape(a.shape[0], -1)


@dataclass(frozen=True)
class SquaredDifference(ElementwiseOp):
    """``y = (a - b)^2``, numpy broadcasting.

    Quantization: both operands are scaled by ``s / (2 max(s_a, s_b))`` with 7 fractional bits, as TFLite's int8
    SQUARED_DIFFERENCE.

    - C1: after merging, broadcasting needs at most four dimensions.
    """

    name: ClassVar[str] = "squared_difference"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.square(inputs[0] - inputs[1])

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        a, b = inputs
        shape, strides_a, strides_b = broadcast(a.shape, b.shape)
        common, (multiplier_a, shift_a), (multiplier_b, shift_b) = common_scale(a, b)
        multiplier, shift = quantize_multiplier(common * common / ((1 << 2 * LEFT_SHIFT) * output.scale))
        check_room(INT32_MAX, multiplier, shift)
        low, high = output.limits
        return SquaredDifferenceParams(
            shape=shape,
            strides_a=strides_a,
            strides_b=strides_b,
            zero_point_a=a.zero_point,
            zero_point_b=b.zero_point,
            multiplier_a=multiplier_a,
            multiplier_b=multiplier_b,
            shift_a=shift_a,
            shift_b=shift_b,
            output_zero_point=output.zero_point,
            output_multiplier=multiplier,
            output_shift=shift,
            activation_min=low,
            activation_max=high,
        )
