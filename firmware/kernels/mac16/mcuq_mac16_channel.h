/* How the MAC16 cores' channels and vectors are packed: a bias of 24 bits and a right shift in one word.
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

/* Vectors as mcuq_mac16_vector.h has them: inputs in fours. */
enum { MCUQ_MAC16_NEUTRAL_EVEN = -1, MCUQ_MAC16_NEUTRAL_ODD = -128 }; /* inputs that become 0 */

/* Four inputs; returns what the offset of the even weights needs, 1/128 of it. */
static inline int32_t mcuq_mac16_four(int32_t x0, int32_t x1, int32_t x2, int32_t x3, int16_t *to) {
    const int32_t a1 = -128 - x1;
    const int32_t a3 = -128 - x3;
    to[0] = (int16_t)a1;
    to[1] = (int16_t)a3;
    to[2] = (int16_t)((-1 - x0) * 256 - a1);
    to[3] = (int16_t)((-1 - x2) * 256 - a3);
    return x0 + x2 + 2;
}

/* A vector, filled up to fours; returns what is to be added to every bias. */
static inline int32_t mcuq_mac16_in_fours(const int8_t *input, int32_t count, int16_t *to) {
    const int32_t rest = count % 4;
    const int32_t whole = count - rest;
    int32_t sum = 0;
    for (int32_t k = 0; k < whole; k += 4) {
        sum += mcuq_mac16_four(input[k], input[k + 1], input[k + 2], input[k + 3], to + k);
    }
    if (rest > 0) {
        const int8_t *const last = input + whole;
        const int32_t x1 = rest > 1 ? last[1] : MCUQ_MAC16_NEUTRAL_ODD;
        const int32_t x2 = rest > 2 ? last[2] : MCUQ_MAC16_NEUTRAL_EVEN;
        sum += mcuq_mac16_four(last[0], x1, x2, MCUQ_MAC16_NEUTRAL_ODD, to + whole);
    }
    return 128 * sum;
}

/* The sum of a channel as the assembly computes it, 1/256 of it: without what cancels out. */
static inline int32_t mcuq_mac16_sum_of_fours(const int16_t *x, const uint8_t *weights, int32_t taps) {
    int32_t acc = 0;
    for (int32_t k = 0; k < taps; k += 4) {
        acc += x[k] * (int8_t)weights[k + 1] + x[k + 1] * (int8_t)weights[k + 3];
        acc += (x[k + 2] + x[k]) / 256 * weights[k] + (x[k + 3] + x[k + 1]) / 256 * weights[k + 2];
    }
    return acc;
}

#endif
