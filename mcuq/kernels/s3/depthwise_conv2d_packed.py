"""Depthwise convolution on the ESP32-S3's vector unit with weights of 1, 2 or 4 bits, which become bytes tap by tap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.kernels.layer import Layer
from mcuq.kernels.s3.depthwise_conv2d import PlanesS3Params, pixels_abreast, planes, strip_of
from mcuq.kernels.s3.records import BYTE, LANES, table, unpacked
from mcuq.kernels.s3.strips import MAX_SCRATCH
from mcuq.ops.base import Params, i8_table, i32
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.ops.packing import stored_bits, uniform_levels
from mcuq.tensor import Array


@dataclass(frozen=True, eq=False)
class DepthwiseConv2dPackedS3Params(PlanesS3Params):
    """Every row of a window has vectors of its own, whose last weights may be of no tap."""

    kernel: ClassVar[str] = "depthwise_conv2d_packed_s8_s3"

    records: i8_table  # (groups): mcuq_s3_record.h, mcuq_s3_depthwise_packed.h
    bits: i32  # of a weight: 1, 2 or 4

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        rows, columns = _lines(self.window_rows, self.columns)
        stored = _stored(columns, self.bits)
        groups = unpacked(self.records, rows * stored, self.bits)
        taps = [group.weights.reshape(LANES, rows, stored)[..., :columns].reshape(LANES, -1) for group in groups]
        return self.of_weights(inputs[0], [g._replace(weights=w) for g, w in zip(groups, taps, strict=True)])


def take(layer: Layer[DepthwiseConv2dParams]) -> Params | None:
    """Return the kernel for a layer of integers; None for codebooks, and for signs where a 0 would be needed."""
    p, weights = layer.params, layer.few_bits
    if weights is None or weights.codebook is not None:
        return None
    strip, found, bits = strip_of(p, at_border=layer.at_border), planes(p), stored_bits(weights.bits)
    if strip is None or found is None:
        return None
    used = np.concatenate([group.weights for group in found.groups])[: p.input_c * pixels_abreast(p)]
    if not np.isin(used, uniform_levels(bits)).all():
        return None
    rows, columns = _lines(p.filter_h, p.filter_w)
    filled = ((0, 0), (0, 0), (0, _stored(columns, bits) - columns))
    groups = [
        group._replace(weights=np.pad(group.weights.reshape(LANES, rows, columns), filled).reshape(LANES, -1))
        for group in found.groups
    ]
    params = DepthwiseConv2dPackedS3Params(**strip, records=table(groups, bits), bits=bits)
    return params if params.scratch_bytes <= MAX_SCRATCH else None


def _lines(rows: int, columns: int) -> tuple[int, int]:
    """Return rows and columns of a window as the core takes them: a single column is a row."""
    return (1, rows) if columns == 1 else (rows, columns)


def _stored(columns: int, bits: int) -> int:
    """Return how many weights are stored of a row."""
    return -(-columns * bits // BYTE) * BYTE // bits
