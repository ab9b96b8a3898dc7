"""Element-wise product of two tensors, with broadcasting and a fused activation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import clamp, quantize_multiplier, requantize
from mcuq.ops.accumulator import check_room
from mcuq.ops.base import Op, Operand, Overlap, Params, Real, activate, fused_limits, i32, i32x4, scale_of
from mcuq.ops.broadcast import broadcast, broadcast_shape, expand, operand_overlap
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class MulParams(Params):
    """The product of the centered operands, at most 255 * 255, is requantized."""

    kernel: ClassVar[str] = "mul_s8"

    shape: i32x4  # of the output, outermost first
    strides_a: i32x4  # in elements; 0 repeats
    strides_b: i32x4
    zero_point_a: i32
    zero_point_b: i32
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32
    activation_min: i32
    activation_max: i32

    def overlap(self, operand: int) -> Overlap | None:
        """See :meth:`Params.overlap`."""
        return operand_overlap(self.shape, self.strides_b if operand else self.strides_a)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        a = expand(inputs[0], self.shape, self.strides_a).astype(np.int64) - self.zero_point_a
        b = expand(inputs[1], self.shape, self.strides_b).astype(np.int64) - self.zero_point_b
        scaled = requantize(a * b, self.output_multiplier, self.output_shift) + self.output_zero_point
        return clamp(scaled, self.activation_min, self.activation_max).reshape(a.shape[0], -1)


@dataclass(frozen=True)
class Mul(Op):
    """``y = act(a * b)``, numpy broadcasting.

    Quantization: one multiplier ``s_a * s_b / s_out``, in double, factors in this order.

    - C1: after merging, broadcasting needs at most four dimensions.
    """

    name: ClassVar[str] = "mul"
    operands: ClassVar[int | None] = 2

    activation: str = "none"

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the broadcast shape; C1."""
        broadcast(*inputs)
        return broadcast_shape(*inputs)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return activate(self.activation, inputs[0] * inputs[1])

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        a, b = inputs
        shape, strides_a, strides_b = broadcast(a.shape, b.shape)
        ratio = scale_of(a) * scale_of(b) / output.scale
        multiplier, shift = quantize_multiplier(ratio, by_shift=output.by_shift)
        check_room(255 * 255, multiplier, shift)
        low, high = fused_limits(self.activation, output)
        return MulParams(
            shape=shape,
            strides_a=strides_a,
            strides_b=strides_b,
            zero_point_a=a.zero_point,
            zero_point_b=b.zero_point,
            output_zero_point=output.zero_point,
            output_multiplier=multiplier,
            output_shift=shift,
            activation_min=low,
            activation_max=high,
        )
