"""Simple recurrent layer: every step is a function of its input and the last step's output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.fixedpoint import clamp, quantize_multiplier, requantize
from mcuq.ops.accumulator import check_room, dot
from mcuq.ops.base import Operand, Params, Real, i8_table, i32, i32_table, u16_table
from mcuq.ops.int16 import UNIT_SCALE, logistic_table, saturated, tanh
from mcuq.ops.recurrent import GatedOp, check_hidden, gate_products
from mcuq.tensor import Array, QConstant, QTensor


@dataclass(frozen=True, eq=False)
class RnnParams(Params):
    """Portable kernel: two sums of products in 16 bits, added, and tanh of that."""

    kernel: ClassVar[str] = "rnn_s8"

    steps: i32
    input_c: i32
    units: i32
    output_multiplier: i32
    output_shift: i32
    output_zero_point: i32
    weights: i8_table  # (units, input_c)
    recurrent: i8_table  # (units, units)
    bias: i32_table  # (units), the input's zero point included
    recurrent_bias: i32_table  # (units), that of the hidden state's zero point
    multiplier: i32_table  # (units)
    shift: i8_table  # (units)
    recurrent_multiplier: i32_table  # (units)
    recurrent_shift: i8_table  # (units)
    logistic: u16_table  # (256)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x, hidden = inputs[0].reshape(-1, self.steps, self.input_c), inputs[1]
        rows = []
        for step in range(self.steps):
            acc = dot(x[:, step], self.weights) + self.bias
            fed = saturated(requantize(acc, self.multiplier, self.shift))
            acc = dot(hidden, self.recurrent) + self.recurrent_bias
            recurring = saturated(requantize(acc, self.recurrent_multiplier, self.recurrent_shift))
            scaled = requantize(tanh(saturated(fed + recurring)), self.output_multiplier, self.output_shift)
            hidden = clamp(scaled + self.output_zero_point, -128, 127)
            rows.append(hidden)
        return np.concatenate(rows, axis=1)


@dataclass(frozen=True)
class Rnn(GatedOp):
    """``h = tanh(W x + R h + b)``, step by step.

    x is [1, T, I]; h is [1, U], from before the first step; weights are W [U, I], R [U, U] and b [U]. The output is all
    h, [1, T, U].

    Quantization: x and h int8; W and R of 8 bits, zero point 0, per channel or per tensor; b int32 at scale s_x * s_W.
    Both products are brought to Q3.12 and added, saturating; tanh is TFLite's for int16 (:mod:`mcuq.ops.int16`).
    TensorFlow Lite Micro has no int8 simple RNN.

    - C1: the shapes are those above, for one T, I and U; the batch is 1.
    - C2: the accumulator of every channel of both products stays within int32 for all inputs.
    - C3: h as it goes in has the quantization of h as it comes out.
    - C4: weight zero points are 0; scales lie along dimension 0.
    """

    name: ClassVar[str] = "rnn"
    operands: ClassVar[int | None] = 2
    gates: ClassVar[int] = 1

    def step(self, fed: Real, states: Sequence[Real], recurrent: Real, *bias: Real) -> tuple[Real, ...]:
        """See :meth:`GatedOp.step`: the hidden state."""
        return (np.tanh(fed + states[0] @ recurrent.T),)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x, hidden, *constants = inputs
        weights, recurrent, *bias = cast(list[QConstant], constants)
        check_hidden(hidden, output)
        fed, recurring = gate_products(x, weights, *bias), gate_products(hidden, recurrent)
        multiplier, shift = quantize_multiplier(UNIT_SCALE / output.scale)
        check_room(1 << 15, multiplier, shift)
        return RnnParams(
            steps=output.shape[1],
            input_c=x.shape[2],
            units=output.shape[2],
            output_multiplier=multiplier,
            output_shift=shift,
            output_zero_point=output.zero_point,
            weights=fed.weights,
            recurrent=recurring.weights,
            bias=fed.bias,
            recurrent_bias=recurring.bias,
            multiplier=fed.multiplier,
            shift=fed.shift,
            recurrent_multiplier=recurring.multiplier,
            recurrent_shift=recurring.shift,
            logistic=logistic_table(),
        )
