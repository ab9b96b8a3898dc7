#include "mcuq_conv2d_winograd_s8_lanes.h"

#if defined(__GNUC__) && !defined(__clang__)
/* Otherwise the loop of `products` spills registers and grows by 10 %. */
#pragma GCC optimize("no-tree-ter", "ira-algorithm=priority")
#endif

#include "mcuq_tuned.h"

/* A tile is 2x2 outputs of all channels. It comes from a window of 4x4 inputs d and a filter g by
 *
 *   A' [(G g G') * (B' d B)] A        * : element by element, summed over the input channels
 *
 * with 16 products where 3x3 taps need 36. The table holds (2G) g (2G)', so that what comes out is 4 times the
 * accumulator: just what mcuq_scaled_fourfold takes. All sums are taken modulo 2^32; only their result is bounded.
 * Four tiles by four channels at a time fill the registers, and the filters are read once for 16 outputs. */
enum { TILES = 4, FOUR = 4, PLACES = 16, SUMS = TILES * FOUR, PIXELS = 4 };

typedef struct {
    int32_t y; /* of the window; it may lie partly outside */
    int32_t x;
    int8_t *out;   /* first channel of the first pixel */
    int32_t right; /* bytes to the next pixel, 0 if that is outside */
    int32_t down;
} tile;

typedef struct {
    const int8_t *from;
    int32_t right;
    int32_t down;
} window;

/* A row times B. Sums have names of their own: GCC would compute them in 16 bits, with shifts. */
MCUQ_INLINE void transform_row(int32_t d0, int32_t d1, int32_t d2, int32_t d3, int16_t *v) {
    const int32_t v0 = d0 - d2, v1 = d1 + d2, v2 = d2 - d1, v3 = d1 - d3;
    v[0] = (int16_t)v0;
    v[TILES] = (int16_t)v1;
    v[2 * TILES] = (int16_t)v2;
    v[3 * TILES] = (int16_t)v3;
}

/* B' d B of one window for `depth` channels, to every fourth of (depth, 16, 4); another of zeros if that is odd. */
MCUQ_APART void transform(window of, int32_t depth, int16_t *v) {
    const int8_t *r0 = of.from, *r1 = r0 + of.down, *r2 = r1 + of.down, *r3 = r2 + of.down;
    const int32_t one = of.right, two = 2 * one, three = two + one;
    const int8_t *const end = r0 + depth;
    while (r0 != end) {
        const int32_t a0 = r0[0] - r2[0], b0 = r1[0] + r2[0], c0 = r2[0] - r1[0], d0 = r1[0] - r3[0];
        const int32_t a1 = r0[one] - r2[one], b1 = r1[one] + r2[one], c1 = r2[one] - r1[one], d1 = r1[one] - r3[one];
        const int32_t a2 = r0[two] - r2[two], b2 = r1[two] + r2[two], c2 = r2[two] - r1[two], d2 = r1[two] - r3[two];
        const int32_t a3 = r0[three] - r2[three], b3 = r1[three] + r2[three];
        const int32_t c3 = r2[three] - r1[three], d3 = r1[three] - r3[three];
        transform_row(a0, a1, a2, a3, v);
        transform_row(b0, b1, b2, b3, v + 4 * TILES);
        transform_row(c0, c1, c2, c3, v + 8 * TILES);
        transform_row(d0, d1, d2, d3, v + 12 * TILES);
        r0++, r1++, r2++, r3++;
        v += PLACES * TILES;
    }
    for (int32_t place = 0; place < PLACES * (depth & 1); place++) {
        v[place * TILES] = 0;
    }
}

/* A tile's window, channels first..first + depth - 1: in the image or, at its border, copied to `patch`. */
static window window_of(const mcuq_conv2d_winograd_s8_lanes_params *p, const int8_t *input, const tile *t,
                        int32_t first, int32_t depth, int8_t *patch) {
    const window inside = {input + (t->y * p->input_w + t->x) * p->input_c + first, p->input_c,
                           p->input_w * p->input_c};
    if (t->y >= 0 && t->x >= 0 && t->y + 4 <= p->input_h && t->x + 4 <= p->input_w) {
        return inside;
    }
    int8_t *to = patch;
    for (int32_t i = 0; i < PLACES; i++) {
        const int32_t y = t->y + (i >> 2), x = t->x + (i & 3);
        int8_t *const end = to + depth;
        if (y >= 0 && y < p->input_h && x >= 0 && x < p->input_w) {
            const int8_t *from = input + (y * p->input_w + x) * p->input_c + first;
            while (to != end) {
                *to++ = *from++;
            }
        }
        while (to != end) {
            *to++ = (int8_t)p->input_zero_point;
        }
    }
    const window copied = {patch, depth, 4 * depth};
    return copied;
}

