/* The only arithmetic rule (mcuq.int8.v1), equal to mcuq/fixedpoint.py bit for bit (contract N1).
 *
 * Right shifts of negative values are arithmetic, as GCC and Clang define them on every chip mcuq targets. */
#ifndef MCUQ_FIXEDPOINT_H
#define MCUQ_FIXEDPOINT_H

#include "mcuq_product_isa.h"

/* round(a * b / 2^31), ties towards plus infinity; INT32_MIN * INT32_MIN saturates. */
static inline int32_t mcuq_multiply_high(int32_t a, int32_t b) {
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* Rounding right shift, ties away from zero; exponent in 0..31. */
static inline int32_t mcuq_shift_right(int32_t x, int32_t exponent) {
    const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + ((x & mask) > threshold);
}

/* x * multiplier * 2^(shift - 31) in two roundings; positive shift = left, shift in -31..30. */
static inline int32_t mcuq_requantize(int32_t x, int32_t multiplier, int32_t shift) {
    if (shift > 0) {
        return mcuq_multiply_high((int32_t)((uint32_t)x << shift), multiplier);
    }
    return mcuq_shift_right(mcuq_multiply_high(x, multiplier), -shift);
}

/* mcuq_requantize(x, multiplier, -exponent) + zero_point in six instructions, for |x| < 2^29, 1 <= exponent <= 21 and
 * multiplier >= 0; offset = mcuq_fast_offset(zero_point, exponent).
 *
 * t = floor(x * multiplier / 2^30) has one bit more than the rounded product h of mcuq_multiply_high: h = (t + 1) >> 1.
 * The second rounding is (h + 2^(exponent - 1) - (h < 0)) >> exponent; with h's definition put in, both are one shift:
 * (t + 1 + 2^exponent - 2 * (h < 0)) >> (exponent + 1). For t = -1, the only t < 0 with h = 0, taking 2 off changes
 * nothing: -2 + 2^exponent shifts to 0 as 2^exponent does. Nothing overflows: |t| < 2^30, |offset| < 2^30. */
static inline int32_t mcuq_fast_product(int32_t x, int32_t multiplier) {
    return mcuq_upper_product(x * 4, multiplier);
}

static inline int32_t mcuq_requantize_fast(int32_t x, int32_t multiplier, int32_t exponent, int32_t offset) {
    const int32_t t = mcuq_fast_product(x, multiplier);
    return ((t < 0 ? t - 2 : t) + offset) >> (exponent + 1);
}

/* What rounds and adds the zero point (-128..127) in mcuq_requantize_fast. */
static inline int32_t mcuq_fast_offset(int32_t zero_point, int32_t exponent) {
    return (2 * zero_point + 1) * ((int32_t)1 << exponent) + 1;
}

static inline int8_t mcuq_clamp_s8(int32_t x, int32_t low, int32_t high) {
    return (int8_t)(x < low ? low : x > high ? high : x);
}

#endif
