"""Addition of two tensors, with broadcasting and a fused activation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import clamp, quantize_multiplier, requantize
from mcuq.ops.accumulator import check_room
from mcuq.ops.base import (
    Op,
    Operand,
    Overlap,
    Params,
    Real,
    activate,
    fused_limits,
    i32,
    i32x4,
    scale_of,
)
from mcuq.ops.broadcast import broadcast, broadcast_shape, expand, operand_overlap
from mcuq.tensor import Array, QTensor, Shape

LEFT_SHIFT = 20  # TFLite's headroom for the sum of two rescaled int8 operands


@dataclass(frozen=True, eq=False)
class RescaledParams(Params):
    """Both operands are brought to a common scale with 20 fractional bits; what is made of them is requantized."""

    shape: i32x4  # of the output, outermost first
    strides_a: i32x4  # in elements; 0 repeats
    strides_b: i32x4
    zero_point_a: i32
    zero_point_b: i32
    multiplier_a: i32
    multiplier_b: i32
    shift_a: i32
    shift_b: i32
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32
    activation_min: i32
    activation_max: i32

    def overlap(self, operand: int) -> Overlap | None:
        """See :meth:`Params.overlap`."""
        return operand_overlap(self.shape, self.strides_b if operand else self.strides_a)


@dataclass(frozen=True, eq=False)
class AddParams(RescaledParams):
    """The rescaled operands are summed."""

    kernel: ClassVar[str] = "add_s8"

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        a = expand(inputs[0], self.shape, self.strides_a).astype(np.int64) - self.zero_point_a
        b = expand(inputs[1], self.shape, self.strides_b).astype(np.int64) - self.zero_point_b
        total = requantize(a << LEFT_SHIFT, self.multiplier_a, self.shift_a)
        total = total + requantize(b << LEFT_SHIFT, self.multiplier_b, self.shift_b)
        scaled = requantize(total, self.output_multiplier, self.output_shift) + self.output_zero_point
        return clamp(scaled, self.activation_min, self.activation_max).reshape(a.shape[0], -1)


@dataclass(frozen=True)
class Add(Op):
    """``y = act(a + b)``, numpy broadcasting.

    Quantization: both operands are scaled by ``s / (2 max(s_a, s_b))`` with 20 fractional bits, as TFLite's
    int8 ADD.

    - C1: after merging, broadcasting needs at most four dimensions.
    """

    name: ClassVar[str] = "add"
    operands: ClassVar[int | None] = 2

    activation: str = "none"

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the broadcast shape; C1."""
        broadcast(*inputs)
        return broadcast_shape(*inputs)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return activate(self.activation, inputs[0] + inputs[1])

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        a, b = inputs
        shape, strides_a, strides_b = broadcast(a.shape, b.shape)
        scale_a, scale_b = scale_of(a), scale_of(b)
        common = 2 * max(scale_a, scale_b)
        multiplier_a, shift_a = quantize_multiplier(scale_a / common, by_shift=output.by_shift)
        multiplier_b, shift_b = quantize_multiplier(scale_b / common, by_shift=output.by_shift)
        ratio = common / ((1 << LEFT_SHIFT) * output.scale)
        multiplier, shift = quantize_multiplier(ratio, by_shift=output.by_shift)
        check_room(255 << LEFT_SHIFT, multiplier, shift)
        low, high = fused_limits(self.activation, output)
        return AddParams(
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
