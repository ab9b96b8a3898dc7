"""Depthwise convolution with weights of few bits: unpacked into the scratch, then the kernels of int8.

There are few weights, and all of them are used at once: unpacking costs less than a hundredth of the layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from mcuq.kernels.lanes import depthwise_conv2d
from mcuq.kernels.lanes.channels import MAX_SCRATCH
from mcuq.kernels.lanes.depthwise_conv2d import DepthwiseConv2d3x3LanesParams, DepthwiseConv2dLanesParams
from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params, i8_table, i32, u8_table
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.ops.packing import Packed, pack, unpack
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class DepthwiseConv2d3x3PackedLanesParams(DepthwiseConv2d3x3LanesParams):
    """3x3, stride 1 or 2, at most one row or column of padding on each side."""

    kernel: ClassVar[str] = "depthwise_conv2d_3x3_s8_packed_lanes"

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
        return self._in_bytes.run(*inputs)

    @cached_property
    def _in_bytes(self) -> DepthwiseConv2d3x3LanesParams:
        return DepthwiseConv2d3x3LanesParams(**_in_bytes(self, DepthwiseConv2d3x3LanesParams, (3, 3)))


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dPackedLanesParams(DepthwiseConv2dLanesParams):
    """Any window."""

    kernel: ClassVar[str] = "depthwise_conv2d_s8_packed_lanes"

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
        return self._in_bytes.run(*inputs)

    @cached_property
    def _in_bytes(self) -> DepthwiseConv2dLanesParams:
        window = (self.filter_h, self.filter_w)
        return DepthwiseConv2dLanesParams(**_in_bytes(self, DepthwiseConv2dLanesParams, window))


KINDS = {
    DepthwiseConv2d3x3LanesParams: DepthwiseConv2d3x3PackedLanesParams,
    DepthwiseConv2dLanesParams: DepthwiseConv2dPackedLanesParams,
}


def take(layer: Layer[DepthwiseConv2dParams]) -> Params | None:
    """Return the kernel for a depthwise convolution, or None where the one of int8 does not take it either."""
    p, in_bytes, weights = layer.params, depthwise_conv2d.take(layer), layer.few_bits
    if weights is None or not isinstance(in_bytes, DepthwiseConv2d3x3LanesParams | DepthwiseConv2dLanesParams):
        return None
    packed = pack(p.weights.reshape(-1, p.input_c).T, weights)
    rows = in_bytes.weights.reshape(in_bytes.channels, -1)
    if packed is None or (rows != unpack(packed, rows.shape[1])).any():
        return None  # a constant channel lost its weights, and its codebook need not have a zero
    members = {m.name: getattr(in_bytes, m.name) for m in in_bytes.members()} | packed._asdict()
    params = KINDS[type(in_bytes)](**members, per_group=int(packed.codebook.size > 1))
    return params if params.scratch_bytes <= MAX_SCRATCH else None


def _in_bytes(
    p: DepthwiseConv2d3x3PackedLanesParams | DepthwiseConv2dPackedLanesParams,
    kind: type[Params],
    window: tuple[int, int],
) -> dict[str, Any]:
    """Return the members of the same layer with a byte per weight."""
    packed = Packed(p.bits, p.weights, p.levels, p.codebook)
    weights = unpack(packed, int(np.prod(window))).reshape(p.channels, *window)
    return {m.name: getattr(p, m.name) for m in kind.members()} | {"weights": weights}
