"""Products on the ESP32-S3's vector unit: of centered bytes in lanes of 20 bits, requantized as sums are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import clamp
from mcuq.floors import LARGEST, LEAST, Sums
from mcuq.kernels.layer import Layer
from mcuq.kernels.s3.elements import ElementsS3Params, direct
from mcuq.kernels.s3.forms import Part, served
from mcuq.kernels.s3.records import LANES, Group, table, unpacked
from mcuq.ops.base import IN_PLACE, Overlap, Params, i8_table, i32
from mcuq.ops.mul import MulParams
from mcuq.tensor import Array

CORE_BYTES = 64  # of scratch, behind the pieces
PRODUCT = -128  # a tap whose products with a byte reach as far as those of two bytes
FEWEST = 16  # elements for which a call pays that copies them


@dataclass(frozen=True, eq=False)
class MulS3Params(ElementsS3Params):
    """``a * b - z_b * a - z_a * b + z_a * z_b``, a zero point in two halves, and its floor.

    With several rows of elements the second operand has one, which all of them are multiplied by.
    """

    kernel: ClassVar[str] = "mul_s8_s3"
    operands: ClassVar[int] = 2

    rows: i32
    activation_min: i32
    activation_max: i32
    halves: i8_table  # (16): of -z_b, of -z_a, and zeros
    record: i8_table  # without weights: mcuq_s3_record.h

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return super().scratch_bytes + CORE_BYTES

    def overlap(self, operand: int) -> Overlap | None:
        """See :meth:`Params.overlap`: not into a row that is read again."""
        return None if operand and self.rows > 1 else IN_PLACE

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        a, b = (x.astype(np.int64).reshape(len(x), -1, self.elements, 1) for x in inputs)
        first, last = (int(self.halves[at : at + 2].astype(np.int64).sum()) for at in (0, 2))
        (group,) = unpacked(self.record, 0)
        found = group.outputs(a * b + first * a + last * b)[..., 0]
        return clamp(found, self.activation_min, self.activation_max).reshape(len(a), -1)


def take(layer: Layer[MulParams]) -> Params | None:
    """Return the kernel for operands of one shape, or a second one that is repeated; None where no floor is proven.

    A row that is repeated must be a multiple of 16, and in the arena.
    """
    p = layer.params
    elements, rows = p.shape[3], math.prod(p.shape[:3])
    repeated = (p.strides_a, p.strides_b) == ((0, 0, elements if rows > 1 else 0, 1), (0, 0, 0, 1))
    if not repeated or (rows > 1 and (layer.at_border or elements % LANES)):
        return None
    taken = direct(elements, at_border=layer.at_border)
    halves = [half for z in (p.zero_point_b, p.zero_point_a) for half in (-z >> 1, -z - (-z >> 1))]
    group = _group(p, halves)
    if group is None or (taken < elements < FEWEST):
        return None
    stored = np.array(halves + [0] * (LANES - len(halves)), np.int8)
    record = table([group._replace(weights=np.zeros((LANES, 0), np.int8))])
    return MulS3Params(elements, taken, rows, p.activation_min, p.activation_max, stored, record)


def _group(p: MulParams, halves: list[int]) -> Group | None:
    """Return 16 lanes that requantize products, as sums of five taps: the product of both bytes, and the halves'."""
    ends = np.array([LEAST, LARGEST])
    corners = (ends[:, np.newaxis] - p.zero_point_a) * (ends - p.zero_point_b)
    low, high = np.full(LANES, corners.min()), np.full(LANES, corners.max())
    multiplier, shift = np.full(LANES, p.output_multiplier), np.full(LANES, p.output_shift)
    weights = np.tile(np.array([PRODUCT, *halves], np.int8), (LANES, 1))
    folded = np.full(LANES, p.zero_point_a * p.zero_point_b)
    limited = (p.activation_min, p.activation_max) != (LEAST, LARGEST)
    found = served([Part(weights, folded, Sums(low, high, multiplier, shift, p.output_zero_point))], limited)
    return found.groups[0] if found else None
