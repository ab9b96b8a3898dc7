"""Fully connected layer, applied to every vector of its input, and a fused activation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, cast

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.accumulator import (
    bias_or_zero,
    channel_multipliers,
    check_accumulator,
    check_room,
    counting,
    refined,
)
from mcuq.ops.base import (
    Op,
    Operand,
    Overlap,
    Params,
    Real,
    activate,
    fused_limits,
    i8_table,
    i32,
    i32_table,
)
from mcuq.ops.packing import check_values
from mcuq.ops.products import Products, scaling_of
from mcuq.ops.window import Window, row_overlap
from mcuq.tensor import Array, QConstant, QTensor, Shape


@dataclass(frozen=True, eq=False)
class FullyConnectedParams(Params):
    """Portable kernel: weights OI as they come, one output value at a time."""

    kernel: ClassVar[str] = "fully_connected_s8"

    batch: i32  # vectors
    input_c: i32
    output_c: i32
    input_zero_point: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    reverse: i32  # 1: last vector first, so that the output may lie behind the input
    weights: i8_table  # (output_c, input_c)
    bias: i32_table  # (output_c)
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return row_overlap(self.batch, self.input_c, self.batch, self.output_c, Window(1))

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        vectors = inputs[0].reshape(-1, self.input_c).astype(self._products.dtype)
        return self._products.of(vectors).reshape(len(inputs[0]), -1)

    @cached_property
    def _products(self) -> Products:
        """The layer prepared."""
        return Products(self.weights, self.bias, self.input_zero_point, scaling_of(self))


@dataclass(frozen=True)
class FullyConnected(Op):
    """``y[o] = act(b[o] + sum over inputs of x * w[o])`` for every vector of I elements of x, weights OI.

    The output is [vectors, O]; with ``keep_dims`` it is the input's shape with O in the place of I.

    Quantization: weights of 1 to 8 bits, zero point 0, per channel or per tensor; bias int32 at scale s_in * s_w[o]
    or, of trained integers, up to 64 times finer.
    The multiplier s_in * s_w / s_out is computed in double, also per tensor: so does TFLM's
    ``tflite::micro::GetQuantizedConvolutionMultiplier`` (wheel of commit 8f6596d: found in its machine code and by
    test). TFLite's function of that name, and TFLM's before it had its own, round s_in * s_w to float32 first.

    - C1: weights have shape [O, I]; I divides the input's elements, and is its last dimension with ``keep_dims``.
    - C2: the accumulator of every channel stays within int32 for all inputs.
    - C3: weight zero points are 0.
    - C4: per-channel scales lie along O, dimension 0 of the weights.
    - C5: weights lie within their bits, or in their codebook; 1 to 4 bits are stored packed, at 1, 2 or 4.
    """

    name: ClassVar[str] = "fully_connected"
    weights_axis: ClassVar[int | None] = 0

    keep_dims: bool = False
    activation: str = "none"

    def infer_shape(self, *inputs: Shape) -> Shape:
        """[..., I], [O, I] (, [O]) to [vectors, O] or [..., O]; C1."""
        x, (o, i) = inputs[0], inputs[1]
        elements = math.prod(x)
        if elements % i or (self.keep_dims and x[-1] != i):
            raise ValueError(f"vectors of {i} elements do not fill the input")
        if len(inputs) > 2 and math.prod(inputs[2]) != o:
            raise ValueError(f"the bias has {math.prod(inputs[2])} elements for {o} output channels")
        return (*x[:-1], o) if self.keep_dims else (elements // i, o)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        x, weights = inputs[0], inputs[1]
        y = x.reshape(-1, weights.shape[1]) @ weights.T + (inputs[2] if len(inputs) > 2 else 0.0)
        shape = self.infer_shape(x.shape[1:], weights.shape)
        return activate(self.activation, y).reshape(-1, *shape)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x, weights = cast(QTensor, inputs[0]), cast(QConstant, inputs[1])
        o, i = weights.shape
        if weights.scale.size > 1 and weights.axis != 0:
            raise CannotQuantizeError(f"weights have scales along dimension {weights.axis}; it must be 0")
        constants = cast(tuple[QConstant, ...], tuple(inputs[2:]))
        weights, bias = refined(weights, constants), bias_or_zero(constants, o)
        multiplier, shift = channel_multipliers(x, weights, output)
        bias = counting(bias, multiplier)
        check_room(check_accumulator(weights.values, bias, x), multiplier, shift)
        low, high = fused_limits(self.activation, output)
        check_values(weights.values, weights)
        return FullyConnectedParams(
            batch=x.elements // i,
            input_c=i,
            output_c=o,
            input_zero_point=x.zero_point,
            output_zero_point=output.zero_point,
            activation_min=low,
            activation_max=high,
            per_channel=int(multiplier.size > 1),
            reverse=0,
            weights=weights.values.astype(np.int8),
            bias=bias,
            multiplier=multiplier,
            shift=shift,
        )

    def macs(self, *inputs: Shape) -> int:
        """Input elements times outputs per vector."""
        return math.prod(inputs[0]) * inputs[1][0]
