"""Product over any set of dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.fixedpoint import Int64, clamp, multiply_high, shift_right
from mcuq.ops.base import Operand, Params, Real, i32, i32x4
from mcuq.ops.reduction import ReduceOp
from mcuq.tensor import Array, QTensor

MANTISSA = 1 << 30  # of a running product: what reaches it is halved


@dataclass(frozen=True, eq=False)
class ReduceProdParams(Params):
    """The product of the centered values, a mantissa under 2^30 and an exponent, is requantized."""

    kernel: ClassVar[str] = "reduce_prod_s8"

    shape: i32x4  # of the input: kept, reduced, kept, reduced
    input_zero_point: i32
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32  # any: a product has any magnitude
    activation_min: i32
    activation_max: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, *self.shape).transpose(0, 1, 3, 2, 4).astype(np.int64) - self.input_zero_point
        factors = x.reshape(*x.shape[:3], -1)
        mantissa: Int64 = np.ones(factors.shape[:-1], np.int64)
        exponent: Int64 = np.zeros(factors.shape[:-1], np.int64)
        for k in range(factors.shape[-1]):
            product = mantissa * factors[..., k]
            over = np.asarray(np.maximum(_bit_length(product) - 30, 0), np.int64)
            mantissa = (product + ((1 << over) >> 1)) >> over
            exponent += over
        headroom = np.maximum(30 - _bit_length(mantissa), 0)
        scaled = multiply_high(mantissa << headroom, self.output_multiplier)
        right = headroom - exponent - self.output_shift
        result = np.where(right > 31, 0, shift_right(scaled, np.clip(right, 0, 31)))
        limited = np.where(right < 0, (MANTISSA - 1) * np.sign(scaled), result) + self.output_zero_point
        return clamp(limited, self.activation_min, self.activation_max).reshape(len(x), -1)


def _bit_length(x: Int64) -> Int64:
    """Bits of magnitudes up to 2^53; of 0: 30, so that nothing shifts."""
    return np.where(x == 0, 30, np.frexp(np.abs(x).astype(np.float64))[1]).astype(np.int64)


@dataclass(frozen=True)
class ReduceProd(ReduceOp):
    """``y = product of x over axes``.

    Quantization: a running product of the centered integers, rounded to 30 bits whenever it has more, requantized by
    ``s_in^n / s_out``. TensorFlow Lite Micro has no int8 product.

    - C1: the axes exist in the input.
    - C2: after merging neighbours, the dimensions are at most kept, reduced, kept, reduced.
    """

    name: ClassVar[str] = "reduce_prod"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(np.prod(inputs[0], axis=self.of_samples(inputs[0]), keepdims=self.keep_dims))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x = cast(QTensor, inputs[0])
        shape = self.pattern(x)
        power = shape[1] * shape[3] * math.log2(x.scale) - math.log2(output.scale)
        shift = math.floor(power) + 1
        low, high = output.limits
        return ReduceProdParams(
            shape=shape,
            input_zero_point=x.zero_point,
            output_zero_point=output.zero_point,
            output_multiplier=min(round(2.0 ** (power - shift + 31)), (1 << 31) - 1),
            output_shift=shift,
            activation_min=low,
            activation_max=high,
        )
