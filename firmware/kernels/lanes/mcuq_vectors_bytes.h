/* Weights are used once, so they are not unpacked one by one: a word holds those of four channels for one input, as
 * bytes u = w + 128. The word times x, and its second and fourth byte times x, give all four products, two to a
 * register as in mcuq_lanes.h: channels 0 and 2, 1 and 3. What u has over w is the same for all channels, 128 times the
 * inputs' sum, computed once per chunk. */
#ifndef MCUQ_VECTORS_BYTES_H
#define MCUQ_VECTORS_BYTES_H

#include "mcuq_tuned.h"

enum { MCUQ_VECTOR_BLOCK = 8, MCUQ_VECTOR_HALF = 1 << 15, MCUQ_VECTOR_LANES = 0x00ff00ff };

/* A matrix by which vectors are multiplied. */
typedef struct {
    int32_t input_c;
    int32_t output_c;
    int32_t chunk;          /* inputs whose products are summed in 16 bits: 8, 4 or 2 */
    const int32_t *weights; /* bytes (output_c / 8, input_c, 8) with 128 added, then int8 (output_c % 8, input_c) */
    const int32_t *extra;   /* (n + 1, 2): channel, and input * 256 + weight + 128 to be added; the last channel: -1 */
    const int32_t *bias;    /* (output_c), the input's zero point included */
} mcuq_vector_matrix;

/* Two channels: see mcuq_lanes.h. */
typedef struct {
    uint32_t total;
    uint32_t high;
} mcuq_vector_sums;

/* Products of a chunk: of whole words, and of their second and fourth bytes. */
typedef struct {
    uint32_t words;
    uint32_t odd;
} mcuq_vector_products;

MCUQ_INLINE void mcuq_vector_multiply(mcuq_vector_products *a, uint32_t weights, int32_t x) {
    a->words += weights * (uint32_t)x;
    a->odd += ((weights >> 8) & MCUQ_VECTOR_LANES) * (uint32_t)x;
}

MCUQ_INLINE void mcuq_vector_add_chunk(mcuq_vector_sums *even, mcuq_vector_sums *odd, mcuq_vector_products a,
                                       uint32_t surplus) {
    const uint32_t first = a.words - (a.odd << 8) - surplus;
    const uint32_t second = a.odd - surplus;
    even->total += first;
    even->high += (uint32_t)((int32_t)first >> 16);
    odd->total += second;
    odd->high += (uint32_t)((int32_t)second >> 16);
}

/* Four channels, a chunk of eight inputs; the next input's word is two words on. */
MCUQ_INLINE mcuq_vector_products mcuq_vector_chunk_of_eight(const int32_t *w, const int8_t *x) {
    mcuq_vector_products a = {0, 0};
    mcuq_vector_multiply(&a, (uint32_t)w[0], x[0]);
    mcuq_vector_multiply(&a, (uint32_t)w[2], x[1]);
    mcuq_vector_multiply(&a, (uint32_t)w[4], x[2]);
    mcuq_vector_multiply(&a, (uint32_t)w[6], x[3]);
    mcuq_vector_multiply(&a, (uint32_t)w[8], x[4]);
    mcuq_vector_multiply(&a, (uint32_t)w[10], x[5]);
    mcuq_vector_multiply(&a, (uint32_t)w[12], x[6]);
    mcuq_vector_multiply(&a, (uint32_t)w[14], x[7]);
    return a;
}

MCUQ_INLINE mcuq_vector_products mcuq_vector_chunk_of_four(const int32_t *w, const int8_t *x) {
    mcuq_vector_products a = {0, 0};
    mcuq_vector_multiply(&a, (uint32_t)w[0], x[0]);
    mcuq_vector_multiply(&a, (uint32_t)w[2], x[1]);
    mcuq_vector_multiply(&a, (uint32_t)w[4], x[2]);
    mcuq_vector_multiply(&a, (uint32_t)w[6], x[3]);
    return a;
}

static inline mcuq_vector_products mcuq_vector_short_chunk(const int32_t *w, const int8_t *x, int32_t count) {
    mcuq_vector_products a = {0, 0};
    for (int32_t k = 0; k < count; k++) {
        mcuq_vector_multiply(&a, (uint32_t)w[2 * k], x[k]);
    }
    return a;
}

/* What the sums of every chunk have too much: 128 times the inputs, in both lanes, but for the 2^15 that are wanted. */
static inline void mcuq_vector_surplus(const mcuq_vector_matrix *m, const int8_t *x, uint32_t *surplus) {
    for (int32_t left = m->input_c; left > 0; left -= m->chunk, surplus++) {
        int32_t sum = 0;
        for (const int8_t *const end = x + (left < m->chunk ? left : m->chunk); x != end; x++) {
            sum += *x;
        }
        *surplus = (uint32_t)sum * ((128u << 16) + 128u) - MCUQ_VECTOR_HALF;
    }
}

/* Bias of a channel and what its weights would have made too large for a chunk; `extra` moves on to the next channel.
 */
