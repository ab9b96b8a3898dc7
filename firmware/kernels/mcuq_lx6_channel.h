/* How the LX6 cores' channels are packed: a bias of 24 bits and a right shift in one word.
 *
 * 24 bits suffice for a bias, because sums are taken modulo 2^24: their results are proven to lie within 23 bits and a
 * sign. */
#ifndef MCUQ_LX6_CHANNEL_H
#define MCUQ_LX6_CHANNEL_H

#include <stdint.h>

#include "mcuq_fixedpoint.h"

enum { MCUQ_LX6_EXPONENT_BASE = 6 };

/* requantize(-(bias + sum)) + zero_point, within limits; word = bias * 256 + exponent + 6. */
static inline int8_t mcuq_lx6_output(int32_t word, int32_t sum, int32_t multiplier, int32_t zero_point, int32_t min,
                                     int32_t max) {
    const int32_t exponent = (word & 31) - MCUQ_LX6_EXPONENT_BASE;
    const int32_t acc = (int32_t)(((uint32_t)word & 0xffffff00u) + ((uint32_t)sum << 8)) >> 8;
    return mcuq_clamp_s8(mcuq_requantize(-acc, multiplier, -exponent) + zero_point, min, max);
}

#endif
