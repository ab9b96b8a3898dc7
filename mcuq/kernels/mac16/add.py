"""Addition: what a byte of either operand adds to the sum comes from a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16.add_tables import with_tables
from mcuq.ops.add import AddParams
from mcuq.ops.base import IN_PLACE, Overlap, Params, i32
from mcuq.tensor import Array

TABLES_BYTES = 2 * 256 * 4
WORTH = 512  # elements from which tables of 512 entries pay


@dataclass(frozen=True, eq=False)
class AddMac16Params(Params):
    """Two tables are computed in scratch at every call; a sum of two entries is requantized."""

    kernel: ClassVar[str] = "add_s8_mac16"

    elements: i32
    zero_point_a: i32
    zero_point_b: i32
    multiplier_a: i32
    multiplier_b: i32
    shift_a: i32  # at most 0
    shift_b: i32  # at most 0
    output_zero_point: i32
    output_multiplier: i32
    output_shift: i32  # -21..-1
    activation_min: i32
    activation_max: i32

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        return TABLES_BYTES

    def frugal(self, limit: int) -> Params:
        """See :meth:`Params.frugal`: strips of few rows would fill the tables again and again."""
        return with_tables({member.name: getattr(self, member.name) for member in self.members()})

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return IN_PLACE

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        flat = (1, 1, 1, self.elements)
        shared = {m.name: getattr(self, m.name) for m in self.members() if m.name != "elements"}
        return AddParams(shape=flat, strides_a=(0, 0, 0, 1), strides_b=(0, 0, 0, 1), **shared).run(*inputs)


def take(layer: Layer[AddParams]) -> Params | None:
    """Return the kernel for two operands of one shape, large enough, whose multipliers are those of ADD."""
    p = layer.params
    elements = math.prod(p.shape)
    is_flat = (p.shape[3], p.strides_a[3], p.strides_b[3]) == (elements, 1, 1)
    if not is_flat or elements < WORTH:
        return None
    halves = _at_most_half(p.multiplier_a, p.shift_a) and _at_most_half(p.multiplier_b, p.shift_b)
    if not halves or p.output_multiplier <= 0 or not 1 <= -p.output_shift <= 21:
        return None
    shared = {m.name: getattr(p, m.name) for m in p.members() if m.name not in ("shape", "strides_a", "strides_b")}
    return AddMac16Params(elements=elements, **shared)


def _at_most_half(multiplier: int, shift: int) -> bool:
    """Whether an operand's share of a sum is below 2^27, and the sum below 2^28."""
    return multiplier >= 0 and shift <= 0 and multiplier <= 1 << (30 - shift)
