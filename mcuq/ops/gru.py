"""Gated recurrent unit: a layer that is run step by step, and remembers one number per unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.errors import UnsupportedOperatorError
from mcuq.fixedpoint import Int64, clamp, quantize_multiplier, requantize
from mcuq.ops.accumulator import check_room, dot
from mcuq.ops.base import Operand, Params, Real, i8_table, i32, i32_table, scale_of, u16_table
from mcuq.ops.int16 import UNIT_SCALE, logistic, logistic_table, saturated, tanh
from mcuq.ops.recurrent import STATE_POWERS, GatedOp, gate_products, power_of, real_logistic
from mcuq.tensor import Array, QConstant, QTensor

GATES = 3  # update, reset, new: in this order along the weights' first dimension
ONE = 1 << 15  # in Q0.15


@dataclass(frozen=True, eq=False)
class GruParams(Params):
    """Portable kernel: sums of products in 16 bits, functions of them, and a mean of the old and the new state."""

    kernel: ClassVar[str] = "gru_s8"

    steps: i32
    input_c: i32
    units: i32
    reset_after: i32  # whether the reset gate is applied to the product, or to what goes into it
    kept_shift: i32  # of 2^-16 times update gate and state
    fresh_shift: i32  # of 2^-16 times the rest of the update gate and the new gate
    output_multiplier: i32  # of the state
    output_shift: i32
    reset_multiplier: i32  # of reset gate times state
    reset_shift: i32
    output_zero_point: i32
    weights: i8_table  # (3, units, input_c)
    recurrent: i8_table  # (3, units, units)
    bias: i32_table  # (3, units), the input's zero point included
    recurrent_bias: i32_table  # (3, units), the hidden state's zero point included
    multiplier: i32_table  # (3, units)
    shift: i8_table  # (3, units)
    recurrent_multiplier: i32_table  # (3, units)
    recurrent_shift: i8_table  # (3, units)
    logistic: u16_table  # (256)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`: four sums in 16 bits and a byte per unit."""
        return 9 * self.units

    def writes_over(self, operand: int, output: int) -> bool:
        """See :meth:`Params.writes_over`: the state changes in its place."""
        return (operand, output) == (1, 1)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self.run_all(*inputs)[0]

    def run_all(self, *inputs: Array) -> tuple[Array, ...]:
        """See :meth:`Params.run_all`."""
        x, state = inputs[0].reshape(-1, self.steps, self.input_c), inputs[1].astype(np.int64)
        rows = []
        for step in range(self.steps):
            state = self._step(x[:, step], state)
            rows.append(self._said(state))
        return np.concatenate(rows, axis=1), state.astype(np.int16)

    def _said(self, state: Int64) -> Array:
        """Return a state as int8."""
        return self._in_bytes(requantize(state, self.output_multiplier, self.output_shift))

    def _in_bytes(self, scaled: Int64) -> Array:
        return clamp(scaled + self.output_zero_point, -128, 127)

    def _step(self, x: Array, state: Int64) -> Int64:
        """Return the state, [samples, units], after one step."""
        acc = dot(x, self.weights.reshape(-1, self.input_c)) + self.bias.ravel()
        fed = np.split(saturated(requantize(acc, self.multiplier.ravel(), self.shift.ravel())), GATES, axis=1)
        hidden, gates = self._said(state), slice(0, 2 * self.units)
        recurring = np.split(self._recurring(hidden, gates), 2, axis=1)
        update, reset = (logistic(saturated(a + b)) for a, b in zip(fed[:2], recurring, strict=True))
        new = slice(2 * self.units, 3 * self.units)
        if self.reset_after:
            product = saturated(requantize(reset * self._recurring(hidden, new), 1 << 30, self.kept_shift))
        else:
            left = self._in_bytes(requantize(reset * state, self.reset_multiplier, self.reset_shift))
            product = self._recurring(left, new)
        fresh = tanh(saturated(fed[2] + product))
        kept = requantize(update * state, 1 << 30, self.kept_shift)
        added = requantize((ONE - update) * fresh, 1 << 30, self.fresh_shift)
        return saturated(kept + added)

    def _recurring(self, hidden: Array, channels: slice) -> Int64:
        """Return some channels of the product with the state, in Q3.12."""
        acc = dot(hidden, self.recurrent.reshape(-1, self.units)[channels]) + self.recurrent_bias.ravel()[channels]
        multiplier, shift = self.recurrent_multiplier.ravel()[channels], self.recurrent_shift.ravel()[channels]
        return saturated(requantize(acc, multiplier, shift))


