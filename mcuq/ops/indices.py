"""Computed indices: the whole numbers that an activation's integers stand for."""

from __future__ import annotations

import numpy as np

from mcuq.errors import CannotQuantizeError
from mcuq.fixedpoint import Int64, quantize_multiplier, requantize
from mcuq.tensor import Array, QTensor

LEFT_SHIFT = 20  # of centered integers before they are scaled, so that they are rounded once


def index_multiplier(x: QTensor) -> tuple[int, int]:
    """Return what makes whole numbers of an activation's integers; see :func:`whole`.

    Raises:
        CannotQuantizeError: for steps of more than 1.
    """
    if x.scale > 1:
        raise CannotQuantizeError(f"indices in steps of {x.scale:g}; calibrate with indices, of 0 to 255")
    return quantize_multiplier(x.scale / (1 << LEFT_SHIFT))


def whole(q: Array, zero_point: int, multiplier: int, shift: int) -> Int64:
    """Return the nearest whole numbers, ties away from zero, of int8 integers of any shape."""
    return requantize((q.astype(np.int64) - zero_point) << LEFT_SHIFT, multiplier, shift)
