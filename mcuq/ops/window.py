"""Sliding windows over NHWC images: output sizes, SAME padding, window extraction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from mcuq.ops.base import Overlap
from mcuq.tensor import Array

Pair = tuple[int, int]
Padding = tuple[int, int, int, int]  # top, bottom, left, right


class Window(NamedTuple):
    """One dimension of a sliding window; ``reach`` counts the pixels from its first tap to its last."""

    reach: int
    stride: int = 1
    padding: int = 0


MAX_ATTRIBUTE = 1 << 15  # with it, places beside an image of 2^24 elements stay far within int32
CHUNK_BYTES = 1 << 20
MAX_WORK = 1 << 27  # values that all windows of one layer read; a 3x3 over 224x224x64 reads 2^25


def same_padding(size: Pair, window: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Padding:
    """Return TensorFlow's SAME padding (top, bottom, left, right); the odd pixel goes to the bottom and right.

    >>> same_padding((49, 10), (10, 4), (2, 2))
    (4, 5, 1, 1)
    """
    pads: list[int] = []
    for n, k, s, d in zip(size, window, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pads += [total // 2, total - total // 2]
    return pads[0], pads[1], pads[2], pads[3]


def output_size(
    size: Pair, window: Pair, stride: Pair, padding: Padding, dilation: Pair = (1, 1), *, channels: int = 1
) -> Pair:
    """Rows and columns of the output.

    Raises:
        ValueError: for a stride, dilation or padding with which C's int32 could overflow, a window that is larger than
            the padded image, or too much work for any chip and for numpy.
    """
    for what, values, low in (("stride", stride, 1), ("dilation", dilation, 1), ("padding", padding, 0)):
        if not all(low <= value <= MAX_ATTRIBUTE for value in values):
            raise ValueError(f"{what} {values} is not within {low}..{MAX_ATTRIBUTE}")
    height, width = size[0] + padding[0] + padding[1], size[1] + padding[2] + padding[3]
    rows = _positions(height, window[0], stride[0], dilation[0])
    columns = _positions(width, window[1], stride[1], dilation[1])
    work = max(height * width, rows * columns * window[0] * window[1]) * channels
    if work > MAX_WORK:
        raise ValueError(f"window {window} over {height}x{width}x{channels} reads {work} values; at most {MAX_WORK}")
    return rows, columns


def _positions(n: int, k: int, s: int, d: int) -> int:
    reach = (k - 1) * d + 1
    if n < reach:
        raise ValueError(f"window of {reach} is larger than the padded image of {n}")
    return (n - reach) // s + 1


def pad(x: Array, padding: Padding, value: float, dtype: npt.DTypeLike | None = None) -> Array:
    """Pad [samples, rows, columns, channels] with a value; in another type, if one is given."""
    top, bottom, left, right = padding
    if not any(padding):
        return np.asarray(x, dtype)
    (n, h, w, c), kind = x.shape, x.dtype if dtype is None else dtype
    padded = np.full((n, h + top + bottom, w + left + right, c), value, kind)
    padded[:, top : top + h, left : left + w] = x
    return padded


def parts_of(samples: int, bytes_each: int) -> Iterator[slice]:
    """Cut samples so that what a layer's windows see of each part stays in bounds, and in the cache."""
    size = int(np.clip(CHUNK_BYTES // max(bytes_each, 1), 1, max(samples, 1)))
    return (slice(start, min(start + size, samples)) for start in range(0, samples, size))


def patches(x: Array, window: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Array:
    """Return what every place of a window sees: [samples, rows, columns, channels] to [samples, oh, ow, kh kw c].

    A view where the window is one pixel; else a copy.
    """
    if window == (1, 1):
        return x[:, :: stride[0], :: stride[1]]
    x = np.ascontiguousarray(x)
    (n, h, w, c), (of_sample, of_row, of_pixel, of_channel) = x.shape, x.strides
    oh, ow = _positions(h, window[0], stride[0], dilation[0]), _positions(w, window[1], stride[1], dilation[1])
    along, apart = ((1, window[1] * c) if dilation[1] == 1 else (window[1], c)), dilation[1] * of_pixel
    strides = (of_sample, stride[0] * of_row, stride[1] * of_pixel, dilation[0] * of_row, apart, of_channel)
    view = as_strided(x, (n, oh, ow, window[0], *along), strides, writeable=False)
    return view.reshape(n, oh, ow, window[0] * window[1] * c)


def windows(x: Array, window: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Array:
    """View of every window: [samples, rows, columns, channels] to [samples, oh, ow, channels, kh, kw]."""
    reach = tuple((k - 1) * d + 1 for k, d in zip(window, dilation, strict=True))
    view = sliding_window_view(x, reach, axis=(1, 2))
    return view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]


def row_overlap(input_rows: int, input_row: int, output_rows: int, output_row: int, window: Window) -> Overlap:
    """Return how near the output of a kernel that works row by row may come to its input.

    Row y of the output may be written where no row lies that it or a later one (with the last row first: an earlier
    one) still reads.

    Args:
        input_rows: of the image.
        input_row: bytes of one of them.
        output_rows: of the output.
        output_row: bytes of one of them.
        window: rows that an output row sees.
    """
    y = np.arange(output_rows)
    first = np.clip(y * window.stride - window.padding, 0, input_rows)
    end = np.clip(y * window.stride - window.padding + window.reach, 0, input_rows)
    before = int(((y + 1) * output_row - first * input_row).max())
    after = int((end * input_row - y * output_row).max())
    return Overlap(before, after)
