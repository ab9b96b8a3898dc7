"""Running sums along a dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import INT32_MAX, clamp, quantize_multiplier, requantize
from mcuq.ops.base import Operand, Params, PlacedOp, Real, i32
from mcuq.tensor import Array, QTensor, Shape

LEFT_SHIFT = 19  # of TensorFlow Lite Micro's sums


@dataclass(frozen=True, eq=False)
class CumsumParams(Params):
    """Sums of the centered values up to each place, shifted left, are requantized."""

    kernel: ClassVar[str] = "cumsum_s8"

    outer: i32
    depth: i32  # of what is summed
    inner: i32  # distance of neighbours
    exclusive: i32  # 1: of what is before a place, 0: with its own
    reverse: i32  # 1: from the last place on
    first: i32  # what sums begin with
    left_shift: i32
    input_zero_point: i32
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32
    activation_min: i32
    activation_max: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.outer, self.depth, self.inner).astype(np.int64) - self.input_zero_point
        sums = _running(x, 2, exclusive=bool(self.exclusive), reverse=bool(self.reverse)) + self.first
        scaled = requantize(sums << self.left_shift, self.output_multiplier, self.output_shift)
        return clamp(scaled + self.output_zero_point, self.activation_min, self.activation_max).reshape(len(x), -1)


def _running(x: Array, axis: int, *, exclusive: bool, reverse: bool) -> Array:
    x = np.flip(x, axis) if reverse else x
    sums = np.cumsum(x, axis=axis) - (x if exclusive else 0)
    return np.asarray(np.flip(sums, axis) if reverse else sums)


@dataclass(frozen=True)
class Cumsum(PlacedOp):
    """``y[i] = sum of x[0..i] along axis``; exclusive: without x[i]; reverse: of x[i..n-1].

    Quantization: TFLite's int8 CUMSUM: sums of the centered integers, shifted left by 19 bits, requantized. TensorFlow
    Lite Micro's sums begin with minus the zero point where they should with 0: int8 models of TFLite are ``offset`` as
    the oracle's are, all others begin with 0. Beyond 15 elements its sums may leave int32, which C leaves open: fewer
    bits are shifted then.

    - C1: the axis exists in the input.
    - C2: 255 times one more than the elements along the axis stays within int32.
    """

    name: ClassVar[str] = "cumsum"

    axis: int = -1  # a negative one counts from the end
    exclusive: bool = False
    reverse: bool = False
    offset: bool = False

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape; C1."""
        self._along(inputs[0])
        return inputs[0]

    def _along(self, shape: Shape) -> int:
        if not -len(shape) <= self.axis < len(shape):
            raise ValueError(f"axis {self.axis} of {len(shape)} dimensions")
        return self.axis % len(shape)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        axis = 1 + self._along(inputs[0].shape[1:])
        return _running(inputs[0], axis, exclusive=self.exclusive, reverse=self.reverse)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        x = cast(QTensor, inputs[0])
        axis = self._along(x.shape)
        depth = x.shape[axis]
        if (largest := 255 * (depth + 1)) > INT32_MAX:
            raise CannotQuantizeError(f"the sum of {depth} elements can leave int32")
        left_shift = min(LEFT_SHIFT, int(math.log2(INT32_MAX / largest)))
        multiplier, shift = quantize_multiplier(x.scale / output.scale / (1 << left_shift))
        low, high = output.limits
        return CumsumParams(
            outer=math.prod(x.shape[:axis]),
            depth=depth,
            inner=math.prod(x.shape[axis + 1 :]),
            exclusive=int(self.exclusive),
            reverse=int(self.reverse),
            first=-x.zero_point if self.offset else 0,
            left_shift=left_shift,
            input_zero_point=x.zero_point,
            output_zero_point=output.zero_point,
            output_multiplier=multiplier,
            output_shift=shift,
            activation_min=low,
            activation_max=high,
        )
