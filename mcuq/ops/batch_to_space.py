"""Samples become pixels of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mcuq.ops.rearrangement import RearrangeOp, blocks, in_order
from mcuq.tensor import Shape


@dataclass(frozen=True)
class BatchToSpace(RearrangeOp):
    """``y[i::b_h, j::b_w] = x[i * b_w + j]``: the samples side by side, NHWC.

    Quantization: bytes are copied.

    - C1: the samples are as many as a multiple of a block's pixels.
    - C2: input and output have the same scale and zero point.
    """

    name: ClassVar[str] = "batch_to_space"

    block: tuple[int, int]  # rows and columns

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the output's shape; C1."""
        x, (rows, columns) = inputs[0], self.block
        blocks(x, self.block)
        if x[0] % (rows * columns):
            raise ValueError(f"{x[0]} samples for blocks {self.block}")
        return (x[0] // (rows * columns), x[1] * rows, x[2] * columns, x[3])

    def factored(self, shape: Shape) -> tuple[Shape, Sequence[int]]:
        """See :meth:`RearrangeOp.factored`."""
        (n, h, w, c), (rows, columns) = shape, self.block
        return in_order((rows, columns, n // (rows * columns), h, w, c), (2, 3, 0, 4, 1, 5))
