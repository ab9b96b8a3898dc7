"""The larger or the smaller of two bytes: what maximum, minimum and the logical operators share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import Operand, Overlap, Params, i32, i32x4, scale_of
from mcuq.ops.broadcast import broadcast, expand, operand_overlap
from mcuq.tensor import Array, QTensor


@dataclass(frozen=True, eq=False)
class ExtremumParams(Params):
    """The larger or the smaller integer of each pair."""

    kernel: ClassVar[str] = "extremum_s8"

    shape: i32x4  # of the output, outermost first
    strides_a: i32x4  # in elements; 0 repeats
    strides_b: i32x4
    largest: i32  # 1: of each pair the larger, 0: the smaller

    def overlap(self, operand: int) -> Overlap | None:
        """See :meth:`Params.overlap`."""
        return operand_overlap(self.shape, self.strides_b if operand else self.strides_a)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        a = expand(inputs[0], self.shape, self.strides_a)
        b = expand(inputs[1], self.shape, self.strides_b)
        return (np.maximum if self.largest else np.minimum)(a, b).reshape(len(inputs[0]), -1)


def extremum(inputs: Sequence[Operand], output: QTensor, *, largest: bool) -> Params:
    """Return the parameters for two operands of the output's quantization.

    Raises:
        CannotQuantizeError: for another quantization.
    """
    a, b = inputs
    for operand in inputs:
        same_quantization(operand, output)
    shape, strides_a, strides_b = broadcast(a.shape, b.shape)
    return ExtremumParams(shape=shape, strides_a=strides_a, strides_b=strides_b, largest=int(largest))


def same_quantization(operand: Operand, output: QTensor) -> None:
    """Refuse an operand whose integers do not mean what the output's do."""
    given, wanted = (scale_of(operand), operand.zero_point), (output.scale, output.zero_point)
    if given != wanted:
        raise CannotQuantizeError(
            f"an operand has (scale, zero point) {given}, the output {wanted}; they must be equal: quantize again"
        )