typedef struct {
    uint32_t of[TILES];
} sums4;

MCUQ_INLINE sums4 begin(const int16_t *x, int32_t w, int32_t next) {
    const int16_t *const y = x + PLACES * TILES;
    const sums4 s = {{(uint32_t)(x[0] * w + y[0] * next), (uint32_t)(x[1] * w + y[1] * next),
                      (uint32_t)(x[2] * w + y[2] * next), (uint32_t)(x[3] * w + y[3] * next)}};
    return s;
}

MCUQ_INLINE void step(sums4 *s, const int16_t *x, int32_t w) {
    s->of[0] += (uint32_t)(x[0] * w);
    s->of[1] += (uint32_t)(x[1] * w);
    s->of[2] += (uint32_t)(x[2] * w);
    s->of[3] += (uint32_t)(x[3] * w);
}

/* Products summed over `depth` channels, an even number: (16, 4 channels, 4 tiles). */
MCUQ_APART void products(const int16_t *v, const int16_t *w, int32_t depth, sums4 *sums) {
    const sums4 *const last = sums + PLACES * FOUR;
    while (sums != last) {
        const int16_t *x = v;
        const int16_t *const end = v + depth * PLACES * TILES;
        sums4 a = begin(x, w[0], w[4]), b = begin(x, w[1], w[5]), c = begin(x, w[2], w[6]), d = begin(x, w[3], w[7]);
        while ((w += 2 * FOUR, x += 2 * PLACES * TILES) != end) {
            step(&a, x, w[0]);
            step(&b, x, w[1]);
            step(&c, x, w[2]);
            step(&d, x, w[3]);
            step(&a, x + PLACES * TILES, w[4]);
            step(&b, x + PLACES * TILES, w[5]);
            step(&c, x + PLACES * TILES, w[6]);
            step(&d, x + PLACES * TILES, w[7]);
        }
        sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
        sums += FOUR;
        v += TILES;
    }
}

typedef struct {
    uint32_t top;
    uint32_t bottom;
} column;

/* A' times one column of the 16 sums. */
MCUQ_INLINE column column_of(const uint32_t *m, uint32_t bias) {
    const uint32_t m1 = m[4 * SUMS] + bias, m2 = m[8 * SUMS];
    const column t = {m[0] + m1 + m2, m1 - m2 - m[12 * SUMS]};
    return t;
}

/* A' m A of all tiles and channels, (4 pixels, 4 channels, 4 tiles), added to what earlier input channels gave. It may
 * come where m is. */
MCUQ_APART void combine(const uint32_t *m, const int32_t *bias, int32_t count, int32_t is_first, uint32_t *y) {
    for (int32_t i = 0; i < count; i++) {
        const uint32_t start = is_first ? (uint32_t)bias[i] * 4 : 0;
        for (const uint32_t *const end = m + TILES; m != end; m++, y++) {
            const column k0 = column_of(m, 0), k1 = column_of(m + SUMS, start);
            const column k2 = column_of(m + 2 * SUMS, 0), k3 = column_of(m + 3 * SUMS, 0);
            uint32_t y0 = k0.top + k1.top + k2.top, y1 = k1.top - k2.top - k3.top;
            uint32_t y2 = k0.bottom + k1.bottom + k2.bottom, y3 = k1.bottom - k2.bottom - k3.bottom;
            if (!is_first) {
                y0 += y[0], y1 += y[SUMS], y2 += y[2 * SUMS], y3 += y[3 * SUMS];
            }
            y[0] = y0, y[SUMS] = y1, y[2 * SUMS] = y2, y[3 * SUMS] = y3;
        }
    }
}

