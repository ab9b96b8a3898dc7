"""Subtraction of two tensors, with broadcasting and a fused activation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import clamp, requantize
from mcuq.ops.add import LEFT_SHIFT, Add, RescaledParams
from mcuq.ops.base import Op, Operand, Params, Real, activate
from mcuq.ops.broadcast import broadcast, broadcast_shape, expand
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class SubParams(RescaledParams):
    """The second rescaled operand is subtracted from the first; no kind of addition, whose kernels would take it."""

    kernel: ClassVar[str] = "sub_s8"

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        a = expand(inputs[0], self.shape, self.strides_a).astype(np.int64) - self.zero_point_a
        b = expand(inputs[1], self.shape, self.strides_b).astype(np.int64) - self.zero_point_b
        difference = requantize(a << LEFT_SHIFT, self.multiplier_a, self.shift_a)
        difference = difference - requantize(b << LEFT_SHIFT, self.multiplier_b, self.shift_b)
        scaled = requantize(difference, self.output_multiplier, self.output_shift) + self.output_zero_point
        return clamp(scaled, self.activation_min, self.activation_max).reshape(a.shape[0], -1)


@dataclass(frozen=True)
class Sub(Op):
    """``y = act(a - b)``, numpy broadcasting.

    Quantization: as add's. The rescaled operands are subtracted, as TFLite's int8 SUB does; adding with a
    negated multiplier is not the same, for ties of the high multiply go towards plus infinity. Revisions of
    TensorFlow Lite Micro differ in the precision of the multipliers: mcuq computes in double, as the oracle does.

    - C1: after merging, broadcasting needs at most four dimensions.
    """

    name: ClassVar[str] = "sub"
    operands: ClassVar[int | None] = 2

    activation: str = "none"

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the broadcast shape; C1."""
        broadcast(*inputs)
        return broadcast_shape(*inputs)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return activate(self.activation, inputs[0] - inputs[1])

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        return SubParams(**vars(Add(self.activation).lower(inputs, output)))
