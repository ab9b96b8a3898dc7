"""In which order the elements of a value lie in memory, whatever its shape is called.

A reshape moves nothing, a transpose moves factors of the element count. So two values that hold the same elements
differ by a :class:`Layout` alone: the sizes of the factors that stay together, and where each of them went.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mcuq.tensor import Array, Shape


class Atom(NamedTuple):
    """A factor of the element count that lies within one dimension of a value and of what is stored for it."""

    size: int
    axis: int  # dimension of the value
    stored_axis: int  # dimension of the stored tensor
    place: int  # among all atoms, in the order of the stored tensor; the atoms are listed in the value's order


@dataclass(frozen=True)
class Layout:
    """``value.ravel() == stored.reshape(sizes in stored order).transpose(back to the value's order).ravel()``.

    Attributes:
        sizes: of the factors, all above 1, in the order of the value, outermost first.
        places: of each factor in the order of the stored tensor.
    """

    sizes: tuple[int, ...] = ()
    places: tuple[int, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the stored tensor has the value's elements in the value's order."""
        return len(self.sizes) <= 1

    @property
    def stored_sizes(self) -> tuple[int, ...]:
        """The factors in the order of the stored tensor."""
        return tuple(size for _, size in sorted(zip(self.places, self.sizes, strict=True)))

    def atoms(self, shape: Shape, stored: Shape) -> list[Atom] | None:
        """Cut the factors at the dimensions of the value and of the stored tensor; None where they cross."""
        by_axis = cut(self.sizes, shape)
        if by_axis is None:
            return None
        pieces = [
            (place, i, size, axis)
            for place, (own, dims) in zip(self.places, by_axis, strict=True)
            for i, (size, axis) in enumerate(zip(own, dims, strict=True))
        ]
        in_memory = sorted(range(len(pieces)), key=lambda n: pieces[n][:2])
        by_stored = cut([pieces[n][2] for n in in_memory], stored)
        if by_stored is None:
            return None
        found: list[list[Atom]] = [[] for _ in pieces]
        place = 0
        for n, (sizes, dims) in zip(in_memory, by_stored, strict=True):
            for size, dim in zip(sizes, dims, strict=True):
                found[n].append(Atom(size, pieces[n][3], dim, place))
                place += 1
        return [atom for group in found for atom in group]

    def transposed(self, shape: Shape, axes: Sequence[int]) -> Layout | None:
        """Return the layout of ``value.transpose(axes)``; None where a dimension's elements do not stay together."""
        by_axis = cut(self.sizes, shape)
        if by_axis is None:
            return None
        factors: dict[int, list[tuple[int, tuple[int, int]]]] = {axis: [] for axis in axes}
        for place, (sizes, dims) in zip(self.places, by_axis, strict=True):
            for i, (size, axis) in enumerate(zip(sizes, dims, strict=True)):
                factors[axis].append((size, (place, i)))
        return layout([factor for axis in axes for factor in factors[axis]])

    def seen_from(self, other: Layout) -> Layout | None:
        """Return how a tensor stored as ``other`` lies in one stored as this; None where their factors cross."""
        pieces = cut(self.sizes, other.sizes)
        if pieces is None:
            return None
        found: list[tuple[tuple[int, int], int, tuple[int, int]]] = []
        for place, (sizes, dims) in zip(self.places, pieces, strict=True):
            for size, dim in zip(sizes, dims, strict=True):
                found.append(((other.places[dim], len(found)), size, (place, len(found))))
        return layout([(size, key) for _, size, key in sorted(found)])

    def indices(self) -> Array:
        """Return where in the stored tensor each element of the value lies: ``value.ravel() == stored.ravel()[…]``."""
        stored = np.arange(math.prod(self.sizes)).reshape(self.stored_sizes)
        return stored.transpose(self.places).ravel()

    def arranged(self, values: Array) -> Array:
        """Return a value's elements in the order of the stored tensor, in one dimension."""
        return values.ravel()[np.argsort(self.indices())]


def layout(factors: Sequence[tuple[int, tuple[int, ...]]]) -> Layout:
    """Return the layout of factors (size, key) in the value's order; keys sort them into the stored order.

    Factors of size 1 go, those that stay together are merged.
    """
    factors = [factor for factor in factors if factor[0] > 1]
    keys = sorted(key for _, key in factors)
    merged: list[tuple[int, int, int]] = []  # size, first and last place
    for size, key in factors:
        place = keys.index(key)
        if merged and merged[-1][2] + 1 == place:
            merged[-1] = (merged[-1][0] * size, merged[-1][1], place)
        else:
            merged.append((size, place, place))
    firsts = sorted(first for _, first, _ in merged)
    return Layout(tuple(size for size, _, _ in merged), tuple(firsts.index(first) for _, first, _ in merged))


def plain(shape: Shape) -> Layout:
    """Return the layout of a value stored as it is."""
    return layout([(math.prod(shape), (0,))])


def stored_transposed(shape: Shape, axes: Sequence[int]) -> Layout:
    """Return the layout of a value of this shape stored as ``value.transpose(axes)``."""
    return layout([(size, (tuple(axes).index(axis),)) for axis, size in enumerate(shape)])


def cut(sizes: Sequence[int], shape: Shape) -> list[tuple[list[int], list[int]]] | None:
    """Cut each factor where a dimension of ``shape`` ends: its pieces, and the dimension of each.

    >>> cut((6, 4), (2, 12))
    [([2, 3], [0, 1]), ([4], [1])]

    Returns:
        None where the boundaries cross, as those of (2, 3) and (3, 2).
    """
    result: list[tuple[list[int], list[int]]] = []
    dims = iter([(axis, size) for axis, size in enumerate(shape) if size > 1])
    axis, left = 0, 1
    for whole in sizes:
        pieces: tuple[list[int], list[int]] = ([], [])
        rest = whole
        while rest > 1:
            if left == 1:
                axis, left = next(dims)
            piece = min(rest, left)
            if max(rest, left) % piece:
                return None
            pieces[0].append(piece)
            pieces[1].append(axis)
            rest, left = rest // piece, left // piece
        result.append(pieces)
    return result
