"""Sums of channels over pixels on the ESP32-S3's vector unit: 16 channels side by side, 256 pixels at a time.

A lane of 20 bits would hold the sum of 4,095 bytes; 256 are as many as 16 bits hold, which are quicker to take out, and
of more pixels that is done so seldom that it hardly counts.
"""

from __future__ import annotations

from typing import ClassVar

from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params
from mcuq.ops.pixel_sums import PixelSumsParams

AT_ONCE = 256  # pixels whose sum an int16 holds
WORD_CHANNELS = 4  # from so many on, vectors are always quicker


class PixelSumsS3Params(PixelSumsParams):
    """As the portable kernel; sums and pixels lie at multiples of 16, the channels of a pixel at any address."""

    kernel: ClassVar[str] = "pixel_sums_s8_s3"
    alignment: ClassVar[int] = 16

    @property
    def distance(self) -> int:
        """See :meth:`Params.distance`."""
        return self.alignment


def take(layer: Layer[PixelSumsParams]) -> Params | None:
    """Return the kernel for sums within the arena; None for others, and where the portable one is quicker."""
    p = layer.params
    if layer.at_border or _is_small(p):
        return None
    return PixelSumsS3Params(pixels=p.pixels, channels=p.channels)


def _is_small(p: PixelSumsParams) -> bool:
    """Whether so few lanes are filled that plain C takes fewer instructions, as the emulated chip counts them."""
    plain = 17 + 24 * p.channels + 7 * p.channels * p.pixels
    vectors = 90 + 7 * p.channels + 3 * p.pixels  # of one, two or three channels
    return p.channels < WORD_CHANNELS and plain <= vectors
