"""Addition kernel: both operands through tables that are made in the scratch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import clamp, requantize
from mcuq.kernels.channels import FAST_EXPONENTS, FAST_LIMIT
from mcuq.kernels.layer import Layer
from mcuq.ops.add import AddParams
from mcuq.ops.base import IN_PLACE, Overlap, Params, i32
from mcuq.tensor import Array

LEFT_SHIFT = 20
VALUES = np.arange(-128, 128)
MIN_ELEMENTS = 512  # about as many additions as making the tables costs instructions


@dataclass(frozen=True, eq=False)
class AddLanesParams(Params):
    """Two tensors of one shape."""

    kernel: ClassVar[str] = "add_s8_lanes"

    elements: i32
    zero_point_a: i32
    zero_point_b: i32
    multiplier_a: i32
    multiplier_b: i32
    shift_a: i32
    shift_b: i32
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32
    activation_min: i32
    activation_max: i32

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return 2 * VALUES.size * 4

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return IN_PLACE

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        table_a, table_b = self.worths()
        total = table_a[inputs[0].astype(np.int64) + 128] + table_b[inputs[1].astype(np.int64) + 128]
        scaled = requantize(total, self.output_multiplier, self.output_shift) + self.output_zero_point
        return clamp(scaled, self.activation_min, self.activation_max)

    def worths(self) -> tuple[Array, Array]:
        """Return what the values -128..127 of either operand are worth on the common scale."""
        a, b = ((VALUES - zero_point) << LEFT_SHIFT for zero_point in (self.zero_point_a, self.zero_point_b))
        return requantize(a, self.multiplier_a, self.shift_a), requantize(b, self.multiplier_b, self.shift_b)


def take(layer: Layer[AddParams]) -> Params | None:
    """Return the kernel for an addition, or None: repeated or few elements, unusual scales."""
    p = layer.params
    elements = int(np.prod(p.shape))
    if p.shape[3] != elements or p.strides_a != p.strides_b or elements < MIN_ELEMENTS:
        return None
    params = AddLanesParams(
        elements=elements,
        zero_point_a=p.zero_point_a,
        zero_point_b=p.zero_point_b,
        multiplier_a=p.multiplier_a,
        multiplier_b=p.multiplier_b,
        shift_a=p.shift_a,
        shift_b=p.shift_b,
        output_zero_point=p.output_zero_point,
        output_multiplier=p.output_multiplier,
        output_shift=p.output_shift,
        activation_min=p.activation_min,
        activation_max=p.activation_max,
    )
    largest = sum(int(np.abs(worths).max()) for worths in params.worths())
    low, high = FAST_EXPONENTS
    return params if low <= -p.output_shift <= high and largest < FAST_LIMIT and p.output_multiplier >= 0 else None
