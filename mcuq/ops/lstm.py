"""Long short-term memory: a layer that is run step by step, and what it remembers between steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.fixedpoint import Int64, clamp, quantize_multiplier, requantize
from mcuq.ops.accumulator import check_room, dot
from mcuq.ops.base import Operand, Params, Real, i8_table, i32, i32_table, scale_of, u16_table
from mcuq.ops.int16 import UNIT_SCALE, logistic, logistic_table, saturated, tanh
from mcuq.ops.recurrent import STATE_POWERS, GatedOp, check_hidden, gate_products, power_of, real_logistic
from mcuq.tensor import Array, QConstant, QTensor

GATES = 4  # input, forget, cell, output: in this order along the weights' first dimension


@dataclass(frozen=True, eq=False)
class LstmParams(Params):
    """Portable kernel: every gate is two sums of products in 16 bits, added, and a function of that."""

    kernel: ClassVar[str] = "lstm_s8"

    steps: i32
    input_c: i32
    units: i32
    tanh_shift: i32  # left, of the cell to Q3.12
    cell_clip: i32  # of its integers; 0: none
    forget_shift: i32  # of 2^-16 times forget gate and cell
    input_shift: i32  # of 2^-16 times input and cell gate
    output_multiplier: i32
    output_shift: i32
    output_zero_point: i32
    weights: i8_table  # (4, units, input_c)
    recurrent: i8_table  # (4, units, units)
    bias: i32_table  # (4, units), the input's zero point included
    recurrent_bias: i32_table  # (4, units), that of the hidden state's zero point
    multiplier: i32_table  # (4, units)
    shift: i8_table  # (4, units)
    recurrent_multiplier: i32_table  # (4, units)
    recurrent_shift: i8_table  # (4, units)
    logistic: u16_table  # (256)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return 2 * GATES * self.units

    def writes_over(self, operand: int, output: int) -> bool:
        """See :meth:`Params.writes_over`: the cell changes in its place."""
        return (operand, output) == (2, 1)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self.run_all(*inputs)[0]

    def run_all(self, *inputs: Array) -> tuple[Array, ...]:
        """See :meth:`Params.run_all`."""
        x = inputs[0].reshape(-1, self.steps, self.input_c)
        hidden, cell = inputs[1], inputs[2].astype(np.int64)
        rows = []
        for step in range(self.steps):
            hidden, cell = self._step(x[:, step], hidden, cell)
            rows.append(hidden)
        return np.concatenate(rows, axis=1), cell.astype(np.int16)

    def _step(self, x: Array, hidden: Array, cell: Int64) -> tuple[Array, Int64]:
        """Return the hidden state, int8 [samples, units], and the cell after one step."""
        acc = dot(x, self.weights.reshape(-1, self.input_c)) + self.bias.ravel()
        fed = saturated(requantize(acc, self.multiplier.ravel(), self.shift.ravel()))
        acc = dot(hidden, self.recurrent.reshape(-1, self.units)) + self.recurrent_bias.ravel()
        recurring = saturated(requantize(acc, self.recurrent_multiplier.ravel(), self.recurrent_shift.ravel()))
        in_, forget, fresh, out = np.split(saturated(fed + recurring), GATES, axis=1)
        kept = saturated(requantize(logistic(forget) * cell, 1 << 30, self.forget_shift))
        added = saturated(requantize(logistic(in_) * tanh(fresh), 1 << 30, self.input_shift))
        cell = saturated(kept + added)
        if self.cell_clip:
            cell = np.clip(cell, -self.cell_clip, self.cell_clip)
        scaled = requantize(tanh(cell, self.tanh_shift) * logistic(out), self.output_multiplier, self.output_shift)
        return clamp(scaled + self.output_zero_point, -128, 127), cell


@dataclass(frozen=True)
class Lstm(GatedOp):
    """``i, f, o = logistic(W x + R h + b); g = tanh(W x + R h + b); c = f c + i g; h = o tanh(c)``, step by step.

    x is [1, T, I]; h and c are [1, U], from before the first step; weights W [4 U, I], R [4 U, U] and b [4 U] hold the
    gates i, f, g, o one after the other. The outputs are all h, [1, T, U], and the last c.

    Quantization: x and h int8, c int16 of a power of two as scale; W and R of 8 bits, zero point 0, per channel or per
    tensor; b int32 at scale s_x * s_W. Both products are brought to Q3.12 and added, saturating; the functions are
    TFLite's for int16 (:mod:`mcuq.ops.int16`). Equal to TensorFlow Lite Micro's UNIDIRECTIONAL_SEQUENCE_LSTM, byte for
    byte.

    - C1: the shapes are those above, for one T, I and U; the batch is 1.
    - C2: the accumulator of every channel of both products stays within int32 for all inputs.
    - C3: h as it goes in has the quantization of h as it comes out, so has c; its scale is 2^-15 to 2^-9, zero point 0.
    - C4: weight zero points are 0; scales lie along dimension 0.
    """

    name: ClassVar[str] = "lstm"
    operands: ClassVar[int | None] = 3
    wide_operands: ClassVar[tuple[int, ...]] = (2,)
    wide_outputs: ClassVar[tuple[int, ...]] = (1,)
    remembered: ClassVar[int] = 2
    gates: ClassVar[int] = GATES
    last: ClassVar[tuple[int, ...]] = (1,)

    cell_clip: float = 0.0  # in real numbers; 0: none

    def __post_init__(self) -> None:
        """Refuse a limit that no cell keeps to."""
        if self.cell_clip < 0:
            raise ValueError(f"the cell's limit is {self.cell_clip}; it must be positive, or 0 for none")

    def step(self, fed: Real, states: Sequence[Real], recurrent: Real, *bias: Real) -> tuple[Real, ...]:
        """See :meth:`GatedOp.step`: hidden state and cell."""
        hidden, cell = states
        in_, forget, fresh, out = np.split(fed + hidden @ recurrent.T, GATES, axis=1)
        cell = real_logistic(forget) * cell + real_logistic(in_) * np.tanh(fresh)
        if self.cell_clip:
            cell = np.clip(cell, -self.cell_clip, self.cell_clip)
        return real_logistic(out) * np.tanh(cell), cell

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x, hidden, cell = inputs[:3]
        check_states(hidden, cell, output)
        fed = gate_products(x, *cast(tuple[QConstant, ...], (inputs[3], *inputs[5:])))
        recurring = gate_products(hidden, cast(QConstant, inputs[4]))
        power = math.frexp(scale_of(cell))[1] - 1
        clip = min(int(self.cell_clip / 2.0**power), 32767)
        if self.cell_clip and not clip:
            raise UnsupportedOperatorError(
                f"the cell is limited to {self.cell_clip:g}, less than a step of it, {2.0**power:g}: it would stay 0"
            )
        multiplier, shift = quantize_multiplier(UNIT_SCALE * UNIT_SCALE / output.scale)
        check_room(1 << 30, multiplier, shift)
        return LstmParams(
            steps=output.shape[1],
            input_c=x.shape[2],
            units=output.shape[2],
            tanh_shift=power + 12,
            cell_clip=clip,
            forget_shift=quantize_multiplier(UNIT_SCALE)[1],
            input_shift=quantize_multiplier(UNIT_SCALE * UNIT_SCALE / 2.0**power)[1],
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


def check_states(hidden: Operand, cell: Operand, output: QTensor) -> None:
    """Refuse states that are not quantized as the layer needs them; C3."""
    check_hidden(hidden, output)
    if power_of(cell) not in STATE_POWERS:
        raise UnsupportedOperatorError(
            f"the cell has scale {scale_of(cell):g} and zero point {cell.zero_point}; needed are a power of two from "
            "2^-15 to 2^-9, and 0"
        )
