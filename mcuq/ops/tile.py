"""Copies of a tensor side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mcuq.ops.rearrangement import RearrangeOp, merged
from mcuq.ops.strided_copy import strides_of
from mcuq.tensor import Shape


@dataclass(frozen=True)
class Tile(RearrangeOp):
    """``y = x, repeats[d] times along every dimension d``; a dimension of one element is broadcast.

    Quantization: bytes are copied.

    - C1: there is one positive number of repeats per dimension; at most six factors are left after merging.
    - C2: input and output have the same scale and zero point.
    """

    name: ClassVar[str] = "tile"

    repeats: tuple[int, ...]

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return the product of sizes and repeats; C1."""
        x = inputs[0]
        if len(x) != len(self.repeats) or min(self.repeats, default=1) < 1:
            raise ValueError(f"repeats {self.repeats} of shape {x}")
        merged(*self.factored(x))
        return tuple(size * count for size, count in zip(x, self.repeats, strict=True))

    def factored(self, shape: Shape) -> tuple[Shape, Sequence[int]]:
        """See :meth:`RearrangeOp.factored`."""
        sizes: list[int] = []
        strides: list[int] = []
        for size, count, stride in zip(shape, self.repeats, strides_of(shape), strict=True):
            sizes += [count, size]
            strides += [0, stride]
        return tuple(sizes), strides


def broadcast_repeats(shape: Shape, target: Shape) -> tuple[Shape, tuple[int, ...]]:
    """Return a shape with the dimensions that a target has, and the repeats that make the target of it.

    >>> broadcast_repeats((3, 1), (2, 3, 4))
    ((1, 3, 1), (2, 1, 4))

    Raises:
        ValueError: for a target that the shape does not broadcast to.
    """
    full = (1,) * (len(target) - len(shape)) + shape
    if len(full) != len(target) or any(a not in (1, b) for a, b in zip(full, target, strict=True)):
        raise ValueError(f"{shape} does not broadcast to {target}")
    return full, tuple(b // a if math.prod((a, b)) else 1 for a, b in zip(full, target, strict=True))
