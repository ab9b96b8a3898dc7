"""Normalization of rows to length 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import clamp, requantize
from mcuq.ops.base import Op, Operand, Params, Real, i32
from mcuq.ops.inverse_sqrt import inverse_sqrt
from mcuq.tensor import Array, QTensor, Shape

FRACTION = 7  # the output's scale is 2^-7
MOST = 1 << 15


@dataclass(frozen=True, eq=False)
class L2NormParams(Params):
    """Every row times the inverse root of its sum of squares."""

    kernel: ClassVar[str] = "l2_norm_s8"

    rows: i32
    depth: i32
    input_zero_point: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.depth).astype(np.int64) - self.input_zero_point
        multiplier, shift = inverse_sqrt((x * x).sum(axis=1, keepdims=True))
        return clamp(requantize(x, multiplier, shift + FRACTION), -128, 127).reshape(inputs[0].shape)


@dataclass(frozen=True)
class L2Norm(Op):
    """``y = x / sqrt(sum(x * x))`` over the last dimension; 0 where all are.

    Quantization: output scale 1/128, zero point 0, as TFLite's int8 L2_NORMALIZATION.

    - C1: the output's scale is 1/128 and its zero point 0.
    - C2: a row has at most 32767 elements, so that the sum of squares stays within int32.
    """

    name: ClassVar[str] = "l2_norm"
    fixed_output: ClassVar[QTensor | None] = QTensor((), 1 / 128, 0)

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape, which has at least one dimension."""
        if not inputs[0]:
            raise ValueError("needs at least one dimension")
        return inputs[0]

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        length = np.sqrt((inputs[0] * inputs[0]).sum(axis=-1, keepdims=True))
        return np.asarray(inputs[0] / np.where(length == 0, 1, length))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C1, C2."""
        x = inputs[0]
        if (output.scale, output.zero_point) != (1 / 128, 0):
            raise CannotQuantizeError(
                f"L2 norm needs output scale 1/128 and zero point 0, not {output.scale:g} and {output.zero_point}"
            )
        depth = x.shape[-1]
        if depth >= MOST:
            raise CannotQuantizeError(f"an L2 norm over {depth} elements; at most {MOST - 1} are supported")
        return L2NormParams(rows=math.prod(x.shape) // depth, depth=depth, input_zero_point=x.zero_point)
