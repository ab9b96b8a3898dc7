/* How the MAC16 cores' channels are packed: a bias of 24 bits and a right shift in one word.
 *
 * 24 bits suffice for a bias, because sums are taken modulo 2^24: their results are proven to lie within 23 bits and a
 * sign. */
#ifndef MCUQ_MAC16_CHANNEL_H
#define MCUQ_MAC16_CHANNEL_H

#include <stdint.h>

#include "mcuq_fixedpoint.h"

enum { MCUQ_MAC16_EXPONENT_BASE = 6 };

/* requantize(-(bias + sum)) + zero_point, within limits; word = bias * 256 + exponent + 6, of which the bias is
 * 2^larger times what it is with `sum`, and the exponent `larger` more. */
static inline int8_t mcuq_mac16_scaled_output(int32_t word, int32_t sum, int32_t larger, int32_t multiplier,
                                              int32_t zero_point, int32_t min, int32_t max) {
    const int32_t exponent = (word & 31) - MCUQ_MAC16_EXPONENT_BASE - larger;
    const uint32_t total = ((uint32_t)word & 0xffffff00u) + ((uint32_t)sum << (8 + larger));
    const int32_t acc = (int32_t)total >> (8 + larger);
    return mcuq_clamp_s8(mcuq_requantize(-acc, multiplier, -exponent) + zero_point, min, max);
}

/* The same with nothing larger. */
static inline int8_t mcuq_mac16_output(int32_t word, int32_t sum, int32_t multiplier, int32_t zero_point, int32_t min,
                                       int32_t max) {
    return mcuq_mac16_scaled_output(word, sum, 0, multiplier, zero_point, min, max);
}

#endif
