/* Weights are used once, so they are not unpacked one by one: a word holds those of four channels for one input, as
 * bytes u = w + 128. The word times x, and its second and fourth byte times x, give all four products, two to a
 * register as in mcuq_lanes.h: channels 0 and 2, 1 and 3. What u has over w is the same for all channels, 128 times the
 * inputs' sum, computed once per chunk. */
#include "mcuq_fully_connected_s8_lanes.h"

#include "mcuq_tuned.h"

enum { HALF = 1 << 15, BLOCK = 8, LANES = 0x00ff00ff };

/* Two channels: see mcuq_lanes.h. */
typedef struct {
    uint32_t total;
    uint32_t high;
} sums;

/* Products of a chunk: of whole words, and of their second and fourth bytes. */
typedef struct {
    uint32_t words;
    uint32_t odd;
} products;

MCUQ_INLINE void multiply(products *a, uint32_t weights, int32_t x) {
    a->words += weights * (uint32_t)x;
    a->odd += ((weights >> 8) & LANES) * (uint32_t)x;
}

MCUQ_INLINE void add_chunk(sums *even, sums *odd, products a, uint32_t surplus) {
    const uint32_t first = a.words - (a.odd << 8) - surplus;
    const uint32_t second = a.odd - surplus;
    even->total += first;
    even->high += (uint32_t)((int32_t)first >> 16);
    odd->total += second;
    odd->high += (uint32_t)((int32_t)second >> 16);
}

/* Four channels, a chunk of eight inputs; the next input's word is two words on. */
MCUQ_INLINE products chunk_of_eight(const int32_t *w, const int8_t *x) {
    products a = {0, 0};
    multiply(&a, (uint32_t)w[0], x[0]);
    multiply(&a, (uint32_t)w[2], x[1]);
    multiply(&a, (uint32_t)w[4], x[2]);
    multiply(&a, (uint32_t)w[6], x[3]);
    multiply(&a, (uint32_t)w[8], x[4]);
    multiply(&a, (uint32_t)w[10], x[5]);
    multiply(&a, (uint32_t)w[12], x[6]);
    multiply(&a, (uint32_t)w[14], x[7]);
    return a;
}

static products short_chunk(const int32_t *w, const int8_t *x, int32_t count) {
    products a = {0, 0};
    for (int32_t k = 0; k < count; k++) {
        multiply(&a, (uint32_t)w[2 * k], x[k]);
    }
    return a;
}

/* What a chunk's sums have too much: 128 times the inputs, in both lanes, but for the 2^15 that are wanted. */
static uint32_t surplus_of(const int8_t *x, int32_t count) {
    int32_t sum = 0;
    for (int32_t k = 0; k < count; k++) {
        sum += x[k];
    }
    return (uint32_t)sum * ((128u << 16) + 128u) - HALF;
}

/* Bias of a channel and what its weights would have made too large for a chunk; `extra` moves on to the next channel.
 */
static uint32_t bias_of(const mcuq_fully_connected_s8_lanes_params *p, int32_t channel, const int8_t *x,
                        const int32_t **extra) {
    uint32_t bias = (uint32_t)p->bias[channel];
    for (const int32_t *e = *extra; e[0] == channel; e += 2) {
        bias += (uint32_t)((e[1] & 255) - 128) * (uint32_t)x[e[1] >> 8];
        *extra = e + 2;
    }
    return bias;
}

static sums start(uint32_t low, uint32_t high, int32_t chunks) {
    const sums s = {low + (high << 16) - (uint32_t)chunks * HALF, high};
    return s;
}

MCUQ_INLINE int32_t low_of(sums s) {
    return (int32_t)(s.total - (s.high << 16));
}

