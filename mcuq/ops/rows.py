"""Some of the rows of a tensor, where they lie or at the front of other memory: what layers on strips read and keep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import IN_PLACE, Op, Operand, Overlap, Params, Real, i32, scale_of
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class RowsParams(Params):
    """Bytes from an offset on: a view, or a copy where they cannot stay."""

    kernel: ClassVar[str] = "rows_s8"
    is_view: ClassVar[bool] = True

    offset: i32
    bytes: i32

    @property
    def view_offset(self) -> int:
        """See :attr:`Params.view_offset`."""
        return self.offset

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`: bytes move to their place or towards the front."""
        return IN_PLACE

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return inputs[0][:, self.offset : self.offset + self.bytes].copy()


class MovedRowsParams(RowsParams):
    """The copy itself, even where a view would do."""

    is_view: ClassVar[bool] = False


@dataclass(frozen=True)
class Rows(Op):
    """``y = x[begin], x[begin + 1], ...``: ``count`` rows of x.

    What layers that are computed in strips of rows read of a value, or, ``moved`` into other memory, keep of it. With
    ``arrives`` x is the model's input, of which the rows come from outside one after the other
    (:mod:`mcuq.plan.arrivals`). No file brings it, TensorFlow Lite Micro has no int8 twin of it.

    Quantization: bytes stay where they are, or are copied, in place where the input is needed no more.

    - C1: dimension 0 has one element; rows lie along dimension 1, and the input has them.
    - C2: input and output have the same scale, zero point and type.
    """

    name: ClassVar[str] = "rows"
    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True
    takes_uint8: ClassVar[bool] = True

    begin: int = 0
    count: int = 1
    moved: bool = False
    arrives: bool = False

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the shape with fewer rows; C1."""
        x = inputs[0]
        if len(x) < 2 or x[0] != 1 or not 0 <= self.begin < self.begin + self.count <= x[1]:
            raise ValueError(f"{x} does not have {self.count} rows from {self.begin} on")
        return (1, self.count, *x[2:])

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return inputs[0][:, :, self.begin : self.begin + self.count]

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        x = inputs[0]
        dtype = x.dtype if isinstance(x, QTensor) else x.values.dtype.name
        given, wanted = (scale_of(x), x.zero_point, dtype), (output.scale, output.zero_point, output.dtype)
        if given != wanted:
            raise CannotQuantizeError(
                f"the input has (scale, zero point, type) {given}, the output {wanted}; must be equal"
            )
        row = math.prod(output.shape[2:])
        kind = MovedRowsParams if self.moved else RowsParams
        return kind(offset=self.begin * row, bytes=output.elements)
