"""Copies in another order: what transpose and slice share, one kernel for both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops.base import IN_PLACE, Operand, Overlap, Params, i32, i32x4, scale_of
from mcuq.ops.reshape import ReshapeParams
from mcuq.tensor import Array, QTensor, Shape

DIMENSIONS = 4


@dataclass(frozen=True, eq=False)
class StridedCopyParams(Params):
    """Output byte (i, j, k, l) is the input's byte at ``offset`` plus the strides times (i, j, k, l)."""

    kernel: ClassVar[str] = "strided_copy_s8"

    input_bytes: i32
    offset: i32
    shape: i32x4  # of the output, outermost first
    strides: i32x4  # in the input, in bytes

    def overlap(self, operand: int) -> Overlap | None:
        """See :meth:`Params.overlap`: in place where no byte comes from before its place."""
        index = self._index()
        return IN_PLACE if np.all(index >= np.arange(index.size)) else None

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return inputs[0][:, self._index()]

    def _index(self) -> Array:
        """Return where in the input every byte of the output lies."""
        index = np.full(1, self.offset)
        for size, stride in zip(self.shape, self.strides, strict=True):
            index = np.add.outer(index, np.arange(size) * stride).ravel()
        return index


def strides_of(shape: Shape) -> tuple[int, ...]:
    """Return the strides, in elements, of a tensor in its order.

    >>> strides_of((2, 3, 4))
    (12, 4, 1)
    """
    return tuple(math.prod(shape[d + 1 :]) for d in range(len(shape)))


def merge(shape: Shape, strides: Sequence[int]) -> tuple[Shape, tuple[int, ...]]:
    """Drop dimensions of size 1, merge those that lie in the input as in the output, pad to four on the left.

    >>> merge((1, 8, 5, 3), (120, 1, 24, 8))
    ((1, 1, 8, 15), (0, 0, 1, 8))
    >>> merge((1, 3, 5, 8), (120, 40, 8, 1))
    ((1, 1, 1, 120), (0, 0, 0, 1))

    Raises:
        ValueError: for more than four dimensions after merging.
    """
    merged: list[tuple[int, int]] = []
    for size, stride in zip(shape, strides, strict=True):
        if size == 1:
            continue
        if merged and merged[-1][1] == size * stride:
            merged[-1] = (merged[-1][0] * size, stride)
        else:
            merged.append((size, stride))
    if len(merged) > DIMENSIONS:
        raise ValueError(f"copying {shape} with strides {tuple(strides)} needs more than four dimensions")
    merged = [(1, 0)] * (DIMENSIONS - len(merged)) + merged
    return tuple(size for size, _ in merged), tuple(stride for _, stride in merged)


def strided_copy(x: Operand, output: QTensor, offset: int, strides: Sequence[int]) -> Params:
    """Return the parameters of a copy; those of a view where the output is the whole input in its order.

    Args:
        x: the operand.
        output: the result, of the same quantization.
        offset: where in the input the first byte lies.
        strides: in the input, one per dimension of the output.

    Raises:
        CannotQuantizeError: for another quantization.
    """
    dtype = x.dtype if isinstance(x, QTensor) else x.values.dtype.name
    given, wanted = (scale_of(x), x.zero_point, dtype), (output.scale, output.zero_point, output.dtype)
    if given != wanted:
        raise CannotQuantizeError(
            f"the input has (scale, zero point, type) {given}, the output {wanted}; must be equal"
        )
    shape, merged = merge(output.shape, strides)
    if output.elements == x.elements and merged[:3] == (0, 0, 0):
        return ReshapeParams(elements=output.elements)
    return StridedCopyParams(input_bytes=x.elements, offset=offset, shape=shape, strides=merged)
