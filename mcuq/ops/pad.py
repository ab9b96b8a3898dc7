"""Padding with a constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import Op, Operand, Params, Real, i32, i32x4, scale_of
from mcuq.tensor import Array, QConstant, QTensor, Shape


@dataclass(frozen=True, eq=False)
class PadParams(Params):
    """Rows of the last dimension are copied or filled, in the order of the output."""

    kernel: ClassVar[str] = "pad_s8"

    input_shape: i32x4  # outermost first
    before: i32x4  # elements added in front, per dimension
    output_shape: i32x4
    value: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        samples = len(inputs[0])
        y = np.full((samples, *self.output_shape), self.value, np.int8)
        inside = tuple(slice(b, b + n) for b, n in zip(self.before, self.input_shape, strict=True))
        y[(slice(None), *inside)] = inputs[0].reshape(samples, *self.input_shape)
        return y.reshape(samples, -1)


@dataclass(frozen=True)
class Pad(Op):
    """``y = x`` surrounded by a constant: 0, or the one element of a second operand; at most four dimensions.

    Quantization: integers are copied; 0 is the zero point.

    - C1: input and output have the same scale and zero point.
    - C2: nothing is cut off: no padding is negative.
    - C3: a second operand is a constant with the output's scale and zero point.
    """

    name: ClassVar[str] = "pad"
    ties: ClassVar[bool] = True
    of_constants: ClassVar[bool] = True  # rows that are padding alone

    before: tuple[int, ...]  # elements added in front, per dimension
    after: tuple[int, ...]

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the padded shape; C2."""
        x = inputs[0]
        if not len(x) == len(self.before) == len(self.after) <= 4:
            raise ValueError(f"{len(self.before)} paddings for {len(x)} dimensions; at most four are possible")
        if min(self.before + self.after, default=0) < 0:
            raise ValueError(f"paddings {self.before} and {self.after} must not be negative")
        return tuple(b + n + a for b, n, a in zip(self.before, x, self.after, strict=True))

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        value = inputs[1].item() if len(inputs) > 1 else 0.0
        return np.pad(inputs[0], ((0, 0), *zip(self.before, self.after, strict=True)), constant_values=value)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x = cast(QTensor, inputs[0])
        for operand, what in zip(inputs, ("input", "value"), strict=False):
            if (scale_of(operand), operand.zero_point) != (output.scale, output.zero_point):
                raise CannotQuantizeError(
                    f"the {what} has scale {scale_of(operand):g} and zero point {operand.zero_point}, the padded "
                    f"output {output.scale:g} and {output.zero_point}; they must be equal"
                )
        value = int(cast(QConstant, inputs[1]).values.item()) if len(inputs) > 1 else output.zero_point
        missing = 4 - len(x.shape)
        return PadParams(
            input_shape=(1,) * missing + x.shape,
            before=(0,) * missing + self.before,
            output_shape=(1,) * missing + output.shape,
            value=value,
        )
