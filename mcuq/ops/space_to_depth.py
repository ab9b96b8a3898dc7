"""Pixels of blocks become channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mcuq.ops.rearrangement import Mode, RearrangeOp, blocks, in_order
from mcuq.tensor import Shape


@dataclass(frozen=True)
class SpaceToDepth(RearrangeOp):
    """``y[h, w, (i * b + j) * C + c] = x[h * b + i, w * b + j, c]``, NHWC; mode CRD: ``y[h, w, (c * b + i) * b + j]``.

    CRD is PyTorch's pixel unshuffle.

    Quantization: bytes are copied.

    - C1: the block divides rows and columns.
    - C2: input and output have the same scale and zero point.
    """

    name: ClassVar[str] = "space_to_depth"

    block: int
    mode: Mode = "DCR"

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the output's shape; C1."""
        x = inputs[0]
        blocks(x, (self.block, self.block))
        if x[1] % self.block or x[2] % self.block:
            raise ValueError(f"blocks of {self.block} do not divide {x}")
        return (x[0], x[1] // self.block, x[2] // self.block, x[3] * self.block**2)

    def factored(self, shape: Shape) -> tuple[Shape, Sequence[int]]:
        """See :meth:`RearrangeOp.factored`."""
        (n, h, w, c), b = shape, self.block
        order = (0, 1, 3, 5, 2, 4) if self.mode == "CRD" else (0, 1, 3, 2, 4, 5)
        return in_order((n, h // b, b, w // b, b, c), order)
