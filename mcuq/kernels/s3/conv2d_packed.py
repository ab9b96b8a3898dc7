"""Convolution on the ESP32-S3's vector unit with weights of 1, 2 or 4 bits, which become bytes 16 filters at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.kernels.layer import Layer
from mcuq.kernels.s3.conv2d_window import Row, abreast, grouped_in_rows, sums_of_windows
from mcuq.kernels.s3.records import LANES, table, unpacked
from mcuq.kernels.s3.strips import MAX_SCRATCH, StripParams, members_of
from mcuq.ops.base import Params, i8_table, i32
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.packing import stored_bits, uniform_levels
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class Conv2dPackedS3Params(StripParams):
    """As with a byte per weight; rows of windows are filled up to multiples of 16 taps."""

    kernel: ClassVar[str] = "conv2d_packed_s8_s3"

    groups: i32  # of 16 filters
    parts: i32  # a row of a window is so many parts of so many times 16 taps, behind which long sums are cut
    blocks: i32
    bits: i32  # of a weight: 1, 2 or 4
    records: i8_table  # (groups): mcuq_s3_record.h, mcuq_s3_packed.h

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        taps = LANES * self.parts * self.blocks
        return sums_of_windows(self, inputs[0], taps, unpacked(self.records, self.window_rows * taps, self.bits))


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a layer of integers; None for codebooks, and for signs where a 0 would be needed."""
    weights, whole = layer.few_bits, layer.params
    if weights is None or weights.codebook is not None or layer.takes_signs or whole.groups > 1:
        return None
    bits = stored_bits(weights.bits)
    p = whole if bits == 1 else abreast(whole)
    members = members_of(p, p.output_c, at_border=layer.at_border)
    if members is None or (p.dilation_w > 1 and p.filter_w > 1):
        return None
    blocks = -(-p.filter_w * p.input_c // LANES)
    ways = [Row(parts, blocks // parts, 0) for parts in range(1, blocks + 1) if blocks % parts == 0]
    found = grouped_in_rows(p, ways)
    if found is None:
        return None
    filters = np.concatenate([group.weights for group in found.groups])[: p.output_c]
    if not np.isin(filters, uniform_levels(bits)).all():
        return None
    way = next((way for way in ways if way.cuts(p.filter_h) == found.cuts), ways[0])
    params = Conv2dPackedS3Params(
        **members,
        groups=len(found.groups),
        parts=way.parts,
        blocks=way.blocks,
        bits=bits,
        records=table(found.groups, bits),
    )
    return params if params.scratch_bytes <= MAX_SCRATCH else None
