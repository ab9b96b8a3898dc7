"""The only arithmetic rule: real multipliers as Q31 integers, and requantization with them.

``requantize(x, m, s)`` is TFLite's ``MultiplyByQuantizedMultiplier``, two roundings (``mcuq.int8.v1``):
the saturating rounding doubling high multiply of gemmlowp, then a rounding right shift, ties away from
zero. ``mcuq_fixedpoint.h`` is the same in C (contract N1).

Source: tensorflow/lite/kernels/internal/{common.h,quantization_util.cc}, gemmlowp/fixedpoint/fixedpoint.h.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1


def quantize_multiplier(real: float, *, by_shift: bool = False) -> tuple[int, int]:
    """Write a real multiplier as ``multiplier * 2**(shift - 31)`` with multiplier in [2^30, 2^31).

    Negative multipliers give a negative mantissa. Magnitudes under 2^-32 become zero; those from 2^30 up saturate.

    With ``by_shift`` a power of two 2^e becomes ``(INT32_MAX, e)``: the high multiply returns every x in
    (-2^30, 2^30] as it is, so requantization is a rounding shift alone (one rounding, ties away from zero).

    >>> quantize_multiplier(0.5), quantize_multiplier(1.0), quantize_multiplier(-0.25), quantize_multiplier(0)
    ((1073741824, 0), (1073741824, 1), (-1073741824, -1), (0, 0))
    >>> quantize_multiplier(0.5, by_shift=True)
    (2147483647, -1)
    """
    if real == 0:
        return 0, 0
    if by_shift and math.frexp(real)[0] == 0.5 and -31 <= math.frexp(real)[1] - 1 <= 30:
        return INT32_MAX, math.frexp(real)[1] - 1
    if abs(real) >= 2**30:
        return (INT32_MAX if real > 0 else INT32_MIN), 30
    mantissa, shift = math.frexp(real)
    multiplier = round_half_away(mantissa * 2**31)
    if abs(multiplier) == 2**31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:  # rounded up to 2^30
        return (INT32_MAX if multiplier > 0 else INT32_MIN), 30
    return multiplier, shift


def quantize_multipliers(
    real: npt.NDArray[np.float64], *, by_shift: bool = False
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
    """Apply :func:`quantize_multiplier` to each element; return multipliers and shifts as tables."""
    pairs = [quantize_multiplier(float(value), by_shift=by_shift) for value in np.asarray(real).ravel()]
    return np.array([m for m, _ in pairs], np.int32), np.array([s for _, s in pairs], np.int8)


def round_half_away(value: float) -> int:
    """Round to the nearest integer, ties away from zero (C's ``round``).

    >>> round_half_away(2.5), round_half_away(-2.5), round_half_away(0.49999999999999994)
    (3, -3, 0)
    """
    magnitude = abs(value)
    whole = math.floor(magnitude)
    if magnitude - whole >= 0.5:
        whole += 1
    return int(math.copysign(whole, value))


def multiply_high(a: npt.ArrayLike, b: npt.ArrayLike) -> Int64:
    """Saturating rounding doubling high multiply: ``round(a * b / 2**31)``, ties towards plus infinity.

    gemmlowp's ``SaturatingRoundingDoublingHighMul`` on int32 operands; only INT32_MIN times itself saturates.
    """
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.asarray(np.minimum((product + (1 << 30)) >> 31, INT32_MAX), np.int64)


def shift_right(x: npt.ArrayLike, exponent: npt.ArrayLike) -> Int64:
    """Rounding right shift, ties away from zero: gemmlowp's ``RoundingDivideByPOT``; exponent in 0..31.

    >>> shift_right([5, -5, 6, -6, 7], 2).tolist()
    [1, -1, 2, -2, 2]
    """
    x = np.asarray(x, np.int64)
    exponent = np.asarray(exponent, np.int64)
    half = (np.int64(1) << exponent) >> 1
    return np.asarray((x + half - ((x < 0) & (exponent > 0))) >> exponent, np.int64)


def requantize(x: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int64:
    """Scale int32 accumulators by ``multiplier * 2**(shift - 31)``; positive shift = left.

    Args:
        x: int32 values, any shape.
        multiplier: Q31 mantissa, broadcast against x (per channel: the last axis).
        shift: exponent in -31..30, broadcast against x. ``x << shift`` wraps to 32 bits as it does on the chip.

    >>> requantize([100, -100, 3], 2**30, 0).tolist()
    [50, -50, 2]
    """
    shift = np.asarray(shift, np.int64)
    left = np.asarray(x, np.int64) << np.maximum(shift, 0)
    wrapped = left.astype(np.int32).astype(np.int64)
    return shift_right(multiply_high(wrapped, multiplier), np.maximum(-shift, 0))


def clamp(x: npt.ArrayLike, low: int, high: int) -> npt.NDArray[np.int8]:
    """Saturate to [low, high] and narrow to int8."""
    return np.asarray(np.clip(x, low, high), np.int8)
