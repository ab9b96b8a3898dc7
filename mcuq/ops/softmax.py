"""Softmax over the last dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt

from mcuq import exponential
from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import INT32_MAX, Int64, clamp, multiply_high, quantize_multiplier, requantize, shift_right
from mcuq.ops.base import IN_PLACE, Op, Operand, Overlap, Params, Real, i32, i32_table
from mcuq.tensor import Array, QTensor, Shape

DIFFERENCE_BITS = 5  # integer bits of beta * (x - max), TFLite's kScaledDiffIntegerBits
SUM_BITS = 12  # integer bits of the sum of exponentials, kAccumulationIntegerBits
MAX_DEPTH = INT32_MAX >> (31 - SUM_BITS)  # each exponential is at most 1


@dataclass(frozen=True, eq=False)
class SoftmaxParams(Params):
    """Exponentials by table; their sum in Q12, its reciprocal by Newton-Raphson in Q0."""

    kernel: ClassVar[str] = "softmax_s8"

    rows: i32
    depth: i32
    exponentials: i32_table  # (256), Q0: exp(-beta * scale * d) at d = max - x

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return IN_PLACE

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.depth).astype(np.int16)
        terms = self.exponentials[x.max(axis=1, keepdims=True) - x].astype(np.int64)
        total = shift_right(terms, SUM_BITS).sum(axis=1, keepdims=True)
        headroom = 32 - _bit_length(total)
        # total = (1 + fraction) * 2^(SUM_BITS - headroom), fraction in Q0
        fraction = (total << headroom) - (1 << 31)
        quotient = multiply_high(exponential.one_over_one_plus(fraction), terms)
        q = shift_right(quotient, SUM_BITS - headroom + 23)
        return clamp(q - 128, -128, 127).reshape(inputs[0].shape)


def _bit_length(x: Int64) -> Int64:
    """Bits of positive integers below 2^53."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


@dataclass(frozen=True)
class Softmax(Op):
    """``y = exp(beta * x) / sum(exp(beta * x))`` over the last dimension.

    Quantization: output scale 1/256, zero point -128. Integers follow TensorFlow Lite Micro's int8 softmax
    (gemmlowp fixed point). Where a row's sum reaches 512, and TensorFlow Lite Micro aborts, the arithmetic is
    continued: every result is under 1/512 and rounds to 0.

    - C1: the output's scale is 1/256 and its zero point -128.
    - C2: beta times the input's scale exceeds 2^-26 (under that all results are equal, and TensorFlow Lite Micro
      aborts).
    - C3: a row has at most 4095 values, so that the sum stays within int32.
    """

    name: ClassVar[str] = "softmax"
    fixed_output: ClassVar[QTensor | None] = QTensor((), 1 / 256, -128)

    beta: float = 1.0

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape, which has at least one dimension."""
        if not inputs[0]:
            raise ValueError("needs at least one dimension")
        return inputs[0]

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        terms = np.exp(self.beta * (inputs[0] - inputs[0].max(axis=-1, keepdims=True)))
        return np.asarray(terms / terms.sum(axis=-1, keepdims=True))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x = cast(QTensor, inputs[0])
        if (output.scale, output.zero_point) != (1 / 256, -128):
            raise CannotQuantizeError(
                f"softmax needs output scale 1/256 and zero point -128, not {output.scale:g} and {output.zero_point}"
            )
        depth = x.shape[-1]
        if depth > MAX_DEPTH:
            raise CannotQuantizeError(f"softmax over {depth} values can leave int32; it takes at most {MAX_DEPTH}")
        return SoftmaxParams(rows=x.elements // depth, depth=depth, exponentials=exponential_table(self.beta * x.scale))


def exponential_table(step: float) -> npt.NDArray[np.int32]:
    """``exp(-step * d)`` in Q0 for d in 0..255; 0 where TFLite leaves the term out.

    Raises:
        CannotQuantizeError: when the step is too small to be told from 0.
    """
    real = step * 2.0 ** (31 - DIFFERENCE_BITS)
    if not real > 1:
        raise CannotQuantizeError(f"softmax with beta times scale {step:g} is constant; it must exceed 2^-26")
    multiplier, shift = quantize_multiplier(real)
    radius = math.floor(((1 << DIFFERENCE_BITS) - 1) * 2.0 ** (31 - DIFFERENCE_BITS - shift))
    d = np.arange(256)
    terms = exponential.exp_on_negative_values(requantize(-d, multiplier, shift), DIFFERENCE_BITS)
    return np.where(d <= radius, terms, 0).astype(np.int32)
