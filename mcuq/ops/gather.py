"""Elements at constant places along a dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Operand, Params, PlacedOp, Real, i32, i32_table
from mcuq.ops.extremum import same_quantization
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class GatherParams(Params):
    """Rows are copied, each from the place that its index says."""

    kernel: ClassVar[str] = "gather_s8"

    outer: i32
    depth: i32  # rows of the input
    count: i32  # of the output
    inner: i32  # bytes of a row
    indices: i32_table  # (count)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.outer, self.depth, self.inner)
        return x[:, :, self.indices].reshape(len(x), -1)


@dataclass(frozen=True)
class Gather(PlacedOp):
    """``y[i] = x[indices[i]] along axis``, for constant indices; mirrored and repeated borders are such.

    Quantization: bytes are copied.

    - C1: the axis and the indices exist in the input.
    - C2: input and output have the same scale and zero point.
    """

    name: ClassVar[str] = "gather"
    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True

    indices: tuple[int, ...]  # counted from the start
    axis: int = -1  # a negative one counts from the end

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape with as many elements along the axis as there are indices; C1."""
        axis = self._along(inputs[0])
        return (*inputs[0][:axis], len(self.indices), *inputs[0][axis + 1 :])

    def _along(self, shape: Shape) -> int:
        if not -len(shape) <= self.axis < len(shape):
            raise ValueError(f"axis {self.axis} of {len(shape)} dimensions")
        size = shape[self.axis]
        if not self.indices or not 0 <= min(self.indices) <= max(self.indices) < size:
            raise ValueError(f"indices {self.indices[:8]} of {size} elements")
        return self.axis % len(shape)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        return np.take(inputs[0], self.indices, axis=1 + self._along(inputs[0].shape[1:]))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        x = inputs[0]
        same_quantization(x, output)
        axis = self._along(x.shape)
        return GatherParams(
            outer=math.prod(x.shape[:axis]),
            depth=x.shape[axis],
            count=len(self.indices),
            inner=math.prod(x.shape[axis + 1 :]),
            indices=np.array(self.indices, np.int32),
        )
