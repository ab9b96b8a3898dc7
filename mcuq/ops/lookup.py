"""Element-wise functions of one byte: 256 results computed at compile time, one kernel for all of them.

An op whose output byte depends on one input byte alone (logistic, hard swish, requantize, ...) writes only
its integer formula, ``table``; the formula is evaluated here once per possible input, never on the chip.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.fixedpoint import Int64
from mcuq.ops.base import IN_PLACE, Op, Operand, Overlap, Params, Real, i8_table, i32
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class LookupParams(Params):
    """``output = table[input as an unsigned byte]``; bytes may be int8 or uint8 on either side."""

    kernel: ClassVar[str] = "lookup_s8"

    elements: i32
    table: i8_table  # (256), indexed by the input's byte, holding the output's byte

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return IN_PLACE

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self.table[inputs[0].view(np.uint8)]


@dataclass(frozen=True)
class LookupOp(Op):
    """An op that :class:`LookupParams` computes; subclasses define ``forward`` and ``table``."""

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        return inputs[0]

    @abstractmethod
    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """Compute the output integers, saturated to the output's limits, of input integers ``q``, same shape."""

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x = cast(QTensor, inputs[0])
        codes = np.arange(256, dtype=np.uint8).view(x.dtype)
        results = self.table(codes.astype(np.int64), x, output)
        return LookupParams(elements=x.elements, table=results.astype(output.dtype).view(np.int8))


@dataclass(frozen=True)
class RealLookupOp(LookupOp):
    """A lookup without an integer formula: ``forward`` in float64, rounded half away from zero, saturated.

    Inputs below ``defined_from`` are taken as it; what is still not a number becomes 0.
    """

    defined_from: ClassVar[float] = -math.inf

    def table(self, q: Int64, x: QTensor, output: QTensor) -> Int64:
        """See :meth:`LookupOp.table`."""
        inputs = np.maximum((q - x.zero_point) * np.float64(x.scale), self.defined_from)
        real = self.compute(inputs)
        with np.errstate(over="ignore"):
            steps = np.where(np.isnan(real), 0.0, real) / output.scale
        return quantized(steps, output)


def quantized(steps: Real, output: QTensor) -> Int64:
    """Round multiples of the output's scale to its integers, half away from zero, saturated."""
    rounded = np.copysign(np.floor(np.abs(steps.astype(np.float64)) + 0.5), steps)
    return np.asarray(np.clip(rounded + output.zero_point, *output.limits), np.int64)
