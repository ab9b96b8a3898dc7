"""TFLite's inverse square root of an integer, in fixed point: for rsqrt and L2 normalization.

Source: ``GetInvSqrtQuantizedMultiplierExp``, tensorflow/lite/kernels/internal/quantization_util / common.cc.
"""

from __future__ import annotations

import numpy as np

from mcuq.fixedpoint import INT32_MAX, Int64, multiply_high, shift_right

HALF_SQRT_2 = 1518500250  # sqrt(2) / 2 in Q0
THREE_HALVES = 3 << 27  # in Q3
STEPS = 5  # of Newton and Raphson, from 1


def inverse_sqrt(x: Int64) -> tuple[Int64, Int64]:
    """Return ``1 / sqrt(x)`` as ``multiplier * 2**(shift - 31)``.

    Args:
        x: integers of 0 to 2^31 - 1; 0 counts as 1.
    """
    x = np.asarray(x, np.int64)
    right, value = np.full(x.shape, 11, np.int64), np.maximum(x, 2)
    while np.any(large := value >= 1 << 29):
        value, right = np.where(large, value >> 2, value), right + large
    pairs = (30 - np.floor(np.log2(value)).astype(np.int64)) // 2 - 1
    right, value = right - pairs, value << (2 * pairs)
    half = shift_right(value >> 1, 1)
    root = np.full(x.shape, 1 << 28, np.int64)
    for _ in range(STEPS):
        cubed = _saturated_left(multiply_high(multiply_high(root, root), root), 6)
        root = _saturated_left(multiply_high(THREE_HALVES, root) - multiply_high(half, cubed), 3)
    root = multiply_high(root, HALF_SQRT_2)
    root, right = root << np.maximum(-right, 0), np.maximum(right, 0)
    return np.where(x <= 1, INT32_MAX, root), np.where(x <= 1, 0, -right)


def _saturated_left(x: Int64, exponent: int) -> Int64:
    return np.asarray(np.clip(x << exponent, -INT32_MAX - 1, INT32_MAX), np.int64)
