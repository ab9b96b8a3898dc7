"""Addition on the ESP32-S3's vector unit: one floor of a weighted sum, proven for all 65,536 pairs of inputs."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from mcuq.floors import LARGEST, LEAST, MAX_FACTOR, TRIED
from mcuq.kernels.layer import Layer
from mcuq.kernels.s3.elements import MOST_ADDED, ElementsS3Params, direct, split, weighted
from mcuq.kernels.s3.records import EXTRA_BITS
from mcuq.ops.add import LEFT_SHIFT, AddParams
from mcuq.ops.base import Params, i16_table, i32
from mcuq.tensor import Array

BYTES = np.arange(LEAST, LARGEST + 1)
SHIFTS = (8, 39)  # of the second product
MAX_SHIFT = 29  # of both products, which leaves 9 bits for the addend
FEWEST = 16  # elements for which a call pays that copies them


@dataclass(frozen=True, eq=False)
class AddS3Params(ElementsS3Params):
    """``(256 * (A * a + B * b) + addend) >> (24 + shift)``, limited to int8."""

    kernel: ClassVar[str] = "add_s8_s3"
    operands: ClassVar[int] = 2

    shift: i32
    constants: i16_table  # (4, 8): mcuq_s3_sum.h

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return np.asarray(weighted(self.constants, self.shift, *inputs), np.int8)


def take(layer: Layer[AddParams]) -> Params | None:
    """Return the kernel for two operands of one shape; None for others, and for few that would be copied."""
    p = layer.params
    elements = math.prod(p.shape)
    is_flat = (p.shape[3], p.strides_a[3], p.strides_b[3]) == (elements, 1, 1)
    limits = (p.activation_min, p.activation_max)
    taken = direct(elements, at_border=layer.at_border)
    if not is_flat or limits != (LEAST, LARGEST) or (taken < elements < FEWEST):
        return None
    scale = Fraction(p.output_multiplier, 1) * Fraction(2) ** (p.output_shift - 31)
    real_a, real_b = (
        scale * multiplier * Fraction(2) ** (LEFT_SHIFT + shift - 31)
        for multiplier, shift in ((p.multiplier_a, p.shift_a), (p.multiplier_b, p.shift_b))
    )
    if real_a <= 0 or real_b <= 0:
        return None
    shift = min(math.floor(math.log2(MAX_FACTOR / max(real_a, real_b))), MAX_SHIFT)
    if not SHIFTS[0] <= shift - 16 <= SHIFTS[1]:
        return None
    wanted = _table(p)
    rounded = [round(real * (1 << shift)) for real in (real_a, real_b)]
    for more in itertools.product(TRIED, repeat=2):
        factor_a, factor_b = (value + extra for value, extra in zip(rounded, more, strict=True))
        addend = _addend(wanted, factor_a, factor_b, shift)
        if addend is not None and min(factor_a, factor_b) > 0 and max(factor_a, factor_b) <= MAX_FACTOR:
            return AddS3Params(elements, taken, shift - 16, split(factor_a, factor_b, addend << EXTRA_BITS))
    return None


def _table(p: AddParams) -> Array:
    """Return the outputs of all pairs of inputs, [256, 256]."""
    shared = {m.name: getattr(p, m.name) for m in p.members()}
    every = AddParams(**shared | {"shape": (1, 1, 256, 256), "strides_a": (0, 0, 1, 0), "strides_b": (0, 0, 0, 1)})
    x = BYTES.astype(np.int8)[np.newaxis]
    return every.run(x, x).reshape(256, 256).astype(np.int64)


def _addend(wanted: Array, factor_a: int, factor_b: int, shift: int) -> int | None:
    """Return what puts every pair's sum on its step, the middle of what does; None where nothing does."""
    products = factor_a * BYTES[:, np.newaxis] + factor_b * BYTES
    low = ((wanted << shift) - products)[wanted > LEAST].max(initial=-MOST_ADDED)
    high = ((wanted + 1 << shift) - 1 - products)[wanted < LARGEST].min(initial=MOST_ADDED)
    return int(low + high) >> 1 if low <= high else None
