/* Two input pixels in one register, so that one multiplication serves both: the core of convolutions on RV32IMC.
 *
 * X = (x1 << 16) + x0 times a weight w holds x1 w above x0 w. Summed over a chunk of two taps, x0 w stays within int16
 * as long as |w| + |w'| <= 255 (the packing proves it); with 2^15 added it is never negative, and the upper half is
 * the chunk's sum for pixel 1. `high` collects those, `total` the whole words, modulo 2^32; in the end
 * sum0 = total - (high << 16) - chunks * 2^15. Seven instructions for four products, where two each are the least
 * that one pixel at a time needs.
 *
 * Four channels by two pairs of pixels fill the 28 registers that a compiler has: 71 instructions for 32 products. */
#ifndef MCUQ_LANES_H
#define MCUQ_LANES_H

#include "mcuq_lanes_join.h"

/* What a tile needs of its layer. */
typedef struct {
    int32_t taps;   /* of one channel */
    int32_t chunks; /* of two taps; the last one's second tap may be past the end: there x is 0 */
    int32_t output_c;
    const int8_t *weights; /* (output_c / 4, taps, 4), then (output_c % 4, taps); four bytes more if taps are odd */
    const int32_t *bias;
    mcuq_scales scales;
} mcuq_lanes;

MCUQ_INLINE mcuq_lane_sums mcuq_lanes_start(const mcuq_lanes *p, int32_t channel) {
    const uint32_t bias = (uint32_t)p->bias[channel];
    const mcuq_lane_sums sums = {bias + (bias << 16) - (uint32_t)p->chunks * MCUQ_LANES_HALF, bias};
    return sums;
}

/* One chunk of one channel and one pair. */
MCUQ_INLINE void mcuq_lanes_step(mcuq_lane_sums *sums, uint32_t x0, uint32_t x1, int32_t w0, int32_t w1) {
    const uint32_t chunk = x0 * (uint32_t)w0 + x1 * (uint32_t)w1 + MCUQ_LANES_HALF;
    sums->total += chunk;
    sums->high += (uint32_t)((int32_t)chunk >> 16);
}

/* Sums of four channels and two pairs; x holds both pairs of every tap. */
MCUQ_APART void mcuq_lanes_four_by_two(const mcuq_lanes *p, const uint32_t *x, int32_t channel, mcuq_lane_sums *sums) {
    const int8_t *w = p->weights + channel * p->taps;
    const uint32_t *const end = x + 4 * p->chunks;
    mcuq_lane_sums a[2], b[2], c[2], d[2];
    a[0] = a[1] = mcuq_lanes_start(p, channel);
    b[0] = b[1] = mcuq_lanes_start(p, channel + 1);
    c[0] = c[1] = mcuq_lanes_start(p, channel + 2);
    d[0] = d[1] = mcuq_lanes_start(p, channel + 3);
    do {
        const uint32_t x0 = x[0], x1 = x[2], y0 = x[1], y1 = x[3];
        mcuq_lanes_step(&a[0], x0, x1, w[0], w[4]);
        mcuq_lanes_step(&a[1], y0, y1, w[0], w[4]);
        mcuq_lanes_step(&b[0], x0, x1, w[1], w[5]);
        mcuq_lanes_step(&b[1], y0, y1, w[1], w[5]);
        mcuq_lanes_step(&c[0], x0, x1, w[2], w[6]);
        mcuq_lanes_step(&c[1], y0, y1, w[2], w[6]);
        mcuq_lanes_step(&d[0], x0, x1, w[3], w[7]);
        mcuq_lanes_step(&d[1], y0, y1, w[3], w[7]);
        x += 4;
        w += 8;
    } while (x != end);
    sums[0] = a[0], sums[1] = a[1], sums[2] = b[0], sums[3] = b[1];
    sums[4] = c[0], sums[5] = c[1], sums[6] = d[0], sums[7] = d[1];
}

/* Sums of four channels and one pair. */
MCUQ_APART void mcuq_lanes_four_by_one(const mcuq_lanes *p, const uint32_t *x, int32_t channel, mcuq_lane_sums *sums) {
    const int8_t *w = p->weights + channel * p->taps;
    const uint32_t *const end = x + 2 * p->chunks;
    mcuq_lane_sums a = mcuq_lanes_start(p, channel), b = mcuq_lanes_start(p, channel + 1);
    mcuq_lane_sums c = mcuq_lanes_start(p, channel + 2), d = mcuq_lanes_start(p, channel + 3);
    do {
        mcuq_lanes_step(&a, x[0], x[1], w[0], w[4]);
        mcuq_lanes_step(&b, x[0], x[1], w[1], w[5]);
        mcuq_lanes_step(&c, x[0], x[1], w[2], w[6]);
        mcuq_lanes_step(&d, x[0], x[1], w[3], w[7]);
        x += 2;
        w += 8;
    } while (x != end);
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

/* Sums of one channel and one pair, of which x holds every `stride`th word. */
MCUQ_APART mcuq_lane_sums mcuq_lanes_one(const mcuq_lanes *p, const uint32_t *x, int32_t stride, int32_t channel) {
    const int8_t *w = p->weights + channel * p->taps;
    mcuq_lane_sums sums = mcuq_lanes_start(p, channel);
    for (int32_t i = 0; i < p->chunks; i++) {
        mcuq_lanes_step(&sums, x[0], x[stride], w[0], w[1]);
        x += 2 * stride;
        w += 2;
    }
    return sums;
}

/* Sums of some channels: the return value says how many, 4 or 1. */
MCUQ_INLINE int32_t mcuq_lanes_sums(const mcuq_lanes *p, const uint32_t *x, int32_t pairs, int32_t channel,
                                    mcuq_lane_sums *sums) {
    if (channel + 4 > p->output_c) {
        for (int32_t i = 0; i < pairs; i++) {
            sums[i] = mcuq_lanes_one(p, x + i, pairs, channel);
        }
        return 1;
    }
    if (pairs == 2) {
        mcuq_lanes_four_by_two(p, x, channel, sums);
    } else {
        mcuq_lanes_four_by_one(p, x, channel, sums);
    }
    return 4;
}

/* All channels of `pairs` pairs of pixels, 1 or 2: out[pixel] points to the pixel's first channel. */
MCUQ_APART void mcuq_lanes_tile(const mcuq_lanes *p, const uint32_t *x, int32_t pairs, int8_t *const *out) {
    const mcuq_scales scales = p->scales; /* a copy: stores of bytes might change what a pointer points to */
    int8_t *const o0 = out[0], *const o1 = out[1], *const o2 = out[2], *const o3 = out[3];
    for (int32_t channel = 0; channel < p->output_c;) {
        mcuq_lane_sums sums[8];
        const mcuq_lane_sums *const end = sums + pairs * mcuq_lanes_sums(p, x, pairs, channel, sums);
        for (const mcuq_lane_sums *s = sums; s != end; s += pairs, channel++) {
            const mcuq_scale scale = mcuq_scale_of(&scales, channel);
            o0[channel] = mcuq_scaled((int32_t)(s[0].total - (s[0].high << 16)), scale);
            o1[channel] = mcuq_scaled((int32_t)s[0].high, scale);
            if (pairs == 2) {
                o2[channel] = mcuq_scaled((int32_t)(s[1].total - (s[1].high << 16)), scale);
                o3[channel] = mcuq_scaled((int32_t)s[1].high, scale);
            }
        }
    }
}

#endif
