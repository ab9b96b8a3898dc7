"""Singular value decomposition filter: features of every step, weighted along time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.errors import CannotQuantizeError, UnsupportedOperatorError
from mcuq.fixedpoint import INT32_MAX, INT32_MIN, clamp, quantize_multiplier, requantize
from mcuq.ops.accumulator import bias_or_zero, check_accumulator, check_room, dot
from mcuq.ops.base import Op, Operand, Params, Real, i8_table, i16_table, i32, i32_table, scale_of
from mcuq.ops.int16 import INT16_MAX, INT16_MIN
from mcuq.tensor import Array, QConstant, QTensor, Shape


@dataclass(frozen=True, eq=False)
class SvdfParams(Params):
    """Portable kernel: a step's features go to the end of each filter's memory, whose oldest value is forgotten."""

    kernel: ClassVar[str] = "svdf_s8"

    input_c: i32
    units: i32
    rank: i32  # filters per unit
    memory: i32  # steps
    state_min: i32
    state_max: i32
    feature_multiplier: i32
    feature_shift: i32
    output_multiplier: i32
    output_shift: i32
    output_zero_point: i32
    features: i8_table  # (units, rank, input_c)
    feature_bias: i32_table  # (units, rank), of the input's zero point
    time: i16_table  # (units, rank, memory), of the newest step last
    bias: i32_table  # (units)

    def writes_over(self, operand: int, output: int) -> bool:
        """See :meth:`Params.writes_over`: the memory moves in its place."""
        return (operand, output) == (1, 1)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self.run_all(*inputs)[0]

    def run_all(self, *inputs: Array) -> tuple[Array, ...]:
        """See :meth:`Params.run_all`."""
        acc = dot(inputs[0].reshape(-1, self.input_c), self.features.reshape(-1, self.input_c))
        fresh = requantize(acc + self.feature_bias.ravel(), self.feature_multiplier, self.feature_shift)
        state = inputs[1].reshape(len(fresh), -1, self.memory).astype(np.int64)
        state = np.concatenate(
            [state[..., 1:], np.clip(fresh, self.state_min, self.state_max)[..., np.newaxis]], axis=2
        )
        weighted = state * self.time.reshape(-1, self.memory).astype(np.int64)
        sums = self.bias.ravel() + weighted.reshape(len(fresh), self.units, -1).sum(axis=2)
        scaled = requantize(np.clip(sums, INT32_MIN, INT32_MAX), self.output_multiplier, self.output_shift)
        said = clamp(scaled + self.output_zero_point, -128, 127)
        return said, state.reshape(len(fresh), -1).astype(np.int16)


@dataclass(frozen=True)
class Svdf(Op):
    """``s' = [s without its oldest step, F x]; y[u] = b[u] + sum over filters f of u and steps t of s'[f, t] T[f, t]``.

    x is [1, I], s is [1, N M]: M steps of N filters, the oldest first; F is [N, I], T [N, M], b [N / rank]. The outputs
    are y, [1, N / rank], and s'.

    Quantization: x, y and F int8, s and T int16, F and T with zero point 0 and per tensor; b int32 at scale s_s * s_T.
    F x is rounded to the state's scale and limited to ``state_min`` and ``state_max``. Equal to TensorFlow Lite Micro's
    SVDF, byte for byte, but for sums that leave int32: there they wrap, here they saturate. A state and T of int8 are
    the same in 16 bits, with narrower limits. TFLM applies no activation to int8: the output's type does.

    - C1: the shapes are those above, with N a multiple of the rank; the batch is 1.
    - C2: the accumulator of every filter stays within int32 for all inputs.
    - C3: the state has the scale of the next state, and zero point 0.
    - C4: zero points of F and T are 0; both have one scale.
    """

    name: ClassVar[str] = "svdf"
    operands: ClassVar[int | None] = 2
    wide_operands: ClassVar[tuple[int, ...]] = (1,)
    wide_outputs: ClassVar[tuple[int, ...]] = (1,)

    rank: int = 1
    state_min: int = INT16_MIN
    state_max: int = INT16_MAX

    def infer_shape(self, *inputs: Shape) -> Shape:
        """[1, I], [1, N M], [N, I], [N, M] (, [N / rank]) to [1, N / rank]; C1."""
        return self.infer_shapes(*inputs)[0]

    def infer_shapes(self, *inputs: Shape) -> tuple[Shape, ...]:
        """See :meth:`Op.infer_shapes`: [1, N / rank] and [1, N M]; C1."""
        (batch, input_c), state, features, time, *bias = inputs
        filters, memory = time
        wanted = ((1, filters * memory), (filters, input_c))
        if batch != 1 or (state, features) != wanted or self.rank < 1 or filters % self.rank:
            raise ValueError(f"batch 1 and shapes {wanted} are needed, and filters that {self.rank} divides")
        if bias and math.prod(bias[0]) != filters // self.rank:
            raise ValueError(f"the bias has {math.prod(bias[0])} elements for {filters // self.rank} units")
        return (1, filters // self.rank), state

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return self.forward_all(*inputs)[0]

    def forward_all(self, *inputs: Real) -> tuple[Real, ...]:
        """See :meth:`Op.forward_all`."""
        x, state, features, time, *bias = inputs
        kept = state.reshape(-1, *time.shape)[..., 1:]
        fresh = x[:, 0] @ features.T
        kept = np.broadcast_to(kept, (len(fresh), *kept.shape[1:]))
        new = np.concatenate([kept, fresh[..., np.newaxis]], axis=2)
        said = (new * time).reshape(len(fresh), len(time) // self.rank, -1).sum(axis=2)
        return (said + (bias[0].ravel() if bias else 0.0))[:, np.newaxis], new.reshape(len(fresh), 1, -1)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x, state, features, time = inputs[0], inputs[1], *cast(tuple[QConstant, ...], tuple(inputs[2:4]))
        if state.zero_point != 0:
            raise UnsupportedOperatorError(f"the state has zero point {state.zero_point}, it must be 0")
        if features.zero_point != 0 or time.zero_point != 0:
            raise CannotQuantizeError(
                f"weights have zero points {features.zero_point}, {time.zero_point}; both must be 0"
            )
        units, (filters, memory) = output.elements, time.values.shape
        none = np.zeros(filters, np.int32)
        tensor = x if isinstance(x, QTensor) else QTensor(x.shape, scale_of(x), x.zero_point)
        check_accumulator(features.values, none, tensor)
        own = -tensor.zero_point * features.values.astype(np.int64).sum(axis=1)
        first = _factor(scale_of(x), scale_of(features), scale_of(state))
        last = _factor(scale_of(state), scale_of(time), output.scale)
        check_room(INT32_MAX, *last)
        return SvdfParams(
            input_c=x.shape[-1],
            units=units,
            rank=self.rank,
            memory=memory,
            state_min=self.state_min,
            state_max=self.state_max,
            feature_multiplier=first[0],
            feature_shift=first[1],
            output_multiplier=last[0],
            output_shift=last[1],
            output_zero_point=output.zero_point,
            features=features.values.astype(np.int8),
            feature_bias=own.astype(np.int32),
            time=time.values.astype(np.int16),
            bias=bias_or_zero(cast(tuple[QConstant, ...], tuple(inputs[4:])), units),
        )

    def macs(self, *inputs: Shape) -> int:
        """Features and their weights along time."""
        return math.prod(inputs[2]) + math.prod(inputs[3])


def _factor(a: float, b: float, divisor: float) -> tuple[int, int]:
    """Return a * b / divisor as multiplier and shift, computed in float32 as TFLM's ``PrepareSvdf`` does."""
    return quantize_multiplier(float(np.float32(a) * np.float32(b) / np.float32(divisor)))
