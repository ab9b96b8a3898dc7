"""Resizing of images by interpolation between four pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from mcuq.fixedpoint import shift_right
from mcuq.ops.base import Operand, Params, Real, i32
from mcuq.ops.resize import ResizeOp
from mcuq.tensor import Array, QTensor, Shape

BITS = 10  # of a position's fraction
MAX_SIZE = 1 << 20  # pixels: positions stay within int32


class Positions(NamedTuple):
    """Output index i lies at ``(i * scale + offset) / 1024`` pixels of the input, limited to the image."""

    scale: int
    offset: int


@dataclass(frozen=True, eq=False)
class ResizeBilinearParams(Params):
    """Positions and weights in 1/1024: the four products, at most 2^27, are summed and rounded once."""

    kernel: ClassVar[str] = "resize_bilinear_s8"

    input_h: i32
    input_w: i32
    channels: i32
    output_h: i32
    output_w: i32
    scale_h: i32  # rows of the input per row of the output, in 1/1024
    scale_w: i32
    offset_h: i32  # where row 0 lies, in 1/1024
    offset_w: i32

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        x = inputs[0].reshape(-1, self.input_h, self.input_w, self.channels).astype(np.int64)
        y0, y1, fy = _neighbours(self.output_h, self.input_h, self.scale_h, self.offset_h)
        x0, x1, fx = _neighbours(self.output_w, self.input_w, self.scale_w, self.offset_w)
        fy, fx = fy[:, np.newaxis, np.newaxis], fx[:, np.newaxis]
        upper = x[:, y0][:, :, x0] * (1024 - fx) + x[:, y0][:, :, x1] * fx
        lower = x[:, y1][:, :, x0] * (1024 - fx) + x[:, y1][:, :, x1] * fx
        return shift_right(upper * (1024 - fy) + lower * fy, 2 * BITS).astype(np.int8).reshape(len(x), -1)


def _neighbours(outputs: int, size: int, scale: int, offset: int) -> tuple[Array, Array, Array]:
    """Return the pixel before and after every output position, and the fraction in 1/1024."""
    position = np.clip(np.arange(outputs) * scale + offset, 0, (size - 1) << BITS)
    first, fraction = position >> BITS, position & (1024 - 1)
    return first, first + (fraction > 0), fraction


@dataclass(frozen=True)
class ResizeBilinear(ResizeOp):
    """``y[i, j] = x`` interpolated linearly between its four neighbours, NHWC, at row ``i * H / H'``.

    With half-pixel centers at ``(i + 0.5) * H / H' - 0.5``, with aligned corners at ``i * (H - 1) / (H' - 1)``; beyond
    the first and last row their values hold.

    Quantization: TFLite's ResizeBilinearInteger: positions in 1/1024 of a pixel, with the quotient rounded to that too,
    one rounding half away from zero. Where the rounded quotient leads beyond the image (heights and widths above 1024)
    the last row counts; TFLite Micro reads outside the tensor there.

    Strips of rows have ``spaced``, the distance of their rows in 1/1024 and where the first one lies
    (:mod:`mcuq.passes.rows`).

    - C1: heights and widths are positive, at most 2^20, and at most one of the flags is set.
    - C2: input and output have the same scale and zero point.
    - C3: a distance is not negative, and all rows lie within 2^20.
    """

    name: ClassVar[str] = "resize_bilinear"
    ties: ClassVar[bool] = True

    spaced: tuple[int, ...] = ()

    def infer_shape(self, *inputs: Shape) -> Shape:
        """[1, H, W, C] to [1, height, width, C]; C1."""
        if max(*inputs[0][1:3], self.height, self.width) > MAX_SIZE:
            raise ValueError(f"heights and widths must be at most {MAX_SIZE}")
        if self.spaced:
            scale, offset = self.spaced
            if scale < 0 or max(abs(offset), scale * self.height + abs(offset)) > MAX_SIZE << BITS:
                raise ValueError(f"{self.height} rows at a distance of {scale} from {offset} on are beyond {MAX_SIZE}")
        return super().infer_shape(*inputs)

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        y = self._strip(inputs[0]) if self.spaced else self._interpolated(inputs[0], 2, self.height)
        return self._interpolated(y, 3, self.width)

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C2."""
        _, h, w, c = self._check(inputs, output)
        rows, columns = self.rows(h), self._positions(w, self.width)
        return ResizeBilinearParams(
            input_h=h,
            input_w=w,
            channels=c,
            output_h=self.height,
            output_w=self.width,
            scale_h=rows.scale,
            scale_w=columns.scale,
            offset_h=rows.offset,
            offset_w=columns.offset,
        )

    def rows(self, size: int) -> Positions:
        """Return where the rows of the output lie in the input, which has ``size`` of them."""
        return Positions(*self.spaced) if self.spaced else self._positions(size, self.height)

    def _positions(self, size: int, output: int) -> Positions:
        aligned = self.align_corners and output > 1
        pixels, steps = (size - 1, output - 1) if aligned else (size, output)
        scale = ((pixels << BITS) + steps // 2) // steps
        return Positions(scale, scale // 2 - (1 << (BITS - 1)) if self.half_pixel_centers else 0)

    def _strip(self, x: Real) -> Real:
        """Interpolate the real values of rows at the positions of a strip's."""
        first, second, parts = _neighbours(self.height, x.shape[2], *self.spaced)
        fraction = parts.reshape(-1, 1, 1) / (1 << BITS)
        return np.asarray(x[:, :, first] * (1 - fraction) + x[:, :, second] * fraction)

    def _interpolated(self, x: Real, axis: int, output: int) -> Real:
        """Interpolate real values along one dimension, at exact positions."""
        size = x.shape[axis]
        aligned = self.align_corners and output > 1
        scale = (size - 1) / (output - 1) if aligned else size / output
        half = 0.5 * self.half_pixel_centers
        position = np.clip((np.arange(output) + half) * scale - half, 0, size - 1)
        first = np.floor(position).astype(np.int64)
        fraction = (position - first).reshape([-1 if d == axis else 1 for d in range(x.ndim)])
        return np.asarray(
            x.take(first, axis) * (1 - fraction) + x.take(np.minimum(first + 1, size - 1), axis) * fraction
        )
