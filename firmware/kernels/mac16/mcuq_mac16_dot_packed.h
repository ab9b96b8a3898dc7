/* Dot products of a tile, as mcuq_mac16_dot.h, with filters of 2 or 4 bits per weight. Assembly on an ESP32, C
 * elsewhere.
 */
#ifndef MCUQ_MAC16_DOT_PACKED_H
#define MCUQ_MAC16_DOT_PACKED_H

#include <stdint.h>

#include "mcuq_mac16_dot.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MCUQ_MAC16_INTEGERS = 0, MCUQ_MAC16_PAIRS = 1, MCUQ_MAC16_LEVELS = 2 };

/* The assembly knows the members by their place. Weights are words, of which a filter takes a whole number; the tile's
 * `filter` has as many values as they hold. With bits = 4 a word has 8 of them, w0 in its lowest bits:
 *
 *   integers, in two's complement: w0, w2, w4, w6, w1, w3, w5, w7; biases and right shifts are those of weights that
 *   are 2^(8 - bits) times larger
 *   indices of a codebook: w0, w1, w2, .. w7; two of them are an index of pairs, which is faster than levels. For
 * levels the filter begins as zeros. */
typedef struct {
    mcuq_mac16_dot tile;
    int32_t bits;            /* 2 or 4 */
    int32_t form;            /* one of the above */
    const int16_t *pairs;    /* (codebooks, 2^(2 * bits), 2): the weights of two indices, times 256; aligned to 4 */
    const int8_t *levels;    /* (codebooks, 2^bits) */
    const uint8_t *codebook; /* (channels) or (1) */
    int32_t per_group;       /* 1: each channel says which codebook is its, 0: all have the same */
} mcuq_mac16_dot_packed;

/* output[pixel][channel] = requantize(-(bias[channel] + sum of x * weights[channel])) */
void mcuq_mac16_dot_packed_tile(const mcuq_mac16_dot_packed *packed);

#ifdef __cplusplus
}
#endif

#endif
