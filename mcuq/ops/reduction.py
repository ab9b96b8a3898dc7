"""Reductions over any set of dimensions: what they share, and the largest and smallest values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Op, Operand, Params, i32, i32x4
from mcuq.ops.extremum import same_quantization
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True)
class ReduceOp(Op):
    """An operator that makes one element of all along some dimensions.

    After merging neighbours the dimensions are at most kept, reduced, kept, reduced.
    """

    axes: tuple[int, ...] = ()  # negative ones count from the end
    keep_dims: bool = False

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Drop the reduced dimensions, or set them to 1; C1, C2."""
        axes = self.reduced(inputs[0])
        pattern(inputs[0], axes)
        sizes = ((1 if i in axes else size, i in axes) for i, size in enumerate(inputs[0]))
        return tuple(size for size, is_reduced in sizes if self.keep_dims or not is_reduced)

    def reduced(self, shape: Shape) -> tuple[int, ...]:
        """Return the reduced dimensions, counted from the start, each once."""
        rank = len(shape)
        if any(not -rank <= axis < rank for axis in self.axes):
            raise ValueError(f"axes {self.axes} of {rank} dimensions")
        return tuple(sorted({axis % rank for axis in self.axes}))

    def of_samples(self, x: Array) -> tuple[int, ...]:
        """Return the reduced dimensions of an array with a leading sample axis."""
        return tuple(1 + axis for axis in self.reduced(x.shape[1:]))

    def pattern(self, x: Operand) -> tuple[int, ...]:
        """Return the sizes (kept, reduced, kept, reduced) of an operand."""
        return pattern(x.shape, self.reduced(x.shape))


def pattern(shape: Shape, axes: Sequence[int]) -> tuple[int, ...]:
    """Merge neighbouring dimensions that behave alike into (kept, reduced, kept, reduced).

    >>> pattern((1, 8, 8, 16), (1, 2)), pattern((1, 8, 16), (2,)), pattern((2, 3), (0,))
    ((1, 64, 16, 1), (8, 16, 1, 1), (1, 2, 3, 1))

    Raises:
        ValueError: for more than four dimensions after merging.
    """
    merged = [1]  # kept and reduced in turn
    for i, size in enumerate(shape):
        is_last_reduced = len(merged) % 2 == 0
        if size == 1 or (i in axes) == is_last_reduced:
            merged[-1] *= size
        else:
            merged.append(size)
    if len(merged) > 4:
        raise ValueError(f"reducing {shape} over {tuple(axes)} needs more than four dimensions after merging")
    return tuple(merged + [1] * (4 - len(merged)))


@dataclass(frozen=True, eq=False)
class ReduceExtremumParams(Params):
    """The largest or the smallest integer over the reduced dimensions."""

    kernel: ClassVar[str] = "reduce_extremum_s8"

    shape: i32x4  # of the input: kept, reduced, kept, reduced
    largest: i32  # 1: the largest, 0: the smallest

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, *self.shape)
        found = np.asarray((x.max if self.largest else x.min)(axis=(2, 4)))
        return found.reshape(x.shape[0], -1)


def reduce_extremum(op: ReduceOp, inputs: Sequence[Operand], output: QTensor, *, largest: bool) -> Params:
    """Return the parameters for an operand of the output's quantization.

    Raises:
        CannotQuantizeError: for another quantization.
    """
    same_quantization(inputs[0], output)
    return ReduceExtremumParams(shape=op.pattern(inputs[0]), largest=int(largest))
