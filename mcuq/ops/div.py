"""Division of two tensors, with broadcasting and a fused activation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from mcuq import exponential
from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import Int64, clamp, multiply_high, quantize_multiplier, shift_right
from mcuq.ops.base import Operand, Params, Real, activate, fused_limits, i32, i32_table, i32x4, scale_of
from mcuq.ops.broadcast import broadcast, expand
from mcuq.ops.elementwise import ElementwiseOp
from mcuq.tensor import Array, QTensor

MAX_SHIFT = 23  # of the output's multiplier: a quotient in full precision is shifted right by that much at least


@dataclass(frozen=True, eq=False)
class DivParams(Params):
    """The dividend in full precision times the divisor's reciprocal is requantized; a quotient by 0 saturates."""

    kernel: ClassVar[str] = "div_s8"

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
    wraps: i32  # 1: shifts beyond 31 wrap, 0: they leave nothing
    reciprocals: i32_table  # (256), Q0: 2^floor(log2(d)) / d of a divisor's magnitude d

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        a = expand(inputs[0], self.shape, self.strides_a).astype(np.int64) - self.zero_point_a
        b = expand(inputs[1], self.shape, self.strides_b).astype(np.int64) - self.zero_point_b
        a, b = np.where(b < 0, -a, a), np.abs(b)
        headroom = 31 - _bit_length(np.where(a < 0, -a - 1, a))
        quotient = multiply_high(a << headroom, self.reciprocals[b].astype(np.int64))
        right = _bit_length(b) - 1 + headroom - self.output_shift
        product = multiply_high(quotient, self.output_multiplier)
        far = _wrapped(product, right) if self.wraps else np.zeros_like(product)
        scaled = np.where(right > 31, far, shift_right(product, np.clip(right, 0, 31)))
        scaled = np.where(b == 0, 512 * np.sign(a), scaled) + self.output_zero_point
        return clamp(scaled, self.activation_min, self.activation_max).reshape(len(inputs[0]), -1)


def _bit_length(x: Int64) -> Int64:
    """Bits of integers of 0 to 2^53."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


def _wrapped(x: Int64, right: Int64) -> Int64:
    """Shift as a PC does what TFLite's ``RoundingDivideByPOT`` becomes beyond 31: by the last bits of the exponent."""
    mask = np.where(right & 63 > 31, np.int64(-1), (np.int64(1) << (right & 31)) - 1)
    return (x >> (right & 31)) + ((x & mask) > (mask >> 1) + (x < 0))


@dataclass(frozen=True)
class Div(ElementwiseOp):
    """``y = act(a / b)``, numpy broadcasting.

    Quantization: TFLite's int8 DIV: the divisor's reciprocal by Newton's method, the multiplier
    ``s_a / (s_b * s_out)`` in double. A divisor of 0, which TensorFlow Lite Micro does not check, gives the largest
    integer, the smallest, or the zero point, as the dividend is positive, negative or 0. Where a quotient is far under
    a step, TensorFlow Lite Micro shifts by more than 31 bits, which C leaves open, and a PC makes large numbers of:
    int8 models of TFLite ``wrap`` as the oracle does, all others have the nearest integer.

    - C1: after merging, broadcasting needs at most four dimensions.
    - C2: ``s_a / (s_b * s_out)`` is under 2^22.
    """

    name: ClassVar[str] = "div"

    activation: str = "none"
    wrap: bool = False

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return activate(self.activation, inputs[0] / inputs[1])

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        a, b = inputs
        shape, strides_a, strides_b = broadcast(a.shape, b.shape)
        ratio = scale_of(a) / (scale_of(b) * output.scale)
        multiplier, shift = quantize_multiplier(ratio)
        if shift > MAX_SHIFT - 1:
            raise CannotQuantizeError(
                f"quotients of scales {scale_of(a):g} and {scale_of(b):g} are {ratio:g} steps of the output's scale "
                f"{output.scale:g} at least; calibrate with quotients as the model will meet them"
            )
        low, high = fused_limits(self.activation, output)
        return DivParams(
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
            wraps=int(self.wrap),
            reciprocals=_reciprocals(),
        )


@cache
def _reciprocals() -> Array:
    d = np.arange(1, 256)
    fraction = (d << (32 - _bit_length(d))) - (1 << 31)
    return np.concatenate([[0], exponential.one_over_one_plus(fraction)]).astype(np.int32)
