"""Depthwise convolution with weights of 1, 2 or 4 bits on MAC16: unpacked once, for they are few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mcuq.errors import CannotQuantizeError
from mcuq.kernels.convolution import as_depthwise
from mcuq.kernels.layer import Layer
from mcuq.kernels.mac16 import depthwise_conv2d
from mcuq.kernels.mac16.channels import MAX_SCRATCH, SCRATCH_BYTES
from mcuq.kernels.mac16.depthwise_conv2d import DepthwiseConv2dMac16Params, in_words
from mcuq.ops.base import Params, i8_table, i32, u8_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.packing import Packed, pack, unpack
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dPackedMac16Params(DepthwiseConv2dMac16Params):
    """All weights of the layer become bytes in scratch, then the kernel for bytes runs."""

    kernel: ClassVar[str] = "depthwise_conv2d_s8_packed_mac16"

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


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution with as many groups as channels, or None for those that it does not serve."""
    p, weights = layer.params, layer.few_bits
    if weights is None or not p.groups == p.input_c == p.output_c:
        return None
    in_bytes = depthwise_conv2d.take(layer.of(as_depthwise(p)))
    if not isinstance(in_bytes, DepthwiseConv2dMac16Params):
        return None
    try:
        packed = pack(in_bytes.filters(), weights)
    except CannotQuantizeError:  # a channel with the same output for every input, and no 0 in its codebook
        return None
    assert packed is not None
    members = {m.name: getattr(in_bytes, m.name) for m in in_bytes.members()} | packed._asdict()
    single = DepthwiseConv2dPackedMac16Params(**members, per_group=int(packed.codebook.size > 1))
    found = single.with_scratch(SCRATCH_BYTES)
    return found if found.scratch_bytes <= MAX_SCRATCH else None
