"""A camera's frame as a model's input: another form of pixel, a part of the frame in another size, another scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import Int64
from mcuq.ops.base import Operand, Params, PlacedOp, Real, i8_table, i32
from mcuq.tensor import Array, QTensor, Shape

Format = Literal["gray8", "rgb888", "bgr888", "rgb565", "yuv422"]  # in the order of the C kernel's
FORMATS: dict[str, int] = {"gray8": 1, "rgb888": 3, "bgr888": 3, "rgb565": 2, "yuv422": 2}  # bytes of a pixel
MOST = 1 << 15  # rows or columns of a frame


class Picked(NamedTuple):
    """Rows (or columns) that are picked: ``length`` of them, number i is ``(i * step + offset) // divisor``."""

    length: int
    step: int
    offset: int
    divisor: int

    @property
    def places(self) -> Int64:
        """All of them."""
        return (np.arange(self.length, dtype=np.int64) * self.step + self.offset) // self.divisor

    @property
    def reduced(self) -> Picked:
        """The same places, by smaller numbers."""
        common = math.gcd(self.step, self.divisor)
        return Picked(self.length, self.step // common, self.offset // common, self.divisor // common)

    def counted_from(self, first: int, count: int) -> Picked:
        """Return ``count`` of them from number ``first`` on, as they are counted from that one's place."""
        if count == 1:
            return Picked(1, 1, 0, 1)
        return Picked(count, self.step, (first * self.step + self.offset) % self.divisor, self.divisor)


def nearest(begin: int, size: int, count: int) -> Picked:
    """Return the ``count`` rows in the middle of equal parts of ``size`` rows from ``begin`` on.

    ``begin + floor((i + 1/2) * size / count)``, which are half-pixel centers.

    >>> nearest(0, 5, 2).places.tolist(), nearest(10, 2, 4).places.tolist(), nearest(3, 8, 4)
    ([1, 3], [10, 10, 11, 11], Picked(length=4, step=2, offset=4, divisor=1))
    """
    return Picked(count, 2 * size, size + 2 * count * begin, 2 * count).reduced


@dataclass(frozen=True, eq=False)
class PixelsParams(Params):
    """Pixels are picked, become one or three bytes each, and these are looked up in the table of their channel."""

    kernel: ClassVar[str] = "pixels_s8"

    input_h: i32
    input_w: i32
    output_h: i32
    output_w: i32
    channels: i32  # 1 or 3
    format: i32  # MCUQ_PIXELS_...
    row_step: i32
    row_offset: i32
    row_divisor: i32
    column_step: i32
    column_offset: i32
    column_divisor: i32
    table: i8_table  # (channels, 256), of the output's bytes

    def run(self, *inputs: Array) -> Array:
        """See :meth:`Params.run`."""
        form = list(FORMATS)[self.format]
        frames = inputs[0].view(np.uint8).reshape(-1, self.input_h, self.input_w, FORMATS[form])
        rows = Picked(self.output_h, self.row_step, self.row_offset, self.row_divisor).places
        columns = Picked(self.output_w, self.column_step, self.column_offset, self.column_divisor).places
        colors = converted(frames[:, rows], form, self.channels)[:, :, columns]
        table = self.table.reshape(self.channels, 256)
        return np.stack([table[c][colors[..., c]] for c in range(self.channels)], -1).reshape(len(frames), -1)


def converted(frames: npt.NDArray[np.uint8], form: str, channels: int) -> npt.NDArray[np.uint8]:
    """Return frames [..., width, bytes of a pixel] as [..., width, channels]: gray, or red, green and blue."""
    if channels == 1 and form in ("gray8", "yuv422"):
        return frames[..., :1]
    colors = _colors(frames, form)
    if channels == 3:
        return colors
    gray = (colors @ np.array([19595, 38470, 7471]) + 32768) >> 16
    return np.asarray(gray, np.uint8)[..., None]


def _colors(frames: npt.NDArray[np.uint8], form: str) -> npt.NDArray[np.uint8]:
    match form:
        case "gray8":
            return np.repeat(frames, 3, -1)
        case "bgr888":
            return frames[..., ::-1]
        case "rgb565":
            word = frames[..., 0].astype(np.int64) << 8 | frames[..., 1]
            r, g, b = word >> 11, word >> 5 & 63, word & 31
            return np.stack([r << 3 | r >> 2, g << 2 | g >> 4, b << 3 | b >> 2], -1).astype(np.uint8)
        case "yuv422":
            pairs = np.repeat(frames.reshape(*frames.shape[:-2], -1, 4), 2, -2).astype(np.int64)
            y, u, v = 298 * (frames[..., 0].astype(np.int64) - 16) + 128, pairs[..., 1] - 128, pairs[..., 3] - 128
            rgb = np.stack([y + 409 * v, y - 100 * u - 208 * v, y + 516 * u], -1) >> 8
            return np.asarray(np.clip(rgb, 0, 255), np.uint8)
    return frames


@dataclass(frozen=True)
class Pixels(PlacedOp):
    """``y[i, j, c] = (channel c of pixel (row(i), column(j)) - mean[c]) / std[c]``, of a frame of a camera's bytes.

    ``row(i) = floor((i * step + offset) / divisor)``, and so for columns. What a pixel's channels are, 0 to 255:

    - gray8: one byte, and of three channels each; rgb888: red, green, blue; bgr888: blue, green, red.
    - rgb565: two bytes, the first has the upper bits: red ``r << 3 | r >> 2`` of 5 bits, blue the same, green
      ``g << 2 | g >> 4`` of 6. As the ESP32's camera driver has it (esp32-camera, ``fmt2rgb888``: "hb", then "lb").
    - yuv422: two pixels in four bytes, Y U Y V (as there). With ``y = 298 * (Y - 16) + 128``, ``u = U - 128`` and
      ``v = V - 128``: red ``(y + 409 v) >> 8``, green ``(y - 100 u - 208 v) >> 8``, blue ``(y + 516 u) >> 8``, clipped:
      BT.601 in 8 bits, as Microsoft's "Recommended 8-Bit YUV Formats for Video Rendering" has it.
    - gray of colors is ``(19595 r + 38470 g + 7471 b + 32768) >> 16``, Pillow's mode L; gray of yuv422 is Y.

    Quantization: 256 real results per channel, quantized as the output's real values are; the chip looks them up.
    TensorFlow Lite Micro has no int8 operator of this kind.

    - C1: the frame is [1, height, width, bytes of a pixel], up to 32768 a side; the width of yuv422 is even.
    - C2: what is picked lies in the frame.
    - C3: one or three channels, one mean and one deviation for each, or one for all; no deviation is 0.
    - C4: the frame is uint8, of scale 1 and zero point 0.
    """

    name: ClassVar[str] = "pixels"
    takes_uint8: ClassVar[bool] = True

    format: Format
    channels: int
    rows: tuple[int, int, int, int]  # Picked
    columns: tuple[int, int, int, int]
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def infer_shape(self, *inputs: Shape) -> Shape:
        """[1, H, W, bytes of a pixel] to [1, rows, columns, channels]; C1, C2, C3."""
        n, h, w, size = inputs[0]
        if n != 1 or size != FORMATS[self.format] or max(h, w) > MOST or (self.format == "yuv422" and w % 2):
            raise ValueError(f"{inputs[0]} is no frame of {self.format}")
        for picked, most in ((Picked(*self.rows), h), (Picked(*self.columns), w)):
            if picked.length < 1 or min(picked) < 0 or not picked.divisor or max(picked[1], picked[3]) > 2 * MOST:
                raise ValueError(f"rows or columns are picked by {tuple(picked)}")
            if ((picked.length - 1) * picked.step + picked.offset) // picked.divisor >= most:
                raise ValueError(f"rows or columns picked by {tuple(picked)} are beyond {most}")
        if self.channels not in (1, 3) or not {len(self.mean), len(self.std)} <= {1, self.channels}:
            raise ValueError(f"{len(self.mean)} means and {len(self.std)} deviations for {self.channels} channels")
        if not all(self.std):
            raise ValueError("a deviation is 0")
        return (1, self.rows[0], self.columns[0], self.channels)

    def on_rows(self, first: int, count: int) -> Pixels:
        """Return what picks ``count`` of the rows from ``first`` on, of a part of the frame that begins with it."""
        return replace(self, rows=Picked(*self.rows).counted_from(first, count))

    def forward(self, *inputs: Real) -> Real:
        """See :meth:`Op.forward`."""
        frames = np.clip(np.rint(inputs[0][:, 0]), 0, 255).astype(np.uint8)[:, Picked(*self.rows).places]
        colors = converted(frames, self.format, self.channels)[:, :, Picked(*self.columns).places]
        return self._real(colors.astype(np.float64))[:, None]

    def lower(self, inputs: Sequence[Operand], output: QTensor) -> Params:
        """See :meth:`Op.lower`; C4."""
        x = cast(QTensor, inputs[0])
        if (x.dtype, x.scale, x.zero_point) != ("uint8", 1.0, 0):
            found = f"{x.dtype} of scale {x.scale:g} and zero point {x.zero_point}"
            raise CannotQuantizeError(f"the frame is {found}; it must be uint8, 1 and 0")
        every_byte = np.repeat(np.arange(256.0)[:, None], self.channels, 1)
        rows, columns = Picked(*self.rows), Picked(*self.columns)
        return PixelsParams(
            input_h=x.shape[1],
            input_w=x.shape[2],
            output_h=rows.length,
            output_w=columns.length,
            channels=self.channels,
            format=list(FORMATS).index(self.format),
            row_step=rows.step,
            row_offset=rows.offset,
            row_divisor=rows.divisor,
            column_step=columns.step,
            column_offset=columns.offset,
            column_divisor=columns.divisor,
            table=output.quantize(self._real(every_byte)).T.reshape(-1).view(np.int8),
        )

    def _real(self, colors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        with np.errstate(over="ignore"):  # what is too large saturates
            return np.asarray((colors - np.array(self.mean)) / np.array(self.std))