/* Accumulators of eight channels. */
static void block(const mcuq_fully_connected_s8_lanes_params *p, const int32_t *w, const int8_t *x,
                  const uint32_t *surplus, const uint32_t *bias, int32_t *acc) {
    const int32_t chunks = (p->input_c + p->chunk - 1) / p->chunk;
    const int32_t rest = p->input_c % p->chunk;
    const uint32_t *const end = surplus + (chunks - (rest != 0));
    sums a = start(bias[0], bias[2], chunks), b = start(bias[1], bias[3], chunks);
    sums c = start(bias[4], bias[6], chunks), d = start(bias[5], bias[7], chunks);
    if (p->chunk == 8) {
        for (; surplus != end; surplus++) {
            add_chunk(&a, &b, chunk_of_eight(w, x), *surplus);
            add_chunk(&c, &d, chunk_of_eight(w + 1, x), *surplus);
            w += 2 * 8;
            x += 8;
        }
    } else {
        for (; surplus != end; surplus++) {
            products e = {0, 0}, f = {0, 0};
            multiply(&e, (uint32_t)w[0], x[0]);
            multiply(&e, (uint32_t)w[2], x[1]);
            multiply(&f, (uint32_t)w[1], x[0]);
            multiply(&f, (uint32_t)w[3], x[1]);
            add_chunk(&a, &b, e, *surplus);
            add_chunk(&c, &d, f, *surplus);
            w += 2 * 2;
            x += 2;
        }
    }
    if (rest) {
        add_chunk(&a, &b, short_chunk(w, x, rest), *surplus);
        add_chunk(&c, &d, short_chunk(w + 1, x, rest), *surplus);
    }
    acc[0] = low_of(a), acc[1] = low_of(b), acc[2] = (int32_t)a.high, acc[3] = (int32_t)b.high;
    acc[4] = low_of(c), acc[5] = low_of(d), acc[6] = (int32_t)c.high, acc[7] = (int32_t)d.high;
}

static int32_t one(const int8_t *w, const int8_t *x, int32_t count, uint32_t bias) {
    uint32_t acc = bias;
    for (int32_t k = 0; k < count; k++) {
        acc += (uint32_t)(x[k] * w[k]);
    }
    return (int32_t)acc;
}

static void vector(const mcuq_fully_connected_s8_lanes_params *p, const mcuq_scales *scales, const int8_t *x,
                   int8_t *out, uint32_t *surplus) {
    for (int32_t k = 0; k < p->input_c; k += p->chunk) {
        const int32_t count = p->input_c - k < p->chunk ? p->input_c - k : p->chunk;
        surplus[k / p->chunk] = surplus_of(x + k, count);
    }
    const int32_t *w = p->weights;
    const int32_t *extra = p->extra;
    int32_t channel = 0;
    for (; channel + BLOCK <= p->output_c; channel += BLOCK, w += 2 * p->input_c) {
        uint32_t bias[BLOCK];
        int32_t acc[BLOCK];
        for (int32_t i = 0; i < BLOCK; i++) {
            bias[i] = bias_of(p, channel + i, x, &extra);
        }
        block(p, w, x, surplus, bias, acc);
        for (int32_t i = 0; i < BLOCK; i++) {
            out[channel + i] = mcuq_scaled(acc[i], mcuq_scale_of(scales, channel + i));
        }
    }
    for (const int8_t *row = (const int8_t *)w; channel < p->output_c; channel++, row += p->input_c) {
        const int32_t acc = one(row, x, p->input_c, (uint32_t)p->bias[channel]);
        out[channel] = mcuq_scaled(acc, mcuq_scale_of(scales, channel));
    }
}

void mcuq_fully_connected_s8_lanes(const mcuq_fully_connected_s8_lanes_params *params, const int8_t *input,
                                   int8_t *output, void *scratch) {
    const mcuq_fully_connected_s8_lanes_params *const p = params;
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    for (int32_t i = 0; i < p->batch; i++) {
        const int32_t b = p->reverse ? p->batch - 1 - i : i;
        int8_t *const out = output + b * p->output_c;
        vector(p, &scales, input + b * p->input_c, out, scratch);
        mcuq_limit(out, p->output_c, p->activation_min, p->activation_max);
    }
}
