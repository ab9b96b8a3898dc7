#include "mcuq_conv2d_s8_r16.h"

#include "mcuq_lanes_join.h"

typedef mcuq_conv2d_s8_r16_params mcuq_image;
#include "mcuq_lanes_window.h"

/* The sums are those of mcuq_lanes.h, for a chip that loads bytes without their sign and has 16 registers.
 *
 * Weights are u = w + 128. What the products have too much is 128 times a chunk's inputs, in both lanes and for every
 * channel the same: computed once per chunk, less the 2^15 that is wanted, and kept behind the chunk's two words. Four
 * channels of one pair of pixels are all that the registers hold: 84 instructions for 32 products. */
enum { TILE = 2, CHANNELS = 4, CHUNK_WORDS = 3, SIGNS = 0x00800080 };

/* Values of two pixels side by side: byte plus 128 is byte with its highest bit turned, and so without a sign. */
MCUQ_INLINE uint32_t side_by_side(int8_t a, int8_t b) {
    return (((uint32_t)(uint8_t)a | (uint32_t)(uint8_t)b << 16) ^ SIGNS) - SIGNS;
}

/* Put the second word into a chunk that has its first, and what is too much; return the next chunk. */
MCUQ_INLINE uint32_t *completed(uint32_t *x, uint32_t second) {
    x[1] = second;
    x[2] = (x[0] + second) * 128 - MCUQ_LANES_HALF;
    return x + CHUNK_WORDS;
}

/* Put `count` taps of two windows side by side, behind those of which `half` says that they end within the chunk x;
 * return the chunk that comes next, or that is not complete. */
static uint32_t *join(const int8_t *a, const int8_t *b, int32_t count, uint32_t *x, int32_t half) {
    const int8_t *const end = a + count;
    if (half) {
        x = completed(x, side_by_side(*a++, *b++));
    }
    for (; end - a >= 2; a += 2, b += 2) {
        x[0] = side_by_side(a[0], b[0]);
        x = completed(x, side_by_side(a[1], b[1]));
    }
    if (a != end) {
        x[0] = side_by_side(*a, *b);
    }
    return x;
}

/* Two windows side by side; taps past their end are 0, to an even number of chunks. */
static void join_windows(const mcuq_conv2d_s8_r16_params *p, const int8_t *input, const mcuq_place *at, uint32_t *x,
                         const uint32_t *end, int8_t *border) {
    const int32_t width = p->filter_w * p->input_c, down = p->dilation_h * p->input_w * p->input_c;
    const int32_t inside = mcuq_is_inside(p, &at[0]) && mcuq_is_inside(p, &at[1]);
    const int8_t *a = input + (at[0].y * p->input_w + at[0].x) * p->input_c;
    const int8_t *b = input + (at[1].y * p->input_w + at[1].x) * p->input_c;
    int32_t half = 0;
    for (int32_t i = 0; i < p->filter_h; i++) {
        if (inside) {
            x = join(a + i * down, b + i * down, width, x, half);
        } else {
            const int32_t y = i * p->dilation_h;
            x = join(mcuq_row_part(p, input, at[0].y + y, at[0].x, 0, width, border),
                     mcuq_row_part(p, input, at[1].y + y, at[1].x, 0, width, border + width), width, x, half);
        }
        half ^= width & 1;
    }
    if (half) {
        x = completed(x, 0);
    }
    while (x != end) {
        x[0] = 0;
        x = completed(x, 0);
    }
}

/* What sums begin with; `surplus`: what all chunks will add to `total` and not to the sums. */
MCUQ_INLINE mcuq_lane_sums start(int32_t bias, uint32_t surplus) {
    const mcuq_lane_sums sums = {(uint32_t)bias + ((uint32_t)bias << 16) - surplus, (uint32_t)bias};
    return sums;
}

/* One chunk of one channel. */
MCUQ_INLINE void step(mcuq_lane_sums *sums, uint32_t x0, uint32_t x1, uint32_t x2, uint32_t w0, uint32_t w1) {
    const uint32_t chunk = x0 * w0 + x1 * w1 - x2;
    sums->total += chunk;
    sums->high += (uint32_t)((int32_t)chunk >> 16);
}

