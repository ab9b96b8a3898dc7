"""Depthwise convolution with weights of 1, 2 or 4 bits on the ESP32's MAC16: unpacked once, for they are few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.ops import depthwise_conv2d_lx6
from mcuq.ops.base import Params, i8_table, i32, u8_table
from mcuq.ops.depthwise_conv2d_lx6 import DepthwiseConv2dLx6Params, in_words
from mcuq.ops.lx6 import MAX_SCRATCH, SCRATCH_BYTES
from mcuq.ops.packing import Packed, pack, unpack
from mcuq.tensor import Array, QConstant

if TYPE_CHECKING:
    from mcuq.ops.conv2d import Conv2dParams
    from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dPackedLx6Params(DepthwiseConv2dLx6Params):
    """All weights of the layer become bytes in scratch, then the kernel for bytes runs."""

    kernel: ClassVar[str] = "depthwise_conv2d_s8_packed_lx6"

    weights: u8_table  # (input_c, bytes of a filter): indices of levels, taps column by column
    bits: i32  # of a weight: 1, 2 or 4
    per_group: i32  # 1: each channel says which levels are its, 0: all have the same
    levels: i8_table  # (codebooks, 2^bits)
    codebook: u8_table  # (input_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        channels, taps = self.input_c, self.filter_h * self.filter_w
        return super().scratch_bytes + (channels + channels % 2) * (taps + taps % 2)

    def _in_bytes(self) -> Array:
        packed = Packed(self.bits, self.weights, self.levels, self.codebook)
        return in_words(unpack(packed, self.filter_h * self.filter_w))


def specialize(p: Conv2dParams, weights: QConstant, chip: str) -> Params | None:
    """Return the kernel for a convolution with as many groups as channels, or None for those that it does not serve."""
    if not p.groups == p.input_c == p.output_c:
        return None
    in_bytes = depthwise_conv2d_lx6.specialize(_as_depthwise(p), chip)
    if not isinstance(in_bytes, DepthwiseConv2dLx6Params):
        return None
    try:
        packed = pack(in_bytes.filters(), weights)
    except CannotQuantizeError:  # a channel with the same output for every input, and no 0 in its codebook
        return None
    assert packed is not None
    members = {m.name: getattr(in_bytes, m.name) for m in in_bytes.members()} | packed._asdict()
    single = DepthwiseConv2dPackedLx6Params(**members, per_group=int(packed.codebook.size > 1))
    found = single.with_scratch(SCRATCH_BYTES)
    return found if found.scratch_bytes <= MAX_SCRATCH else None


def _as_depthwise(p: Conv2dParams) -> DepthwiseConv2dParams:
    from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams

    names = {m.name for m in DepthwiseConv2dParams.members()}
    shared = {m.name: getattr(p, m.name) for m in p.members() if m.name in names}
    weights = np.moveaxis(p.weights[..., 0], 0, 2)
    return DepthwiseConv2dParams(**shared | {"channel_multiplier": 1, "weights": weights})