static inline uint32_t mcuq_vector_bias(const mcuq_vector_matrix *m, int32_t channel, const int8_t *x,
                                        const int32_t **extra) {
    uint32_t bias = (uint32_t)m->bias[channel];
    for (const int32_t *e = *extra; e[0] == channel; e += 2) {
        bias += (uint32_t)((e[1] & 255) - 128) * (uint32_t)x[e[1] >> 8];
        *extra = e + 2;
    }
    return bias;
}

static mcuq_vector_sums mcuq_vector_start(uint32_t low, uint32_t high, int32_t chunks) {
    const mcuq_vector_sums s = {low + (high << 16) - (uint32_t)chunks * MCUQ_VECTOR_HALF, high};
    return s;
}

MCUQ_INLINE int32_t mcuq_vector_low_of(mcuq_vector_sums s) {
    return (int32_t)(s.total - (s.high << 16));
}

/* Accumulators of eight channels from a multiple of eight on; `extra` is that of the first, and moves on. Chunks of
 * four only where `fours` says so, a constant. */
MCUQ_INLINE void mcuq_vector_eight(const mcuq_vector_matrix *m, int32_t channel, const int8_t *x,
                                   const uint32_t *surplus, const int32_t **extra, int32_t fours, int32_t *acc) {
    const int32_t *w = m->weights + channel / 4 * m->input_c;
    const int32_t chunk = m->chunk;
    const int32_t chunks = (m->input_c + chunk - 1) / chunk;
    const int32_t rest = m->input_c % chunk;
    const uint32_t *const end = surplus + (chunks - (rest != 0));
    uint32_t bias[MCUQ_VECTOR_BLOCK];
    for (int32_t i = 0; i < MCUQ_VECTOR_BLOCK; i++) {
        bias[i] = mcuq_vector_bias(m, channel + i, x, extra);
    }
    mcuq_vector_sums a = mcuq_vector_start(bias[0], bias[2], chunks), b = mcuq_vector_start(bias[1], bias[3], chunks);
    mcuq_vector_sums c = mcuq_vector_start(bias[4], bias[6], chunks), d = mcuq_vector_start(bias[5], bias[7], chunks);
    if (chunk == 8) {
        for (; surplus != end; surplus++) {
            mcuq_vector_add_chunk(&a, &b, mcuq_vector_chunk_of_eight(w, x), *surplus);
            mcuq_vector_add_chunk(&c, &d, mcuq_vector_chunk_of_eight(w + 1, x), *surplus);
            w += 2 * 8;
            x += 8;
        }
    } else if (fours && chunk == 4) {
        for (; surplus != end; surplus++) {
            mcuq_vector_add_chunk(&a, &b, mcuq_vector_chunk_of_four(w, x), *surplus);
            mcuq_vector_add_chunk(&c, &d, mcuq_vector_chunk_of_four(w + 1, x), *surplus);
            w += 2 * 4;
            x += 4;
        }
    } else {
        for (; surplus != end; surplus++) {
            mcuq_vector_products e = {0, 0}, f = {0, 0};
            mcuq_vector_multiply(&e, (uint32_t)w[0], x[0]);
            mcuq_vector_multiply(&e, (uint32_t)w[2], x[1]);
            mcuq_vector_multiply(&f, (uint32_t)w[1], x[0]);
            mcuq_vector_multiply(&f, (uint32_t)w[3], x[1]);
            mcuq_vector_add_chunk(&a, &b, e, *surplus);
            mcuq_vector_add_chunk(&c, &d, f, *surplus);
            w += 2 * 2;
            x += 2;
        }
    }
    if (rest) {
        mcuq_vector_add_chunk(&a, &b, mcuq_vector_short_chunk(w, x, rest), *surplus);
        mcuq_vector_add_chunk(&c, &d, mcuq_vector_short_chunk(w + 1, x, rest), *surplus);
    }
    acc[0] = mcuq_vector_low_of(a), acc[1] = mcuq_vector_low_of(b), acc[2] = (int32_t)a.high, acc[3] = (int32_t)b.high;
    acc[4] = mcuq_vector_low_of(c), acc[5] = mcuq_vector_low_of(d), acc[6] = (int32_t)c.high, acc[7] = (int32_t)d.high;
}

/* Accumulator of one of the channels behind the last eight. */
static inline int32_t mcuq_vector_one(const mcuq_vector_matrix *m, int32_t channel, const int8_t *x) {
    const int32_t blocked = channel / MCUQ_VECTOR_BLOCK * MCUQ_VECTOR_BLOCK;
    const int8_t *const rows = (const int8_t *)(m->weights + blocked / 4 * m->input_c);
    const int8_t *const w = rows + (channel - blocked) * m->input_c;
    uint32_t acc = (uint32_t)m->bias[channel];
    for (int32_t k = 0; k < m->input_c; k++) {
        acc += (uint32_t)(x[k] * w[k]);
    }
    return (int32_t)acc;
}

#endif
