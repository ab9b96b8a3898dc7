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
    rank = max(len(a), len(b))
    full_a, full_b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    merged: list[tuple[int, bool, bool]] = []  # size, present in a, present in b
    for size, da, db in zip(broadcast_shape(a, b), full_a, full_b, strict=True):
        if size == 1:
            continue
        if merged and merged[-1][1:] == (da > 1, db > 1):
            merged[-1] = (merged[-1][0] * size, *merged[-1][1:])
        else:
            merged.append((size, da > 1, db > 1))
    if len(merged) > 4:
        raise ValueError(f"broadcasting {a} with {b} needs more than four dimensions")
    merged = [(1, False, False)] * (4 - len(merged)) + merged
    shape = tuple(size for size, _, _ in merged)
    return Broadcast(shape, _strides(merged, 1), _strides(merged, 2))


def operand_overlap(shape: tuple[int, ...], strides: tuple[int, ...]) -> Overlap | None:
    """Return how far the output may run into an operand: in place, unless the operand is repeated."""
    repeated = any(size > 1 and stride == 0 for size, stride in zip(shape, strides, strict=True))
    return None if repeated else IN_PLACE


def _strides(dims: list[tuple[int, bool, bool]], operand: int) -> tuple[int, ...]:
    strides = []
    for i, dim in enumerate(dims):
        inner = math.prod(d[0] for d in dims[i + 1 :] if d[operand])
        strides.append(inner if dim[operand] else 0)
    return tuple(strides)


def expand(x: Array, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """Repeat [samples, elements] to [samples, *shape] along the dimensions of stride 0."""
    own = tuple(1 if stride == 0 else size for size, stride in zip(shape, strides, strict=True))
    return np.broadcast_to(x.reshape(x.shape[0], *own), (x.shape[0], *shape))