/* Outputs of four tiles in `count` channels. */
MCUQ_APART void finish(const mcuq_scales *of, const uint32_t *y, const tile *tiles, int32_t channel, int32_t count) {
    const mcuq_scales scales = *of;
    const tile *const last = tiles + TILES;
    for (const int32_t end = channel + count; channel < end; channel++) {
        const mcuq_scale scale = mcuq_scale_of(&scales, channel);
        for (const tile *t = tiles; t != last; t++, y++) {
            int8_t *const out = t->out + channel;
            int8_t *const below = out + t->down;
            below[t->right] = mcuq_scaled_fourfold((int32_t)y[3 * SUMS], scale); /* what lies outside falls on what */
            *below = mcuq_scaled_fourfold((int32_t)y[2 * SUMS], scale);          /* does not, and is overwritten */
            out[t->right] = mcuq_scaled_fourfold((int32_t)y[SUMS], scale);
            *out = mcuq_scaled_fourfold((int32_t)y[0], scale);
        }
    }
}

/* Tiles first..first + 3; the last one again and again where there are fewer. */
static void locate(const mcuq_conv2d_winograd_s8_lanes_params *p, int32_t first, int8_t *output, tile *tiles) {
    const int32_t columns = (p->output_w + 1) / 2, rows = (p->output_h + 1) / 2;
    int32_t y = first / columns, x = first % columns;
    for (int32_t i = 0; i < TILES; i++) {
        tiles[i].y = 2 * y - p->pad_top;
        tiles[i].x = 2 * x - p->pad_left;
        tiles[i].out = output + (2 * y * p->output_w + 2 * x) * p->output_c;
        tiles[i].right = 2 * x + 1 < p->output_w ? p->output_c : 0;
        tiles[i].down = 2 * y + 1 < p->output_h ? p->output_w * p->output_c : 0;
        if (x + 1 < columns) {
            x++;
        } else if (y + 1 < rows) {
            x = 0;
            y++;
        }
    }
}

/* Four tiles in output channels first..first + block_out - 1. */
static void block(const mcuq_conv2d_winograd_s8_lanes_params *p, const int8_t *input, const tile *tiles, int32_t first,
                  int16_t *v) {
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    const int32_t end = first + p->block_out < p->output_c ? first + p->block_out : p->output_c;
    const int32_t taps = PLACES * ((p->input_c + 1) & ~1);
    sums4 sums[PLACES * FOUR];
    for (int32_t k = 0; k < p->input_c; k += p->block_in) {
        const int32_t depth = p->input_c - k < p->block_in ? p->input_c - k : p->block_in;
        uint32_t *y = p->block_in < p->input_c ? (uint32_t *)(v + p->block_in * PLACES * TILES) : sums[0].of;
        for (int32_t i = 0; i < TILES; i++) {
            transform(window_of(p, input, tiles + i, k, depth, (int8_t *)sums), depth, v + i);
        }
        for (int32_t c = first; c < end; c += FOUR) {
            const int32_t count = end - c < FOUR ? end - c : FOUR;
            products(v, p->weights + c * taps + k * PLACES * FOUR, (depth + 1) & ~1, sums);
            combine(sums[0].of, p->bias + c, count, k == 0, y);
            if (k + depth == p->input_c) {
                finish(&scales, y, tiles, c, count);
            }
            y += y == sums[0].of ? 0 : PIXELS * SUMS;
        }
    }
}

void mcuq_conv2d_winograd_s8_lanes(const mcuq_conv2d_winograd_s8_lanes_params *params, const int8_t *input,
                                   int8_t *output, void *scratch) {
    const mcuq_conv2d_winograd_s8_lanes_params *const p = params;
    const int32_t tiles = (p->output_h + 1) / 2 * ((p->output_w + 1) / 2);
    const int32_t groups = (tiles + TILES - 1) / TILES;
    for (int32_t i = 0; i < groups; i++) {
        tile at[TILES];
        locate(p, (p->reverse ? groups - 1 - i : i) * TILES, output, at);
        for (int32_t first = 0; first < p->output_c; first += p->block_out) {
            block(p, input, at, first, scratch);
        }
    }
    mcuq_limit(output, p->output_h * p->output_w * p->output_c, p->activation_min, p->activation_max);
}
