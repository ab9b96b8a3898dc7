"""Mean over any set of dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import INT32_MAX, clamp, quantize_multiplier, requantize
from mcuq.ops.accumulator import check_room
from mcuq.ops.base import Operand, Params, Real, i32, i32x4
from mcuq.ops.reduction import ReduceOp
from mcuq.tensor import Array, QTensor


@dataclass(frozen=True, eq=False)
class MeanParams(Params):
    """The sum of the centered values is requantized; the multiplier holds the division by their number."""

    kernel: ClassVar[str] = "mean_s8"

    shape: i32x4  # of the input: kept, reduced, kept, reduced
    input_zero_point: i32
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32
    activation_min: i32
    activation_max: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, *self.shape)
        acc = x.sum(axis=(2, 4), dtype=np.int64) - self.shape[1] * self.shape[3] * self.input_zero_point
        scaled = requantize(acc, self.output_multiplier, self.output_shift)
        return clamp(scaled + self.output_zero_point, self.activation_min, self.activation_max).reshape(x.shape[0], -1)


@dataclass(frozen=True)
class Mean(ReduceOp):
    """``y = mean of x over axes``.

    Quantization: multiplier and shift of ``s_in / s_out``; then the multiplier, shifted left by log2 of the number
    of reduced elements as far as the shift allows, is divided by that number and rounded down (TensorFlow Lite
    Micro's ``QuantizedMeanOrSum``; the oracle uses it for every shape, axes and quantization, equal ones included).

    - C1: the axes exist in the input.
    - C2: after merging neighbours, the dimensions are at most kept, reduced, kept, reduced.
    - C3: 255 times the number of reduced elements stays within int32.
    """

    name: ClassVar[str] = "mean"

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.asarray(np.mean(inputs[0], axis=self.of_samples(inputs[0]), keepdims=self.keep_dims))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x = cast(QTensor, inputs[0])
        shape = self.pattern(x)
        multiplier, shift = mean_multiplier(x.scale / output.scale, shape[1] * shape[3], by_shift=output.by_shift)
        check_room(255 * shape[1] * shape[3], multiplier, shift)
        low, high = output.limits
        return MeanParams(
            shape=shape,
            input_zero_point=x.zero_point,
            output_zero_point=output.zero_point,
            output_multiplier=multiplier,
            output_shift=shift,
            activation_min=low,
            activation_max=high,
        )


def mean_multiplier(ratio: float, elements: int, *, by_shift: bool = False) -> tuple[int, int]:
    """Multiplier and shift of ``ratio / elements``; with ``by_shift`` a shift alone for a power of two of elements.

    >>> mean_multiplier(1.0, 4), mean_multiplier(1.0, 3)
    ((1073741824, -1), (715827882, 0))

    Raises:
        CannotQuantizeError: when the sum of so many bytes may leave int32.
    """
    if elements * 255 > INT32_MAX:
        raise CannotQuantizeError(f"the mean of {elements} elements can leave int32; take it in two steps")
    if by_shift and elements & (elements - 1) == 0:
        return quantize_multiplier(ratio / elements, by_shift=True)
    multiplier, shift = quantize_multiplier(ratio)
    headroom = min(elements.bit_length() - 1, 31 + shift)
    return (multiplier << headroom) // elements, shift - headroom