@dataclass(frozen=True)
class Gru(GatedOp):
    """``z, r = logistic(W x + b + R h + c); n = tanh(W x + b + r (R h + c)); h = z h + (1 - z) n``, step by step.

    Without ``reset_after`` it is ``n = tanh(W x + b + R (r h) + c)``. x is [1, T, I]; h is [1, U], from before the
    first step; weights W [3 U, I], R [3 U, U] and biases b, c [3 U] hold z, r, n one after the other. The outputs are
    all h, [1, T, U], and the last one.

    Quantization: x int8; h int16 of a power of two as scale, and int8 where it is an output or goes into a product,
    which needs no more, while sums of many small steps do; W and R of 8 bits, zero point 0, per channel or per tensor;
    b int32 at scale s_x * s_W, c at s_h * s_R. Products are brought to Q3.12 and added, saturating; the functions are
    TFLite's for int16 (:mod:`mcuq.ops.int16`). TensorFlow Lite Micro has no int8 GRU.

    - C1: the shapes are those above, for one T, I and U; the batch is 1.
    - C2: the accumulator of every channel of both products stays within int32 for all inputs.
    - C3: h as it goes in has the quantization of h as it comes out: scale 2^-15 to 2^-9, zero point 0.
    - C4: weight zero points are 0; scales lie along dimension 0.
    """

    name: ClassVar[str] = "gru"
    operands: ClassVar[int | None] = 2
    wide_operands: ClassVar[tuple[int, ...]] = (1,)
    wide_outputs: ClassVar[tuple[int, ...]] = (1,)
    gates: ClassVar[int] = GATES
    last: ClassVar[tuple[int, ...]] = (0,)
    biases: ClassVar[int] = 2

    reset_after: bool = True  # the product; else what goes into it

    def step(self, fed: Real, states: Sequence[Real], recurrent: Real, *bias: Real) -> tuple[Real, ...]:
        """See :meth:`GatedOp.step`: the hidden state."""
        (hidden,), constant = states, bias[0] if bias else np.zeros(len(recurrent), recurrent.dtype)
        units = hidden.shape[1]
        recurring = hidden @ recurrent[: 2 * units].T + constant[: 2 * units]
        update, reset = np.split(real_logistic(fed[:, : 2 * units] + recurring), 2, axis=1)
        weights, offset = recurrent[2 * units :], constant[2 * units :]
        product = reset * (hidden @ weights.T + offset) if self.reset_after else (reset * hidden) @ weights.T + offset
        fresh = np.tanh(fed[:, 2 * units :] + product)
        return (update * hidden + (1 - update) * fresh,)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x, hidden, *constants = inputs
        weights, recurrent, *biases = cast(list[QConstant], constants)
        if power_of(hidden) not in STATE_POWERS:
            raise UnsupportedOperatorError(
                f"the state has scale {scale_of(hidden):g} and zero point {hidden.zero_point}; needed are a power of "
                "two from 2^-15 to 2^-9, and 0"
            )
        fed = gate_products(x, weights, *biases[:1])
        recurring = gate_products(output, recurrent, *biases[1:])
        unit = scale_of(hidden)
        said, reset = (quantize_multiplier(s / output.scale) for s in (unit, UNIT_SCALE * unit))
        check_room(1 << 15, *said)
        check_room(1 << 30, *reset)
        return GruParams(
            steps=output.shape[1],
            input_c=x.shape[2],
            units=output.shape[2],
            reset_after=int(self.reset_after),
            kept_shift=quantize_multiplier(UNIT_SCALE)[1],
            fresh_shift=quantize_multiplier(UNIT_SCALE * UNIT_SCALE / unit)[1],
            output_multiplier=said[0],
            output_shift=said[1],
            reset_multiplier=reset[0],
            reset_shift=reset[1],
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
