"""The place of the largest or smallest value along a dimension: what arg_max and arg_min share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import Operand, Params, PlacedOp, i32
from mcuq.tensor import Array, QTensor, Shape

INDEX = QTensor((), 1.0, -128)  # 0 to 255
MOST = 256


@dataclass(frozen=True, eq=False)
class ArgExtremumParams(Params):
    """The index of the first largest or smallest of every row, minus 128."""

    kernel: ClassVar[str] = "arg_extremum_s8"

    outer: i32
    depth: i32  # of a row, at most 256
    inner: i32  # distance of a row's elements
    largest: i32  # 1: the index of the largest, 0: that of the smallest

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.outer, self.depth, self.inner)
        index = x.argmax(axis=2) if self.largest else x.argmin(axis=2)
        return np.asarray(index - MOST // 2, np.int8).reshape(len(x), -1)


@dataclass(frozen=True)
class ArgOp(PlacedOp):
    """An operator that makes the index of one element of all along a dimension."""

    fixed_output: ClassVar[QTensor | None] = INDEX

    axis: int = -1  # a negative one counts from the end
    keep_dims: bool = False

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Drop the dimension, or set it to 1; C1."""
        axis = self.along(inputs[0])
        return (*inputs[0][:axis], *((1,) if self.keep_dims else ()), *inputs[0][axis + 1 :])

    def along(self, shape: Shape) -> int:
        """Return the dimension, counted from the start."""
        if not -len(shape) <= self.axis < len(shape):
            raise ValueError(f"axis {self.axis} of {len(shape)} dimensions")
        return self.axis % len(shape)

    def params(self, inputs: Sequence[Operand], *, largest: bool) -> Params:
        """Return the kernel's parameters; C2."""
        shape = inputs[0].shape
        axis = self.along(shape)
        if shape[axis] > MOST:
            raise CannotQuantizeError(f"an index of {shape[axis]} elements does not fit a byte; at most {MOST} do")
        outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
        return ArgExtremumParams(outer=outer, depth=shape[axis], inner=inner, largest=int(largest))
