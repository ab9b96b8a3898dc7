"""Pixels of blocks become samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mcuq.ops.rearrangement import RearrangeOp, blocks, in_order
from mcuq.tensor import Shape


@dataclass(frozen=True)
class SpaceToBatch(RearrangeOp):
    """``y[i * b_w + j] = x[i::b_h, j::b_w]``: every b-th pixel, NHWC.

    Quantization: bytes are copied.

    - C1: the blocks divide rows and columns.
    - C2: input and output have the same scale and zero point.
    """

    name: ClassVar[str] = "space_to_batch"

    block: tuple[int, int]  # rows and columns

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the output's shape; C1."""
        x, (rows, columns) = inputs[0], self.block
        blocks(x, self.block)
        if x[1] % rows or x[2] % columns:
            raise ValueError(f"blocks {self.block} do not divide {x}")
        return (x[0] * rows * columns, x[1] // rows, x[2] // columns, x[3])

    def factored(self, shape: Shape) -> tuple[Shape, Sequence[int]]:
        """See :meth:`RearrangeOp.factored`."""
        (n, h, w, c), (rows, columns) = shape, self.block
        return in_order((n, h // rows, rows, w // columns, columns, c), (2, 4, 0, 1, 3, 5))
