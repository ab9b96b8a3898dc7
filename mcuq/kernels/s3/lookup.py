"""Tables of 256 outputs that are a line, on the ESP32-S3's vector unit: requantizing, rectifiers, limits, signs.

These take 1.6 instructions an element, in the caller's memory 3.4. Others stay with the portable kernel and its 10, for
the unit cannot load by what its lanes hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np

from mcuq.floors import line
from mcuq.kernels.layer import Layer
from mcuq.kernels.s3.elements import ElementsS3Params, direct, split, weighted
from mcuq.kernels.s3.records import EXTRA_BITS
from mcuq.ops.base import Params, i16_table, i32
from mcuq.ops.lookup import LookupParams
from mcuq.tensor import Array

FEWEST = 32  # elements for which a call pays
SIGN = 128  # the bit by which uint8 less 128 differs from uint8
LEAST_AT, LARGEST_AT, INPUT_AT, OUTPUT_AT = range(4, 8)  # vectors of bytes behind those of the line


@dataclass(frozen=True, eq=False)
class LookupS3Params(ElementsS3Params):
    """``(256 * A * x + addend) >> (24 + shift)`` between two limits; of uint8 the sign's bit is turned over."""

    kernel: ClassVar[str] = "lookup_s8_s3"

    shift: i32
    constants: i16_table  # (8, 8): mcuq_s3_line.h

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        vectors = np.ascontiguousarray(self.constants).view(np.int8).reshape(8, 16)[:, 0]
        x = inputs[0].view(np.int8) ^ vectors[INPUT_AT]
        limited = np.clip(weighted(self.constants, self.shift, x), vectors[LEAST_AT], vectors[LARGEST_AT])
        return np.asarray(limited.astype(np.int8) ^ vectors[OUTPUT_AT], np.int8)


def take(layer: Layer[LookupParams]) -> Params | None:
    """Return the kernel for a table that is a line, from int8 or uint8 to either; None for others and few elements."""
    p = layer.params
    if p.elements < FEWEST:
        return None
    for signs in product((0, SIGN), repeat=2):
        of_int8 = np.roll(p.table.view(np.uint8) ^ signs[1], 0 if signs[0] else 128).view(np.int8)
        found = line(of_int8.astype(np.int64))
        if found:
            taken = direct(p.elements, at_border=layer.at_border)
            vectors = _bytes((found.least, found.largest, *signs))
            constants = np.concatenate([split(found.factor, 0, found.addend << EXTRA_BITS), vectors])
            return LookupS3Params(p.elements, taken, found.shift - 16, constants)
    return None


def _bytes(values: Sequence[int]) -> Array:
    """Return vectors of 16 times a byte, as int16."""
    return np.repeat(np.array(values).astype(np.int8), 16).view(np.int16).reshape(-1, 8)
