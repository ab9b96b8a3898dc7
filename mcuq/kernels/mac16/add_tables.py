"""Addition by two tables in flash: nothing to fill per call, and no scratch, for 2 KB of constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.fixedpoint import requantize
from mcuq.ops.add import LEFT_SHIFT
from mcuq.ops.base import IN_PLACE, Overlap, Params, i32, i32_table
from mcuq.tensor import Array

SCALE = -4  # of an entry: what the core takes (mcuq_mac16_sum_asm.h)
KEPT = ("elements", "output_zero_point", "output_multiplier", "output_shift", "activation_min", "activation_max")


@dataclass(frozen=True, eq=False)
class AddTablesMac16Params(Params):
    """What ``AddMac16Params`` computes, with its tables in flash."""

    kernel: ClassVar[str] = "add_s8_tables_mac16"

    elements: i32
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32  # -21..-1
    activation_min: i32
    activation_max: i32
    table_a: i32_table  # (256), by a as an unsigned byte: -4 times its share of the sum
    table_b: i32_table  # (256)

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return IN_PLACE

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        a, b = (table[x.view(np.uint8)] // SCALE for table, x in zip((self.table_a, self.table_b), inputs, strict=True))
        scaled = requantize(a + b, self.output_multiplier, self.output_shift) + self.output_zero_point
        return np.clip(scaled, self.activation_min, self.activation_max).astype(np.int8)


def with_tables(members: Mapping[str, int]) -> AddTablesMac16Params:
    """Return the kernel for a layer that has the members of ``AddMac16Params``."""
    a, b = (_table(*(members[f"{name}_{side}"] for name in ("zero_point", "multiplier", "shift"))) for side in "ab")
    return AddTablesMac16Params(**{name: members[name] for name in KEPT}, table_a=a, table_b=b)


def _table(zero_point: int, multiplier: int, shift: int) -> Array:
    x = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64)
    return (SCALE * requantize((x - zero_point) << LEFT_SHIFT, multiplier, shift)).astype(np.int32)