/* Sums of four channels. */
MCUQ_APART void four(const uint8_t *w, const int32_t *bias, const uint32_t *x, const uint32_t *end, uint32_t surplus,
                     mcuq_lane_sums *sums) {
    mcuq_lane_sums a = start(bias[0], surplus), b = start(bias[1], surplus);
    mcuq_lane_sums c = start(bias[2], surplus), d = start(bias[3], surplus);
    do {
        const uint32_t x0 = x[0], x1 = x[1], x2 = x[2];
        step(&a, x0, x1, x2, w[0], w[4]);
        step(&b, x0, x1, x2, w[1], w[5]);
        step(&c, x0, x1, x2, w[2], w[6]);
        step(&d, x0, x1, x2, w[3], w[7]);
        const uint32_t y0 = x[3], y1 = x[4], y2 = x[5];
        step(&a, y0, y1, y2, w[8], w[12]);
        step(&b, y0, y1, y2, w[9], w[13]);
        step(&c, y0, y1, y2, w[10], w[14]);
        step(&d, y0, y1, y2, w[11], w[15]);
        x += 2 * CHUNK_WORDS;
        w += 16;
    } while (x != end);
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

/* Sums of one of the channels behind the last four. */
MCUQ_APART mcuq_lane_sums one(const uint8_t *w, int32_t bias, const uint32_t *x, const uint32_t *end,
                              uint32_t surplus) {
    mcuq_lane_sums sums = start(bias, surplus);
    for (; x != end; x += CHUNK_WORDS, w += 2) {
        step(&sums, x[0], x[1], x[2], w[0], w[1]);
    }
    return sums;
}

/* Outputs of channels channel..end of two pixels. */
MCUQ_APART void finish(const mcuq_scales *scales, const mcuq_lane_sums *sums, int32_t channel, int32_t end,
                       int8_t *first, int8_t *second) {
    for (; channel != end; channel++, sums++) {
        const mcuq_scale scale = mcuq_scale_of(scales, channel);
        first[channel] = mcuq_scaled((int32_t)(sums->total - (sums->high << 16)), scale);
        second[channel] = mcuq_scaled((int32_t)sums->high, scale);
    }
}

/* Pixels first..first + count - 1: all of their input is read before any of their output is written. */
static void tile(const mcuq_conv2d_s8_r16_params *p, const int8_t *input, int32_t first, int32_t count, int8_t *output,
                 uint32_t *x) {
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    const int32_t taps = p->filter_h * p->filter_w * p->input_c, chunks = (taps + 3) / 4 * 2;
    const uint32_t surplus = (uint32_t)chunks * MCUQ_LANES_HALF;
    uint32_t *const end = x + CHUNK_WORDS * chunks;
    int8_t *const out = output + first * p->output_c, *const next = out + (count - 1) * p->output_c;
    const uint8_t *w = p->weights;
    mcuq_place at[TILE];
    mcuq_tile_windows(p, first, count, TILE, at);
    join_windows(p, input, at, x, end, (int8_t *)end);
    for (int32_t channel = 0, done; channel < p->output_c; channel += done, w += done * taps) {
        mcuq_lane_sums sums[CHANNELS];
        if (channel + CHANNELS <= p->output_c) {
            four(w, p->bias + channel, x, end, surplus, sums);
            done = CHANNELS;
        } else {
            sums[0] = one(w, p->bias[channel], x, end, surplus);
            done = 1;
        }
        finish(&scales, sums, channel, channel + done, out, next);
    }
}

void mcuq_conv2d_s8_r16(const mcuq_conv2d_s8_r16_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_conv2d_s8_r16_params *const p = params;
    const int32_t pixels = p->output_h * p->output_w;
    const int32_t tiles = (pixels + TILE - 1) / TILE;
    for (int32_t i = 0; i < tiles; i++) {
        const int32_t first = (p->reverse ? tiles - 1 - i : i) * TILE;
        const int32_t count = pixels - first < TILE ? pixels - first : TILE;
        tile(p, input, first, count, output, scratch);
        mcuq_limit(output + first * p->output_c, count * p->output_c, p->activation_min, p->activation_max);
    }
}
