"""Copies that cut dimensions into blocks, repeat them or put them elsewhere: one kernel of six dimensions for all."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from mcuq.ops.base import Operand, Params, PlacedOp, Real, i32, i32x6
from mcuq.ops.extremum import same_quantization
from mcuq.ops.strided_copy import strides_of
from mcuq.tensor import Array, QTensor, Shape

DIMENSIONS = 6
Mode = Literal["DCR", "CRD"]  # where a block's pixels lie among channels: outside of these, inside


@dataclass(frozen=True, eq=False)
class RearrangeParams(Params):
    """Output byte (i, j, ...) is the input's byte at the strides times (i, j, ...)."""

    kernel: ClassVar[str] = "rearrange_s8"

    input_bytes: i32
    shape: i32x6  # of the output, outermost first
    strides: i32x6  # in the input, in bytes; 0 repeats

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        index = np.zeros(1, np.int64)
        for size, stride in zip(self.shape, self.strides, strict=True):
            index = np.add.outer(index, np.arange(size) * stride).ravel()
        return inputs[0][:, index]


@dataclass(frozen=True)
class RearrangeOp(PlacedOp):
    """An operator whose output is its input, cut into ``factors``, with these in another order, some of them repeated.

    Subclasses say how: :meth:`factored` returns the sizes and strides of at most six factors of the output.
    """

    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True

    @abstractmethod
    def factored(self, shape: Shape) -> tuple[Shape, Sequence[int]]:
        """Return the sizes of the output's factors, and where each lies in the input: its stride in elements."""

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        x = inputs[0]
        sizes, strides = self.factored(x.shape[1:])
        index = np.zeros(1, np.int64)
        for size, stride in zip(sizes, strides, strict=True):
            index = np.add.outer(index, np.arange(size) * stride).ravel()
        return x.reshape(len(x), -1)[:, index].reshape(len(x), *self.infer_shape(x.shape[1:]))

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`."""
        x = inputs[0]
        same_quantization(x, output)
        sizes, strides = merged(*self.factored(x.shape))
        return RearrangeParams(input_bytes=x.elements, shape=sizes, strides=strides)


def merged(sizes: Shape, strides: Sequence[int]) -> tuple[Shape, tuple[int, ...]]:
    """Drop factors of size 1, merge those that lie in the input as in the output, pad to six on the left.

    >>> merged((1, 2, 3, 4), (0, 12, 4, 1))
    ((1, 1, 1, 1, 1, 24), (0, 0, 0, 0, 0, 1))

    Raises:
        ValueError: for more than six factors after merging.
    """
    kept: list[tuple[int, int]] = []
    for size, stride in zip(sizes, strides, strict=True):
        if size == 1:
            continue
        if kept and kept[-1][1] == size * stride:
            kept[-1] = (kept[-1][0] * size, stride)
        else:
            kept.append((size, stride))
    if len(kept) > DIMENSIONS:
        raise ValueError(f"{len(kept)} factors that move apart; at most {DIMENSIONS} are possible")
    kept = [(1, 0)] * (DIMENSIONS - len(kept)) + kept
    return tuple(size for size, _ in kept), tuple(stride for _, stride in kept)


def in_order(factors: Shape, order: Sequence[int]) -> tuple[Shape, tuple[int, ...]]:
    """Return sizes and strides of an input's factors in another order.

    >>> in_order((2, 3, 4), (2, 0, 1))
    ((4, 2, 3), (1, 12, 4))
    """
    strides = strides_of(factors)
    return tuple(factors[i] for i in order), tuple(strides[i] for i in order)


def blocks(shape: Shape, block: Sequence[int]) -> None:
    """Refuse blocks that do not divide an image."""
    if len(shape) != 4 or len(block) != 2 or min(block) < 1:
        raise ValueError(f"blocks {tuple(block)} of shape {shape}; it must be [batch, rows, columns, channels]")
    if math.prod(shape) == 0:
        raise ValueError(f"nothing is in shape {shape}")
