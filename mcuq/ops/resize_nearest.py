"""Resizing of images by repeating or leaving out pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mcuq.ops.base import Operand, Params, Real, i32, i32_table
from mcuq.ops.resize import ResizeOp
from mcuq.tensor import Array, QTensor, Shape


@dataclass(frozen=True, eq=False)
class ResizeNearestParams(Params):
    """Output pixel (y, x) is input pixel (rows[y], columns[x])."""

    kernel: ClassVar[str] = "resize_nearest_s8"

    input_h: i32
    input_w: i32
    channels: i32
    output_h: i32
    output_w: i32
    rows: i32_table  # (output_h), of the input
    columns: i32_table  # (output_w)

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.channels)
        return x[:, self.rows][:, :, self.columns].reshape(len(x), -1)


@dataclass(frozen=True)
class ResizeNearest(ResizeOp):
    """``y[i, j] = x[row(i), column(j)]``, NHWC, where ``row(i) = floor(i * H / H')``.

    With half-pixel centers ``floor((i + 0.5) * H / H')``, with aligned corners ``round(i * (H - 1) / (H' - 1))``, half
    away from zero, at most H - 1; in float32, as TFLite's reference does.

    Quantization: bytes are copied.

    Strips of rows have ``picked``, their rows' places in the input, one for each (:mod:`mcuq.passes.rows`).

    - C1: height and width are positive, and at most one of the flags is set.
    - C2: input and output have the same scale and zero point.
    - C3: as many rows are picked as the output has, and the input has them.
    """

    name: ClassVar[str] = "resize_nearest"
    ties: ClassVar[bool] = True
    only_moves: ClassVar[bool] = True

    picked: tuple[int, ...] = ()

    def infer_shape(self, *inputs: Shape) -> Shape:
        """See :meth:`ResizeOp.infer_shape`; C3."""
        rows = inputs[0][1]
        if self.picked and not (len(self.picked) == self.height and 0 <= min(self.picked) <= max(self.picked) < rows):
            raise ValueError(f"rows {self.picked[:8]} are picked for {self.height}, of {rows}")
        return super().infer_shape(*inputs)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        _, h, w, _ = inputs[0].shape[1:]
        return inputs[0].take(self.rows(h), 2).take(self._pixels(w, self.width), 3)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        _, h, w, c = self._check(inputs, output)
        return ResizeNearestParams(
            input_h=h,
            input_w=w,
            channels=c,
            output_h=self.height,
            output_w=self.width,
            rows=self.rows(h),
            columns=self._pixels(w, self.width),
        )

    def rows(self, size: int) -> Array:
        """Return the input's row of every one of the output; the input has ``size`` of them."""
        return np.array(self.picked, np.int32) if self.picked else self._pixels(size, self.height)

    def _pixels(self, size: int, output: int) -> Array:
        """Return the input's row (column) of every one of the output: TFLite's GetNearestNeighbor."""
        aligned = self.align_corners and output > 1
        scale = np.float32(size - 1) / np.float32(output - 1) if aligned else np.float32(size) / np.float32(output)
        position = (np.arange(output, dtype=np.float32) + np.float32(0.5 * self.half_pixel_centers)) * scale
        nearest = np.floor(position + np.float32(0.5)) if self.align_corners else np.floor(position)
        return np.asarray(np.clip(nearest, 0, size - 1), np.int32)
