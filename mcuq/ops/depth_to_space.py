"""Channels become pixels of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mcuq.ops.rearrangement import Mode, RearrangeOp, blocks, in_order
from mcuq.tensor import Shape


@dataclass(frozen=True)
class DepthToSpace(RearrangeOp):
    """``y[h * b + i, w * b + j, c] = x[h, w, (i * b + j) * C + c]``, NHWC; mode CRD: ``x[h, w, (c * b + i) * b + j]``.

    CRD is PyTorch's pixel shuffle; the modes' names are ONNX's.

    Quantization: bytes are copied.

    - C1: the channels are a multiple of a block's pixels.
    - C2: input and output have the same scale and zero point.
    """

    name: ClassVar[str] = "depth_to_space"

    block: int
    mode: Mode = "DCR"

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the output's shape; C1."""
        x = inputs[0]
        blocks(x, (self.block, self.block))
        if x[3] % self.block**2:
            raise ValueError(f"{x[3]} channels for blocks of {self.block}")
        return (x[0], x[1] * self.block, x[2] * self.block, x[3] // self.block**2)

    def factored(self, shape: Shape) -> tuple[Shape, Sequence[int]]:
        """See :meth:`RearrangeOp.factored`."""
        (n, h, w, c), b = shape, self.block
        if self.mode == "CRD":
            return in_order((n, h, w, c // b**2, b, b), (0, 1, 4, 2, 5, 3))
        return in_order((n, h, w, b, b, c // b**2), (0, 1, 3, 2, 4, 5))
