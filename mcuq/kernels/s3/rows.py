"""Rows that move to the front of other memory, 16 bytes at a time, on the ESP32-S3's vector unit."""

from __future__ import annotations

from typing import ClassVar

from mcuq.kernels.layer import Layer
from mcuq.ops.base import Params
from mcuq.ops.rows import MovedRowsParams, RowsParams


class RowsS3Params(MovedRowsParams):
    """As the portable kernel; rows may begin anywhere in the input."""

    kernel: ClassVar[str] = "rows_s8_s3"
    alignment: ClassVar[int] = 16

    @property
    def distance(self) -> int:
        """See :meth:`Params.distance`."""
        return self.alignment


def take(layer: Layer[RowsParams]) -> Params | None:
    """Return the kernel for rows that move within the arena; None for others."""
    p = layer.params
    return None if layer.at_border or p.is_view else RowsS3Params(offset=p.offset, bytes=p.bytes)
