"""A sliding window tap by tap: what layers without a sum over channels use instead of ``window.windows``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mcuq.ops.window import Padding, Pair, pad
from mcuq.tensor import Array


class Sliding(NamedTuple):
    """A window's rows and columns, and where it is put; ``origin`` is the padding above and left of the image."""

    window: Pair
    stride: Pair
    origin: Pair
    output: Pair
    dilation: Pair = (1, 1)

    def padding(self, x: Array) -> Padding:
        """Return that of an image [samples, rows, columns, channels], below and right as far as the output needs."""
        below, right = (
            max((o - 1) * s + (k - 1) * d + 1 - n - p, 0) for k, s, p, o, d, n in zip(*self, x.shape[1:3], strict=True)
        )
        return self.origin[0], below, self.origin[1], right


def taps(x: Array, sliding: Sliding, fill: float) -> Iterator[tuple[int, int, Array]]:
    """Yield (i, j, values): what tap (i, j) of the window sees at every output position.

    Args:
        x: [samples, rows, columns, channels].
        sliding: the window; padding below and right reaches as far as the output needs.
        fill: the value of the padding.

    Yields:
        Views [samples, output rows, output columns, channels].
    """
    (kh, kw), (sh, sw), _, (oh, ow), (dh, dw) = sliding
    padded = pad(x, sliding.padding(x), fill)
    for i in range(kh):
        rows = slice(i * dh, i * dh + (oh - 1) * sh + 1, sh)
        for j in range(kw):
            yield i, j, padded[:, rows, j * dw : j * dw + (ow - 1) * sw + 1 : sw]


def window_sums(x: Array, weights: Array, sliding: Sliding, fill: float, dtype: npt.DTypeLike) -> Array:
    """Return the sums of a window over every channel by itself, [samples, output rows, output columns, channels].

    Rows of pixels are multiplied whole: of columns that a stride skips there are copies, side by side.

    Args:
        x: [samples, rows, columns, channels].
        weights: [window rows, window columns, channels].
        sliding: the window.
        fill: the value of the padding.
        dtype: of products and sums.
    """
    (kh, kw), (sh, sw), _, (oh, ow), (dh, dw) = sliding
    n, channels = len(x), x.shape[3]
    padded = pad(x, sliding.padding(x), fill, dtype)
    each = [np.ascontiguousarray(padded[:, :, p::sw]) for p in range(min(sw, (kw - 1) * dw + 1))]
    flat = [image.reshape(n, image.shape[1], -1) for image in each]
    tiled = np.tile(weights.astype(dtype), ow).reshape(kh, kw, ow * channels)
    sums = np.zeros((n, oh, ow * channels), dtype)
    product = np.empty_like(sums)
    for i in range(kh):
        rows = slice(i * dh, i * dh + (oh - 1) * sh + 1, sh)
        for j in range(kw):
            start = j * dw // sw * channels
            seen = flat[j * dw % sw][:, rows, start : start + ow * channels]
            sums += np.multiply(seen, tiled[i, j], out=product)
    return sums.reshape(n, oh, ow, channels)
