"""Broadcasting of two operands, reduced to four dimensions and a stride per operand."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from mcuq.ops.base import IN_PLACE, Overlap
from mcuq.tensor import Array, Shape


class Broadcast(NamedTuple):
    """Output shape and element strides of both operands, four dimensions each; stride 0 repeats."""

    shape: tuple[int, ...]
    strides_a: tuple[int, ...]
    strides_b: tuple[int, ...]


def broadcast_shape(a: Shape, b: Shape) -> Shape:
    """Numpy's broadcasting rule; raises ValueError."""
    return tuple(int(d) for d in np.broadcast_shapes(a, b))


def broadcast(a: Shape, b: Shape) -> Broadcast:
    """Merge dimensions that behave alike, then pad to four on the left.

    >>> broadcast((1, 8, 8, 16), (1, 8, 8, 16))
    Broadcast(shape=(1, 1, 1, 1024), strides_a=(0, 0, 0, 1), strides_b=(0, 0, 0, 1))
    >>> broadcast((1, 8, 8, 16), (16,))
    Broadcast(shape=(1, 1, 64, 16), strides_a=(0, 0, 16, 1), strides_b=(0, 0, 0, 1))

    Raises:
        ValueError: when the shapes do not match, or need more than four dimensions after merging.
    """
    shape, (strides_a, strides_b) = broadcast_all(a, b)
    return Broadcast(shape, strides_a, strides_b)


def broadcast_all(*shapes: Shape) -> tuple[Shape, list[tuple[int, ...]]]:
    """Return the same for any number of operands: the output's shape and the strides of each.

    >>> broadcast_all((1, 8, 8, 16), (16,), (8, 1))
    ((1, 8, 8, 16), [(0, 128, 16, 1), (0, 0, 0, 1), (0, 0, 1, 0)])

    Raises:
        ValueError: when the shapes do not match, or need more than four dimensions after merging.
    """
    rank = max(map(len, shapes))
    full = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    merged: list[tuple[int, tuple[bool, ...]]] = []  # size, and which operands have the dimension
    for size, own in zip((int(d) for d in np.broadcast_shapes(*shapes)), zip(*full, strict=True), strict=True):
        if size == 1:
            continue
        present = tuple(d > 1 for d in own)
        if merged and merged[-1][1] == present:
            merged[-1] = (merged[-1][0] * size, present)
        else:
            merged.append((size, present))
    if len(merged) > 4:
        raise ValueError(f"broadcasting {' with '.join(map(str, shapes))} needs more than four dimensions")
    merged = [(1, (False,) * len(shapes))] * (4 - len(merged)) + merged
    return tuple(size for size, _ in merged), [_strides(merged, k) for k in range(len(shapes))]


def operand_overlap(shape: tuple[int, ...], strides: tuple[int, ...]) -> Overlap | None:
    """Return how far the output may run into an operand: in place, unless the operand is repeated."""
    repeated = any(size > 1 and stride == 0 for size, stride in zip(shape, strides, strict=True))
    return None if repeated else IN_PLACE


def _strides(dims: list[tuple[int, tuple[bool, ...]]], operand: int) -> tuple[int, ...]:
    strides = []
    for i, (_, present) in enumerate(dims):
        inner = math.prod(size for size, others in dims[i + 1 :] if others[operand])
        strides.append(inner if present[operand] else 0)
    return tuple(strides)


def expand(x: Array, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """Repeat [samples, elements] to [samples, *shape] along the dimensions of stride 0."""
    own = tuple(1 if stride == 0 else size for size, stride in zip(shape, strides, strict=True))
    return np.broadcast_to(x.reshape(x.shape[0], *own), (x.shape[0], *shape))
