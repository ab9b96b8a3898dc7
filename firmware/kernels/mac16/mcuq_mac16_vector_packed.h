/* A vector times a matrix with 2 or 4 bits per weight, which are used once. Assembly on an ESP32, C elsewhere. */
#ifndef MCUQ_MAC16_VECTOR_PACKED_H
#define MCUQ_MAC16_VECTOR_PACKED_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Weights are words, of which a channel has a whole number; n = 32 / bits of them in each, w0 in its lowest bits.
 *
 * Indices: w0, w1, .. two of which are an index of pairs; x is a[0], a[1], .. with a = 127 - input.
 *
 * Integers: w0, w2, .. w1, w3, .. so that each half of a word has every other weight; biases and right shifts are those
 * of weights that are 2^(8 - bits) times larger. The uppermost integer of a byte is in two's complement, the others are
 * 2^(bits - 1) more than they are. Of a byte with integers of the taps k, k + 2, .. k + m, the uppermost last, x is
 *
 *   a[k + m], 2^bits * a[k + m - 2] - a[k + m], 4^bits * a[k + m - 4] - 2^bits * a[k + m - 2], ..
 *
 * of the byte above in both halves first, and of both halves in turn.
 *
 * The assembly knows the members by their place. */
typedef struct {
    const uint8_t *weights;    /* (channels, words), aligned to 4 */
    const int32_t *bias;       /* (channels), of the negated sum, and right shifts: mcuq_mac16_channel.h */
    const int32_t *multiplier; /* (channels) or (1) */
    int32_t per_channel;       /* 1: one multiplier per channel, 0: one for all */
    int32_t channels;
    int32_t words;    /* of a channel, at least one */
    int16_t *x;       /* (words * n), as above; aligned to 4 */
    int32_t addition; /* to every bias */
    int8_t *output;
    int32_t zero_point; /* of the output */
    int32_t min;
    int32_t max;
    int32_t bits;            /* 2 or 4 */
    const int16_t *pairs;    /* (codebooks, 2^(2 * bits), 2): levels times 256; aligned to 4; NULL: integers */
    const uint8_t *codebook; /* (channels) or (1) */
    int32_t per_group;       /* 1: each channel says which codebook is its, 0: all have the same */
} mcuq_mac16_vector_packed;

/* output[channel] = requantize(-(bias[channel] + addition + sum of a * weights[channel])) */
void mcuq_mac16_vector_packed_run(const mcuq_mac16_vector_packed *vector);

#ifdef __cplusplus
}
#endif

#endif
