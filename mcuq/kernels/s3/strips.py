"""Rows of an image, padded, in scratch: as many as a window has. What convolution and depthwise convolution share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mcuq.fixedpoint import clamp
from mcuq.kernels.channels import ordered_overlap
from mcuq.kernels.s3.records import LANES
from mcuq.ops.base import Overlap, Params, i32
from mcuq.ops.conv2d import Conv2dParams
from mcuq.ops.depthwise_conv2d import DepthwiseConv2dParams
from mcuq.tensor import Array

STRIP_AT = 96  # in scratch; in front of it the cores' own
STRIP_END = 32
MAX_SCRATCH = 4096


@dataclass(frozen=True, eq=False)
class StripParams(Params):
    """The strip goes down over the image: every row of the input is read once, before the output row that needs it."""

    alignment: ClassVar[int] = 16

    input_h: i32
    input_row: i32  # bytes from row to row
    row_bytes: i32  # of a row that windows see
    input_zero_point: i32
    strip_rows: i32
    pitch: i32  # bytes of a row of the strip, a multiple of 16
    origin: i32  # where the first window begins in it
    lead: i32  # where the image begins in it, a multiple of 16
    pad_top: i32
    stride_h: i32
    window_rows: i32
    row_step: i32  # from row to row of a window
    input_step: i32  # from window to window
    output_h: i32
    output_w: i32
    output_c: i32
    activation_min: i32
    activation_max: i32
    buffered: i32  # 1: output rows are computed in scratch, 0: pixels are multiples of 16 and the output begins at one

    @property
    def operand_alignment(self) -> int:
        """See :meth:`Params.operand_alignment`: the input is copied anyway."""
        return 1 if self.buffered else self.alignment

    @property
    def distance(self) -> int:
        """See :meth:`Params.distance`."""
        return self.operand_alignment

    @property
    def scratch_bytes(self) -> int:
        """See :meth:`Params.scratch_bytes`."""
        output_row = self.output_w * rounded_up(self.output_c) if self.buffered else 0
        return STRIP_AT + self.strip_rows * self.pitch + STRIP_END + output_row

    @property
    def input_bytes(self) -> int:
        """Bytes of the input."""
        return self.input_h * self.input_row

    def overlap(self, operand: int) -> Overlap:
        """See :meth:`Params.overlap`: row by row, forward only."""
        y = np.arange(self.output_h)
        top = y * self.stride_h - self.pad_top
        end = np.minimum(top + self.strip_rows, self.input_h)
        first = np.maximum(np.maximum.accumulate(np.append(0, end[:-1])), top).clip(0)
        needed = first < end
        total = self.input_h * self.input_row
        read = np.where(needed, first * self.input_row, total), np.where(needed, end * self.input_row, 0)
        row = self.output_w * self.output_c
        forward = ordered_overlap(read, (y * row, (y + 1) * row), buffered=True)
        assert forward.before is not None
        step = self.operand_alignment
        return Overlap(-(-forward.before // step) * step, None)

    def limited(self, pixels: Array) -> Array:
        """Limit outputs [samples, ..., lanes] and leave out lanes that are no channels."""
        kept = pixels[..., : self.output_c]
        return clamp(kept, self.activation_min, self.activation_max).reshape(len(pixels), -1)


def rounded_up(count: int) -> int:
    """Return the next multiple of 16."""
    return -(-count // LANES) * LANES


def members_of(p: Conv2dParams | DepthwiseConv2dParams, output_c: int, *, at_border: bool) -> dict[str, Any] | None:
    """Return what a layer's strip is, as members; None for windows that see nothing of the image's columns."""
    pixel = p.input_c
    seen = ((p.output_w - 1) * p.stride_w + (p.filter_w - 1) * p.dilation_w + 1) * pixel
    left = p.pad_left * pixel
    row_bytes = min(p.input_w * pixel, seen - left)
    if row_bytes <= 0:
        return None
    origin = -left % LANES
    pitch = rounded_up(origin + max(seen, left + row_bytes))
    return {
        "input_h": p.input_h,
        "input_row": p.input_w * pixel,
        "row_bytes": row_bytes,
        "input_zero_point": p.input_zero_point,
        "strip_rows": (p.filter_h - 1) * p.dilation_h + 1,
        "pitch": pitch,
        "origin": origin,
        "lead": origin + left,
        "pad_top": p.pad_top,
        "stride_h": p.stride_h,
        "window_rows": p.filter_h,
        "row_step": p.dilation_h * pitch,
        "input_step": p.stride_w * pixel,
        "output_h": p.output_h,
        "output_w": p.output_w,
        "output_c": output_c,
        "activation_min": p.activation_min,
        "activation_max": p.activation_max,
        "buffered": int(at_border or output_c % LANES > 0),
    }


def padded(p: StripParams, x: Array) -> Array:
    """Return what strips hold one after the other: [samples, rows, bytes from the first window's first byte on]."""
    rows = (p.output_h - 1) * p.stride_h + p.strip_rows
    image = x.reshape(len(x), p.input_h, p.input_row)[..., : p.row_bytes]
    left, below = p.lead - p.origin, max(rows - p.pad_top - p.input_h, 0)
    right = p.pitch - p.lead - p.row_bytes + STRIP_END
    filled = np.pad(image, ((0, 0), (p.pad_top, below), (left, right)), constant_values=p.input_zero_point)
    return filled[:, :rows]
