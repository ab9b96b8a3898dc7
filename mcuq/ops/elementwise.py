"""What operators share that compute each element from the same element of several operands, with broadcasting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import quantize_multiplier
from mcuq.ops.base import Op, Operand, scale_of
from mcuq.ops.broadcast import broadcast_all
from mcuq.tensor import Shape


@dataclass(frozen=True)
class ElementwiseOp(Op):
    """An operator whose operands are broadcast as numpy does; after merging, that needs at most four dimensions."""

    operands: ClassVar[int | None] = 2

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the broadcast shape."""
        if self.operands is not None and len(inputs) != self.operands:
            raise ValueError(f"{len(inputs)} operands; it takes {self.operands}")
        broadcast_all(*inputs)
        return tuple(int(d) for d in np.broadcast_shapes(*inputs))


def common_scale(a: Operand, b: Operand) -> tuple[float, tuple[int, int], tuple[int, int]]:
    """Return twice the larger scale of two operands, and the multiplier and shift that bring each of them to it."""
    scale_a, scale_b = scale_of(a), scale_of(b)
    common = 2 * max(scale_a, scale_b)
    return common, quantize_multiplier(scale_a / common), quantize_multiplier(scale_b / common)
