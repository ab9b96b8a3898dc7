/* Weights of 4 bits on pixels in lanes (mcuq_lanes.h): chunks of many taps instead of 2.
 *
 * A chunk's sum stays within int16 while its |w| sum to at most 255 (the packing proves it): 30 taps at least. A word
 * holds two taps of four channels; decoding a weight takes the two shifts that make a signed number of four bits: 55
 * instructions for 32 products, and per chunk those that make two sums of one word. */
#ifndef MCUQ_LANES_W4_H
#define MCUQ_LANES_W4_H

#include "mcuq_lanes_join.h"

/* What a tile needs of its layer. */
typedef struct {
    int32_t words; /* of four channels */
    int32_t chunks;
    int32_t size; /* words of all chunks but the last */
    int32_t output_c;
    const int32_t *weights; /* (output_c / 4 rounded up, words) */
    const int32_t *bias;
    mcuq_scales scales;
} mcuq_lanes_w4;

MCUQ_INLINE uint32_t mcuq_w4(uint32_t word, int32_t index) {
    return (uint32_t)((int32_t)(word << (28 - 4 * index)) >> 28);
}

MCUQ_INLINE void mcuq_w4_add(mcuq_lane_sums *sums, uint32_t chunk) {
    sums->total += chunk;
    sums->high += (uint32_t)((int32_t)chunk >> 16);
}

/* The words of one chunk, four channels and two pairs. */
MCUQ_APART const uint32_t *mcuq_lanes_w4_chunk(const int32_t *weights, const int32_t *end, const uint32_t *x,
                                               mcuq_lane_sums *sums) {
    uint32_t a0 = MCUQ_LANES_HALF, b0 = a0, c0 = a0, d0 = a0, a1 = a0, b1 = a0, c1 = a0, d1 = a0;
    do {
        const uint32_t word = (uint32_t)*weights++;
        uint32_t x0 = x[0], x1 = x[1], w;
        w = mcuq_w4(word, 0), a0 += x0 * w, a1 += x1 * w;
        w = mcuq_w4(word, 1), b0 += x0 * w, b1 += x1 * w;
        w = mcuq_w4(word, 2), c0 += x0 * w, c1 += x1 * w;
        w = mcuq_w4(word, 3), d0 += x0 * w, d1 += x1 * w;
        x0 = x[2], x1 = x[3];
        w = mcuq_w4(word, 4), a0 += x0 * w, a1 += x1 * w;
        w = mcuq_w4(word, 5), b0 += x0 * w, b1 += x1 * w;
        w = mcuq_w4(word, 6), c0 += x0 * w, c1 += x1 * w;
        w = mcuq_w4(word, 7), d0 += x0 * w, d1 += x1 * w;
        x += 4;
    } while (weights != end);
    mcuq_w4_add(&sums[0], a0);
    mcuq_w4_add(&sums[1], a1);
    mcuq_w4_add(&sums[2], b0);
    mcuq_w4_add(&sums[3], b1);
    mcuq_w4_add(&sums[4], c0);
    mcuq_w4_add(&sums[5], c1);
    mcuq_w4_add(&sums[6], d0);
    mcuq_w4_add(&sums[7], d1);
    return x;
}

/* Sums of up to four channels and two pairs. */
MCUQ_INLINE void mcuq_lanes_w4_sums(const mcuq_lanes_w4 *p, const uint32_t *x, int32_t channel, mcuq_lane_sums *sums) {
    const int32_t *w = p->weights + (channel >> 2) * p->words;
    const int32_t *const last = w + p->words;
    for (int32_t i = 0; i < 4; i++) {
        const uint32_t bias = channel + i < p->output_c ? (uint32_t)p->bias[channel + i] : 0;
        const mcuq_lane_sums start = {bias + (bias << 16) - (uint32_t)p->chunks * MCUQ_LANES_HALF, bias};
        sums[2 * i] = sums[2 * i + 1] = start;
    }
    while (w != last) {
        const int32_t *const end = last - w > p->size ? w + p->size : last;
        x = mcuq_lanes_w4_chunk(w, end, x, sums);
        w = end;
    }
}

/* All channels of two pairs of pixels: out[pixel] points to the pixel's first channel. */
MCUQ_APART void mcuq_lanes_w4_tile(const mcuq_lanes_w4 *p, const uint32_t *x, int8_t *const *out) {
    const mcuq_scales scales = p->scales; /* a copy: stores of bytes might change what a pointer points to */
    int8_t *const o0 = out[0], *const o1 = out[1], *const o2 = out[2], *const o3 = out[3];
    for (int32_t channel = 0; channel < p->output_c;) {
        mcuq_lane_sums sums[8];
        mcuq_lanes_w4_sums(p, x, channel, sums);
        const mcuq_lane_sums *s = sums;
        const int32_t end = p->output_c - channel < 4 ? p->output_c : channel + 4;
        for (; channel < end; channel++, s += 2) {
            const mcuq_scale scale = mcuq_scale_of(&scales, channel);
            o0[channel] = mcuq_scaled((int32_t)(s[0].total - (s[0].high << 16)), scale);
            o1[channel] = mcuq_scaled((int32_t)s[0].high, scale);
            o2[channel] = mcuq_scaled((int32_t)(s[1].total - (s[1].high << 16)), scale);
            o3[channel] = mcuq_scaled((int32_t)s[1].high, scale);
        }
    }
}

#endif
