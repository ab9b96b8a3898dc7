/* The only arithmetic rule (mcuq.int8.v1), equal to mcuq/fixedpoint.py bit for bit (contract N1).
 *
 * Right shifts of negative values are arithmetic, as GCC and Clang define them on every chip mcuq targets. */
#ifndef MCUQ_FIXEDPOINT_H
#define MCUQ_FIXEDPOINT_H

#include <stdint.h>

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

static inline int8_t mcuq_clamp_s8(int32_t x, int32_t low, int32_t high) {
    return (int8_t)(x < low ? low : x > high ? high : x);
}

#endif
