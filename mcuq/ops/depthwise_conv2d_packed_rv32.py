"""Depthwise convolution with weights of few bits for RV32IMC: unpacked into the scratch, then the kernels of int8.

There are few weights, and all of them are used at once: unpacking costs less than a hundredth of the layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mcuq.ops import depthwise_conv2d_rv32
from mcuq.ops.base import Params, i8_table, i32, u8_table
from mcuq.ops.depthwise_conv2d_rv32 import DepthwiseConv2d3x3Rv32Params, DepthwiseConv2dRv32Params
from mcuq.ops.packing import Packed, unpack
from mcuq.ops.rv32 import MAX_SCRATCH
from mcuq.tensor import Array

if TYPE_CHECKING:
    from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams


@dataclass(frozen=True, eq=False)
class DepthwiseConv2d3x3PackedRv32Params(DepthwiseConv2d3x3Rv32Params):
    """3x3, stride 1 or 2, at most one row or column of padding on each side."""

    kernel: ClassVar[str] = "depthwise_conv2d_3x3_s8_packed_rv32"

    weights: u8_table  # (channels, bytes of a filter): indices of levels, the first one in the lowest bits
    bits: i32  # of a weight: 1, 2 or 4
    per_group: i32  # 1: each channel says which levels are its, 0: all have the same
    levels: i8_table  # (codebooks, 2^bits)
    codebook: u8_table  # (channels) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`: all weights."""
        return 9 * self.channels

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        return DepthwiseConv2d3x3Rv32Params(**_in_bytes(self, DepthwiseConv2d3x3Rv32Params, (3, 3))).run(*inputs)


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dPackedRv32Params(DepthwiseConv2dRv32Params):
    """Any window."""

    kernel: ClassVar[str] = "depthwise_conv2d_s8_packed_rv32"

    weights: u8_table  # (channels, bytes of a filter): indices of levels, the first one in the lowest bits
    bits: i32  # of a weight: 1, 2 or 4
    per_group: i32  # 1: each channel says which levels are its, 0: all have the same
    levels: i8_table  # (codebooks, 2^bits)
    codebook: u8_table  # (channels) or (1)

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`: all weights."""
        return self.filter_h * self.filter_w * self.channels

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        window = (self.filter_h, self.filter_w)
        return DepthwiseConv2dRv32Params(**_in_bytes(self, DepthwiseConv2dRv32Params, window)).run(*inputs)


KINDS = {
    DepthwiseConv2d3x3Rv32Params: DepthwiseConv2d3x3PackedRv32Params,
    DepthwiseConv2dRv32Params: DepthwiseConv2dPackedRv32Params,
}


def specialize(p: DepthwiseConv2dParams, packed: Packed, chip: str) -> Params | None:
    """Return the kernel for a depthwise convolution, or None where the one of int8 is not for this chip either."""
    layer = depthwise_conv2d_rv32.specialize(p, chip)
    if not isinstance(layer, DepthwiseConv2d3x3Rv32Params | DepthwiseConv2dRv32Params):
        return None
    rows = layer.weights.reshape(layer.channels, -1)
    if (rows != unpack(packed, rows.shape[1])).any():
        return None  # a constant channel lost its weights, and its codebook need not have a zero
    members = {m.name: getattr(layer, m.name) for m in layer.members()} | packed._asdict()
    params = KINDS[type(layer)](**members, per_group=int(packed.codebook.size > 1))
    return params if params.scratch_bytes <= MAX_SCRATCH else None


def _in_bytes(
    p: DepthwiseConv2d3x3PackedRv32Params | DepthwiseConv2dPackedRv32Params,
    kind: type[Params],
    window: tuple[int, int],
) -> dict[str, Any]:
    """Return the members of the same layer with a byte per weight."""
    packed = Packed(p.bits, p.weights, p.levels, p.codebook)
    weights = unpack(packed, int(np.prod(window))).reshape(p.channels, *window)
    return {m.name: getattr(p, m.name) for m in kind.members()} | {"weights": weights}
