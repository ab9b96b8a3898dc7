"""Layers element by element on the ESP32-S3's vector unit, of any number of them, at any address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.floors import LARGEST, LEAST
from mcuq.kernels.s3.records import EXTRA_BITS, LANES
from mcuq.ops.base import IN_PLACE, Overlap, Params, i32
from mcuq.tensor import Array

PIECE = 256  # bytes that are copied at once
SPLIT = 15  # bits of an addend's middle part
MOST_ADDED = (1 << 16 + SPLIT + 15 - EXTRA_BITS) - 1


@dataclass(frozen=True, eq=False)
class ElementsS3Params(Params):
    """Blocks of 16 are read and written where they lie, the rest and the caller's memory by way of the scratch."""

    alignment: ClassVar[int] = 16
    operands: ClassVar[int] = 1

    elements: i32
    direct: i32  # elements that are taken where they lie, a multiple of 16

    @property
    def operand_alignment(self) -> int:
        """See :meth:`Params.operand_alignment`."""
        return self.alignment if self.direct else 1

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return self.operands * PIECE if self.direct < self.elements else 0

    @property
    def distance(self) -> int:
        """See :meth:`Params.distance`."""
        return self.operand_alignment

    def overlap(self, operand: int) -> Overlap | None:
        """See :meth:`Params.overlap`."""
        return IN_PLACE


def direct(elements: int, *, at_border: bool) -> int:
    """Return how many elements are taken where they lie."""
    return 0 if at_border else elements // LANES * LANES


def split(factor_a: int, factor_b: int, addend: int) -> Array:
    """Return the constants of ``factor_a * a + factor_b * b + addend``, int16 [4, 8]: mcuq_s3_sum.h."""
    low_a, low_b, low = ((value + (1 << 15) & 0xFFFF) - (1 << 15) for value in (factor_a, factor_b, addend))
    upper = addend - low >> 16
    first = [low_a, low_b, factor_a - low_a >> 16, factor_b - low_b >> 16, 1, -(1 << 15), 0, 0]
    rest = [[value] * 8 for value in (upper & (1 << SPLIT) - 1, -(upper >> SPLIT), low)]
    return np.array([first, *rest], np.int16)


def weighted(constants: Array, shift: int, *operands: Array) -> Array:
    """Compute what such constants say of one or two operands, [samples, elements], limited to int8."""
    first, middle, top, low = constants.astype(np.int64).reshape(-1, 8)[:4]
    factors = first[:2] + (first[2:4] << 16)
    total = low[0] + (middle[0] << 16) - (top[0] << 16 + SPLIT)
    for factor, x in zip(factors, operands, strict=False):
        total = total + (x.astype(np.int64) << EXTRA_BITS) * factor
    return np.asarray(np.clip(total >> 16 + EXTRA_BITS + shift, LEAST, LARGEST))
