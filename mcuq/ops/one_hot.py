"""One element of many set, by a computed index."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from mcuq.ops.base import Operand, Params, PlacedOp, Real, i32
from mcuq.ops.indices import index_multiplier, whole
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class OneHotParams(Params):
    """``on`` at the place of each index, rounded, ``off`` elsewhere."""

    kernel: ClassVar[str] = "one_hot_s8"

    outer: i32
    depth: i32  # places
    inner: i32  # distance of an index's places
    zero_point: i32  # of the indices
    multiplier: i32  # what makes them whole numbers
    shift: i32
    on: i32
    off: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        index = whole(inputs[0], self.zero_point, self.multiplier, self.shift)
        hot = index.reshape(-1, self.outer, 1, self.inner) == np.arange(self.depth).reshape(-1, 1)
        return np.where(hot, self.on, self.off).astype(np.int8).reshape(len(index), -1)


@dataclass(frozen=True)
class OneHot(PlacedOp):
    """``y[i] = on where x = i, else off``, along a new axis of depth elements.

    Quantization: an index is the nearest integer of ``s_in (q - z_in)``; on and off are quantized as the output.
    TensorFlow Lite Micro has no int8 one-hot.

    - C1: the axis is one of the output's, and it has at least one element.
    - C2: steps of the indices are at most 1.
    """

    name: ClassVar[str] = "one_hot"

    depth: int
    axis: int = -1  # a negative one counts from the end of the output's
    on: float = 1.0
    off: float = 0.0

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape with the new axis; C1."""
        axis = self._along(inputs[0])
        return (*inputs[0][:axis], self.depth, *inputs[0][axis:])

    def _along(self, shape: Shape) -> int:
        rank = len(shape) + 1
        if not -rank <= self.axis < rank or self.depth < 1:
            raise ValueError(f"axis {self.axis} of {rank} dimensions, of {self.depth} elements")
        return self.axis % rank

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        axis = 1 + self._along(inputs[0].shape[1:])
        places = np.arange(self.depth).reshape(-1, *(1,) * (inputs[0].ndim - axis))
        return np.where(np.expand_dims(np.rint(inputs[0]), axis) == places, self.on, self.off).astype(np.float32)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        x = cast(QTensor, inputs[0])
        axis = self._along(x.shape)
        multiplier, shift = index_multiplier(x)
        on, off = output.quantize(np.array([self.on, self.off])).tolist()
        return OneHotParams(
            outer=math.prod(x.shape[:axis]),
            depth=self.depth,
            inner=math.prod(x.shape[axis:]),
            zero_point=x.zero_point,
            multiplier=multiplier,
            shift=shift,
            on=on,
            off=off,
        )
