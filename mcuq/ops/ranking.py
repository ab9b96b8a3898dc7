"""The largest or smallest values along a dimension, in order, or their places: what top_k and arg_top_k share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Operand, Params, PlacedOp, Real, i32
from mcuq.tensor import Array, Shape


@dataclass(frozen=True, eq=False)
class TopKParams(Params):
    """The first ``count`` of every row in order of value, then of place: the integers, or their indices minus 128."""

    kernel: ClassVar[str] = "top_k_s8"

    outer: i32
    depth: i32  # of a row
    inner: i32  # distance of a row's elements
    count: i32  # at most depth
    largest: i32  # 1: the largest first, 0: the smallest
    indices: i32  # 1: indices, 0: values

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.outer, self.depth, self.inner)
        places = ranked(x, 2, self.count, largest=bool(self.largest))
        result = places - 128 if self.indices else np.take_along_axis(x, places, axis=2)
        return result.astype(np.int8).reshape(len(x), -1)


def ranked(x: Array, axis: int, count: int, *, largest: bool) -> Array:
    """Return where the first ``count`` along an axis are, of equal ones the first in front."""
    keys = -x.astype(np.float64) if largest else x
    return np.take(np.argsort(keys, axis=axis, kind="stable"), range(count), axis=axis)


@dataclass(frozen=True)
class RankingOp(PlacedOp):
    """An operator that makes a few of all elements along a dimension."""

    count: int
    axis: int = -1  # a negative one counts from the end
    largest: bool = True

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape with ``count`` elements along the axis; C1."""
        axis = self.along(inputs[0])
        return (*inputs[0][:axis], self.count, *inputs[0][axis + 1 :])

    def along(self, shape: Shape) -> int:
        """Return the dimension, counted from the start."""
        if not -len(shape) <= self.axis < len(shape):
            raise ValueError(f"axis {self.axis} of {len(shape)} dimensions")
        if not 1 <= self.count <= shape[self.axis]:
            raise ValueError(f"the first {self.count} of {shape[self.axis]} elements")
        return self.axis % len(shape)

    def places(self, x: Real) -> Array:
        """Return the places in [samples, *shape]."""
        return ranked(x, 1 + self.along(x.shape[1:]), self.count, largest=self.largest)

    def params(self, x: Operand, *, indices: bool) -> Params:
        """Return the kernel's parameters."""
        axis = self.along(x.shape)
        return TopKParams(
            outer=math.prod(x.shape[:axis]),
            depth=x.shape[axis],
            inner=math.prod(x.shape[axis + 1 :]),
            count=self.count,
            largest=int(self.largest),
            indices=int(indices),
        )
