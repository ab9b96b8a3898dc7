"""Gates in 16 bits: TFLite's integer logistic and tanh, and sums that saturate.

Both functions are read from one table of the logistic function, between whose entries is a straight line. Inputs are in
Q3.12, outputs in Q0.15. The numbers are those of ``reference_integer_ops::Logistic`` and ``Tanh`` for int16.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mcuq.fixedpoint import Int64
from mcuq.tensor import Array

INT16_MIN, INT16_MAX = -(2**15), 2**15 - 1
GATE_SCALE = 2.0**-12  # of what goes into a gate's function
UNIT_SCALE = 2.0**-15  # of what comes out

# entries of TFLite's table that are one more than the function rounded
ONE_MORE = (
    *(4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46),
    *(49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255),
)


def logistic_table() -> npt.NDArray[np.uint16]:
    """Return 2^16 / (1 + exp(-i / 24)) for i in 0..255, as TFLite has it.

    >>> logistic_table()[[0, 1, 4, 255]].tolist()
    [32768, 33451, 35493, 65535]
    """
    index = np.arange(256)
    table = np.floor(2**16 / (1 + np.exp(-index / 24)) + 0.5)
    table[list(ONE_MORE)] += 1
    return table.astype(np.uint16)


_TABLE = logistic_table().astype(np.int64)


def logistic(x: Int64) -> Int64:
    """Return the logistic function of Q3.12 in Q0.15."""
    tripled = 3 * x
    size = np.abs(tripled)
    index = np.minimum(size >> 9, 254)
    between = (_TABLE[index] << 9) + (size & 0x1FF) * (_TABLE[index + 1] - _TABLE[index])
    result = np.where(size >> 9 >= 255, 0x7FFF << 10, between)
    return np.where(tripled >= 0, result + (1 << 9), (1 << 25) - result + (1 << 9) - 1) >> 10


def tanh(x: Int64, left_shift: int = 0) -> Int64:
    """Return tanh in Q0.15.

    Args:
        x: in Q(3 + left_shift).(12 - left_shift).
        left_shift: may be negative.
    """
    scaled = 3 * x << left_shift if left_shift >= 0 else (3 * x + (1 << (-left_shift - 1))) >> -left_shift
    size = np.abs(scaled)
    index = np.minimum(size >> 8, 254)
    between = (_TABLE[index] << 8) + (size & 0xFF) * (_TABLE[index + 1] - _TABLE[index])
    result = np.where(size >> 8 >= 255, 0xFFFF << 8, between)
    positive, negative = result - (1 << 23) + (1 << 7), -result + (1 << 23) + (1 << 7) - 1
    return np.where(scaled >= 0, positive, negative) >> 8


def saturated(x: Array) -> Int64:
    """Saturate to 16 bits."""
    return np.asarray(np.clip(x, INT16_MIN, INT16_MAX), np.int64)
