"""The logarithm of softmax over the last dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import INT32_MAX, clamp, quantize_multiplier, requantize
from mcuq.ops.accumulator import check_room
from mcuq.ops.base import IN_PLACE, Op, Operand, Overlap, Params, Real, i32, i32_table
from mcuq.ops.softmax import MAX_DEPTH, exponential_table
from mcuq.tensor import Array, QTensor, Shape

SUM_BITS = 12  # of exponentials before they are summed: a sum has up to 31 - 12 + 12 bits
FRACTION = 16  # fractional bits of the logarithm
STEPS = 64  # of the table, per doubling of a sum


@dataclass(frozen=True, eq=False)
class LogSoftmaxParams(Params):
    """``x - max - log(sum)``: exponentials by table, the logarithm by a table that is interpolated linearly."""

    kernel: ClassVar[str] = "log_softmax_s8"

    rows: i32
    depth: i32
    difference_multiplier: i32  # from steps of the input to Q16
    difference_shift: i32
    output_multiplier: i32  # from Q16 to steps of the output
    output_shift: i32
    output_zero_point: i32
    exponentials: i32_table  # (256), Q0: exp(-scale * d) at d = max - x
    logarithms: i32_table  # (65), Q16: log(1 + i / 64)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return IN_PLACE

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.depth).astype(np.int64)
        below = x.max(axis=1, keepdims=True) - x
        total = (self.exponentials[below].astype(np.int64) >> SUM_BITS).sum(axis=1, keepdims=True)
        top = np.frexp(total.astype(np.float64))[1].astype(np.int64) - 1  # total = (1 + fraction) * 2^top
        fraction = (total << 30 >> top) - (1 << 30)
        place, rest = fraction >> 24, (fraction >> 8) & 0xFFFF
        low, high = (self.logarithms[place + i].astype(np.int64) for i in (0, 1))
        logarithm = low + ((high - low) * rest >> 16) + (top - (31 - SUM_BITS)) * LOG_2
        fine = requantize(-below, self.difference_multiplier, self.difference_shift) - logarithm
        scaled = requantize(fine, self.output_multiplier, self.output_shift) + self.output_zero_point
        return clamp(scaled, -128, 127).reshape(inputs[0].shape)


LOG_2 = round(math.log(2) * 2**FRACTION)


@dataclass(frozen=True)
class LogSoftmax(Op):
    """``y = x - log(sum(exp(x)))`` over the last dimension.

    Quantization: differences to the largest and the logarithm of the sum of their exponentials with 16 fractional bits.
    TensorFlow Lite Micro has no int8 log softmax in its wheel.

    - C1: the input's scale is above 2^-26 and under 64.
    - C2: a row has at most 4095 values, so that the sum stays within int32.
    """

    name: ClassVar[str] = "log_softmax"

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape, which has at least one dimension."""
        if not inputs[0]:
            raise ValueError("needs at least one dimension")
        return inputs[0]

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        below = inputs[0] - inputs[0].max(axis=-1, keepdims=True)
        return np.asarray(below - np.log(np.exp(below).sum(axis=-1, keepdims=True)))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C1, C2."""
        x = inputs[0]
        depth = x.shape[-1]
        if depth > MAX_DEPTH:
            raise CannotQuantizeError(f"log softmax over {depth} values can leave int32; it takes at most {MAX_DEPTH}")
        if not isinstance(x, QTensor) or x.scale * 255 * 2**FRACTION > INT32_MAX / 2:
            raise CannotQuantizeError("log softmax takes an input with a scale under 64")
        multiplier, shift = quantize_multiplier(x.scale * 2**FRACTION)
        output_multiplier, output_shift = quantize_multiplier(1 / (output.scale * 2**FRACTION))
        check_room(INT32_MAX, output_multiplier, output_shift)
        logarithms = np.rint(np.log1p(np.arange(STEPS + 1) / STEPS) * 2**FRACTION).astype(np.int32)
        return LogSoftmaxParams(
            rows=math.prod(x.shape) // depth,
            depth=depth,
            difference_multiplier=multiplier,
            difference_shift=shift,
            output_multiplier=output_multiplier,
            output_shift=output_shift,
            output_zero_point=output.zero_point,
            exponentials=exponential_table(x.scale),
            logarithms=logarithms,
        )
