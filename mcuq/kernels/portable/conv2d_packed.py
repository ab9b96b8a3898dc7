"""Weights of 1, 2 or 4 bits: one portable kernel for convolution, depthwise convolution and fully connected layers.

The kernel unpacks one filter at a time and uses it for a row of the output, so that its inner loop is that of the int8
kernel. Depthwise is a convolution with as many groups as channels, a vector an image of one pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from mcuq.kernels.layer import Layer
from mcuq.ops.base import Overlap, Params, i8_table, i32, i32_table, u8_table
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.packing import Packed, pack, unpack
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class Conv2dPackedParams(Params):
    """Portable kernel: filters packed OHWI, one after the other, each from a byte of its own on."""

    kernel: ClassVar[str] = "conv2d_s8_packed"

    input_h: i32
    input_w: i32
    input_c: i32
    output_h: i32
    output_w: i32
    output_c: i32
    filter_h: i32
    filter_w: i32
    stride_h: i32
    stride_w: i32
    dilation_h: i32
    dilation_w: i32
    pad_top: i32
    pad_left: i32
    groups: i32
    input_zero_point: i32
    output_zero_point: i32
    activation_min: i32
    activation_max: i32
    per_channel: i32  # 1: one multiplier per output channel, 0: one for all
    reverse: i32  # 1: last row first, so that the output may lie behind the input
    bits: i32  # of a weight: 1, 2 or 4
    per_group: i32  # 1: each output channel says which levels are its, 0: all have the same
    weights: u8_table  # (output_c, bytes of a filter): indices of levels, the first one in the lowest bits
    levels: i8_table  # (codebooks, 2^bits)
    codebook: u8_table  # (output_c) or (1)
    bias: i32_table  # (output_c)
    multiplier: i32_table  # (output_c) or (1)
    shift: i8_table  # (output_c) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`: one filter."""
        return self._taps

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`."""
        return self.unpacked.overlap(operand)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return self.unpacked.run(*inputs)

    @cached_property
    def unpacked(self) -> Conv2dParams:
        """Return the same layer with a byte per weight."""
        packed = Packed(self.bits, self.weights, self.levels, self.codebook)
        shape = (self.output_c, self.filter_h, self.filter_w, self.input_c // self.groups)
        members = {m.name: getattr(self, m.name) for m in Conv2dParams.members() if m.name != "weights"}
        return Conv2dParams(**members, weights=unpack(packed, self._taps).reshape(shape))

    @property
    def _taps(self) -> int:
        return self.filter_h * self.filter_w * self.input_c // self.groups


def take(layer: Layer[Conv2dParams]) -> Params | None:
    """Return the kernel for a convolution whose weights are to be packed; None for others."""
    p, weights = layer.params, layer.few_bits
    packed = pack(p.weights.reshape(p.output_c, -1), weights) if weights else None
    if packed is None:
        return None
    members = {m.name: getattr(p, m.name) for m in Conv2dParams.members() if m.name != "weights"}
    return Conv2dPackedParams(**members, **packed._asdict(), per_group=int(packed.codebook.size > 1))
