"""A sliding window tap by tap: what layers without a sum over channels use instead of ``window.windows``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mcuq.ops.window import Pair, pad
from mcuq.tensor import Array


class Sliding(NamedTuple):
    """A window's rows and columns, and where it is put; ``origin`` is the padding above and left of the image."""

    window: Pair
    stride: Pair
    origin: Pair
    output: Pair
    dilation: Pair = (1, 1)


def taps(x: Array, sliding: Sliding, fill: float) -> Iterator[tuple[int, int, Array]]:
    """Yield (i, j, values): what tap (i, j) of the window sees at every output position.

    Args:
        x: [samples, rows, columns, channels].
        sliding: the window; padding below and right reaches as far as the output needs.
        fill: the value of the padding.

    Yields:
        Views [samples, output rows, output columns, channels].
    """
    below, right = (
        max((o - 1) * s + (k - 1) * d + 1 - n - p, 0) for k, s, p, o, d, n in zip(*sliding, x.shape[1:3], strict=True)
    )
    (kh, kw), (sh, sw), (top, left), (oh, ow), (dh, dw) = sliding
    padded = pad(x, (top, below, left, right), fill)
    for i in range(kh):
        rows = slice(i * dh, i * dh + (oh - 1) * sh + 1, sh)
        for j in range(kw):
            yield i, j, padded[:, rows, j * dw : j * dw + (ow - 1) * sw + 1 : sw]
