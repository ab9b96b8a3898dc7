/* Gates in 16 bits. Meaning: mcuq/ops/int16.py. */
#ifndef MCUQ_INT16_H
#define MCUQ_INT16_H

#include <stdint.h>

#include "mcuq_fixedpoint.h"

static inline int32_t mcuq_saturate_s16(int32_t x) {
    return x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x;
}

/* The logistic function of Q3.12 in Q0.15; table: (256) of 2^16 / (1 + exp(-i / 24)). */
static inline int32_t mcuq_logistic_s16(int32_t x, const uint16_t *table) {
    const int32_t tripled = 3 * x;
    const int32_t size = tripled < 0 ? -tripled : tripled;
    const int32_t i = size >> 9;
    const int32_t result = i >= 255 ? 0x7FFF << 10 : (table[i] << 9) + (size & 0x1FF) * (table[i + 1] - table[i]);
    return (tripled >= 0 ? result + (1 << 9) : (1 << 25) - result + (1 << 9) - 1) >> 10;
}

/* tanh in Q0.15 of three times the input in Q3.12; the same table. */
static inline int32_t mcuq_tanh_s16(int32_t tripled, const uint16_t *table) {
    const int32_t size = tripled < 0 ? -tripled : tripled;
    const int32_t i = size >> 8;
    const int32_t result = i >= 255 ? 0xFFFF << 8 : (table[i] << 8) + (size & 0xFF) * (table[i + 1] - table[i]);
    return (tripled >= 0 ? result - (1 << 23) + (1 << 7) : -result + (1 << 23) + (1 << 7) - 1) >> 8;
}

/* Three times x, shifted left, or right with rounding where `shift` is negative. */
static inline int32_t mcuq_tripled_s16(int32_t x, int32_t shift) {
    return shift >= 0 ? (int32_t)((uint32_t)(3 * x) << shift) : (3 * x + (1 << (-shift - 1))) >> -shift;
}

/* mcuq_shift_right of a number that has room for the rounding; exponent in 1..31. */
static inline int32_t mcuq_shift_right_s16(int32_t x, int32_t exponent) {
    return (x + ((int32_t)1 << (exponent - 1)) - (x < 0)) >> exponent;
}

/* mcuq_requantize(a * b, 2^30, shift) of two numbers of 16 bits, one of them below 2^15 in size: no more than 16 bits;
 * shift negative. */
static inline int32_t mcuq_product_s16(int32_t a, int32_t b, int32_t shift) {
    return mcuq_shift_right_s16((a * b + 1) >> 1, -shift);
}

/* mcuq_requantize of a number below 2^30 in size: twice the product has its bit for rounding on top of a word. */
static inline int32_t mcuq_requantize_half(int32_t x, int32_t multiplier, int32_t shift) {
    if (shift >= 0) {
        return mcuq_requantize(x, multiplier, shift);
    }
    const int64_t twice = (int64_t)(2 * x) * multiplier;
    return mcuq_shift_right_s16((int32_t)(twice >> 32) + (int32_t)((uint32_t)twice >> 31), -shift);
}

#endif
